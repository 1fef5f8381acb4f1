package apps

import (
	"encoding/json"

	"github.com/uselamina/lamina/internal/api"
)

// A parameter is an input while it is being declared.
type parameter api.Parameter

type parameters []parameter

// wire returns the parameters as the API lists them.
func (ps parameters) wire() []api.Parameter {
	all := make([]api.Parameter, len(ps))
	for i, p := range ps {
		all[i] = api.Parameter(p)
	}
	return all
}

// textInput declares a text that must be supplied.
func textInput(app, key, name, description string) parameter {
	return parameter{ID: app + "." + key, Key: key, Name: name, Type: "text", Required: true, Description: description}
}

// optionsInput declares a choice that has a default.
func optionsInput(app, key, name, description, standard string, options []string) parameter {
	p := textInput(app, key, name, description).withDefault(standard)
	p.Type, p.Options = "options", options
	return p
}

// imageInput declares an address of a picture that must be supplied.
func imageInput(app, key, name, description string) parameter {
	p := textInput(app, key, name, description)
	p.Type, p.Accept = "url", []string{"image"}
	return p
}

// withDefault makes an input optional.
func (p parameter) withDefault(value string) parameter {
	p.Default, _ = json.Marshal(value) // a string always has a JSON form
	p.Required = false
	return p
}

// several lets an input take more than one value.
func (p parameter) several() parameter {
	p.Multiple = true
	return p
}
