package apps

import (
	"encoding/json"

	"github.com/uselamina/lamina/internal/api"
)

// A parameter is the declaration of an input.
type parameter api.Parameter

type parameters []parameter

// wire returns the parameters in the form of the API.
func (ps parameters) wire() []api.Parameter {
	all := make([]api.Parameter, len(ps))
	for i, p := range ps {
		all[i] = api.Parameter(p)
	}
	return all
}

// textInput declares a text without a default.
func textInput(app, key, name, description string) parameter {
	return parameter{ID: app + "." + key, Key: key, Name: name, Type: "text", Required: true, Description: description}
}

// optionsInput declares a choice with a default.
func optionsInput(app, key, name, description, standard string, options []string) parameter {
	p := textInput(app, key, name, description).withDefault(standard)
	p.Type, p.Options = "options", options
	return p
}

// imageInput declares an address of an image without a default.
func imageInput(app, key, name, description string) parameter {
	p := textInput(app, key, name, description)
	p.Type, p.Accept = "url", []string{"image"}
	return p
}

// withDefault makes an input optional. As at the service, the declaration of every input says that it is required: what counts is
// whether it has a default.
func (p parameter) withDefault(value string) parameter {
	p.Default, _ = json.Marshal(value) // marshaling a string cannot fail
	return p
}

// several allows more than one value.
func (p parameter) several() parameter {
	p.Multiple = true
	return p
}
