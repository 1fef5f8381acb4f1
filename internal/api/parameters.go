package api

import (
	"cmp"
	"slices"
	"strings"
)

// SendAs returns the name of this input in requests, unless another input of the app has the same name.
func (p Parameter) SendAs() string { return cmp.Or(p.Key, p.Name, p.ID) }

// MustSupply reports whether a run needs a value for this input, because it has no default. The field Required of the service
// is unreliable. An empty default is a default.
func (p Parameter) MustSupply() bool {
	return len(p.Default) == 0 || string(p.Default) == "null"
}

// Parameter returns the input with the given key, name or id. Keys and names are compared without case if none is equal.
func (a App) Parameter(name string) (Parameter, bool) {
	for _, matches := range []func(Parameter) bool{
		func(p Parameter) bool { return p.Key == name || p.Name == name || p.ID == name },
		func(p Parameter) bool { return strings.EqualFold(p.Key, name) || strings.EqualFold(p.Name, name) },
	} {
		if i := slices.IndexFunc(a.Parameters, matches); i >= 0 {
			return a.Parameters[i], true
		}
	}
	return Parameter{}, false
}

// InputName returns the name of an input in requests to this app: SendAs, or its id if another input has the same name, which authors can cause.
func (a App) InputName(p Parameter) string {
	for _, other := range a.Parameters {
		if other.ID != p.ID && other.SendAs() == p.SendAs() {
			return cmp.Or(p.ID, p.SendAs())
		}
	}
	return p.SendAs()
}
