package lamina

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// The codes of problems with inputs.
const (
	problemUnknown = "unknown_parameter"
	problemMissing = "missing_no_default"
	problemOption  = "invalid_option"
	problemType    = "invalid_type"
	problemMedia   = "invalid_media"
)

// resolveInputs validates the inputs of a run against the parameters of its app and adds the defaults. A client may name an
// input by the key, name or id of its parameter. The problems are all mistakes.
func resolveInputs(app apps.App, given map[string]any) (apps.Inputs, []wire.Problem) {
	inputs := apps.Inputs{}
	var problems []wire.Problem
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(app.Parameters, func(p api.Parameter) bool { return name == p.Key || name == p.Name || name == p.ID })
		if i < 0 {
			problems = append(problems, wire.Problem{Field: name, Code: problemUnknown, Message: "is not an input of this app", Allowed: inputKeys(app)})
			continue
		}
		p := app.Parameters[i]
		if given[name] == nil {
			continue
		}
		if _, isRepeated := inputs[p.Key]; isRepeated {
			problems = append(problems, wire.Problem{Field: name, Code: problemType, Message: "is given twice, under two names of the same input"})
			continue
		}
		values, wrong := inputValues(p, given[name])
		if wrong != nil {
			wrong.Field = name
			problems = append(problems, *wrong)
		}
		inputs[p.Key] = values
	}
	for _, p := range app.Parameters {
		if _, ok := inputs[p.Key]; ok {
			continue
		}
		if p.Default == nil {
			problems = append(problems, wire.Problem{Field: p.Key, Code: problemMissing, Message: "is missing: this app requires it"})
			continue
		}
		var value string
		_ = json.Unmarshal(p.Default, &value) // the defaults of the apps are strings
		inputs[p.Key] = []string{value}
	}
	return inputs, problems
}

func inputKeys(app apps.App) []string {
	var keys []string
	for _, p := range app.Parameters {
		keys = append(keys, p.Key)
	}
	return keys
}

// inputValues validates an input and returns its values.
func inputValues(p api.Parameter, given any) ([]string, *wire.Problem) {
	values := []string{}
	switch v := given.(type) {
	case string:
		values = append(values, v)
	case []any:
		if !p.Multiple {
			return nil, &wire.Problem{Code: problemType, Message: "takes one value, not a list"}
		}
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, &wire.Problem{Code: problemType, Message: "must be a list of strings"}
			}
			values = append(values, s)
		}
	default:
		return nil, &wire.Problem{Code: problemType, Message: "must be a string"}
	}
	if p.Default == nil && strings.TrimSpace(strings.Join(values, "")) == "" {
		return nil, &wire.Problem{Code: problemMissing, Message: "must not be empty"}
	}
	for _, v := range values {
		if wrong := checkValue(p, v); wrong != nil {
			return nil, wrong
		}
	}
	return values, nil
}

func checkValue(p api.Parameter, value string) *wire.Problem {
	switch p.Type {
	case "options":
		if !slices.Contains(p.Options, value) {
			return &wire.Problem{Code: problemOption, Message: fmt.Sprintf("has no option %.40q", value), Allowed: p.Options}
		}
	case "url":
		u, err := url.Parse(value)
		isWeb := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
		if !isWeb && (err != nil || u.Scheme != "data") {
			return &wire.Problem{Code: problemMedia, Message: "must be an http, https or data URL"}
		}
	}
	return nil
}

// selectOutputs returns the indexes of the outputs with one of the labels, which are not case-sensitive. Without labels, it
// returns all indexes.
func selectOutputs(app apps.App, labels []string) ([]int, []wire.Problem) {
	var all []string
	var selected []int
	var problems []wire.Problem
	for i, o := range app.Outputs {
		all = append(all, o.Label)
		if len(labels) == 0 || slices.ContainsFunc(labels, func(l string) bool { return strings.EqualFold(l, o.Label) }) {
			selected = append(selected, i)
		}
	}
	for _, l := range labels {
		if !slices.ContainsFunc(all, func(known string) bool { return strings.EqualFold(known, l) }) {
			problems = append(problems, wire.Problem{Field: "outputs", Message: fmt.Sprintf("has no output %.40q", l), Allowed: all})
		}
	}
	return selected, problems
}
