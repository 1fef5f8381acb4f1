// Package check checks the inputs of an app and the parameters of a model before a request is sent.
package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/jsontext"
)

// The codes of an api.Detail about an input.
const (
	CodeUnknown = "unknown_parameter"
	CodeMissing = "missing_no_default"
	CodeOption  = "invalid_option"
	CodeType    = "invalid_type"
	CodeMedia   = "invalid_media"
)

// The types of a Parameter.
const (
	typeText    = "text"
	typeOptions = "options"
	typeURL     = "url"
)

// Inputs converts values by name to the inputs of a request, and returns all problems at once. A value is a string as
// typed, a json.RawMessage, a []any of these for an input that was given several times, or a decoded JSON value.
func Inputs(app api.App, values map[string]any) (map[string]any, []api.Detail) {
	inputs := map[string]any{}
	var problems []api.Detail
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, ok := app.Parameter(name)
		if !ok {
			problems = append(problems, unknownInput(app, name))
			continue
		}
		key := app.InputName(p)
		if _, isGiven := inputs[key]; isGiven {
			problems = append(problems, api.Detail{Field: name, Code: CodeType, Message: "is given twice under two names"})
			continue
		}
		value, problem := convertInput(p, values[name])
		if problem != nil {
			problem.Field = name
			problems = append(problems, *problem)
		}
		inputs[key] = value
	}
	for _, p := range app.Parameters {
		if _, isGiven := inputs[app.InputName(p)]; !isGiven && p.MustSupply() {
			problems = append(problems, api.Detail{Field: app.InputName(p), Code: CodeMissing, Message: "is needed and has no default", Allowed: p.Options})
		}
	}
	return inputs, problems
}

// Outputs returns a problem for each label that is not an output of the app. It checks nothing if the app has no outputs,
// which older servers do not send.
func Outputs(app api.App, labels []string) []api.Detail {
	if len(app.Outputs) == 0 {
		return nil
	}
	var known []string
	for _, o := range app.Outputs {
		known = append(known, o.Label)
	}
	var problems []api.Detail
	for _, label := range labels {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, label) }) {
			problems = append(problems, api.Detail{Field: label, Code: "unknown_output", Message: "is not an output of this app", Allowed: known})
		}
	}
	return problems
}

// unknownInput returns the problem of a name that is not an input.
func unknownInput(app api.App, name string) api.Detail {
	var known []string
	for _, p := range app.Parameters {
		known = append(known, app.InputName(p))
	}
	return api.Detail{Field: name, Code: CodeUnknown, Message: "is not an input of this app", Allowed: known}
}

// convertInput converts a value to the type of an input.
func convertInput(p api.Parameter, value any) (any, *api.Detail) {
	if problem := checkText(p, value); problem != nil {
		return nil, problem
	}
	if p.Multiple {
		items := listOf(value)
		for i := range items {
			item, problem := convertOne(p, items[i])
			if problem != nil {
				return nil, problem
			}
			items[i] = item
		}
		return items, nil
	}
	if _, isList := value.([]any); isList {
		return nil, &api.Detail{Code: CodeType, Message: "takes one value, not a list"}
	}
	return convertOne(p, value)
}

// checkText refuses a text that would be decoded as JSON and changed by that.
func checkText(p api.Parameter, value any) *api.Detail {
	text, isText := value.(string)
	if !isText || !json.Valid([]byte(text)) || !p.Multiple && isKnown(p) {
		return nil
	}
	if err := jsontext.Check([]byte(text)); err != nil {
		return &api.Detail{Code: CodeType, Message: fmt.Sprintf("cannot be sent as it is: %v", err)}
	}
	return nil
}

// isKnown reports whether the type of this input is one of the documented ones.
func isKnown(p api.Parameter) bool {
	return p.Type == typeText || p.Type == typeOptions || p.Type == typeURL
}

// convertOne converts a value that is not a list.
func convertOne(p api.Parameter, value any) (any, *api.Detail) {
	if raw, isTyped := value.(json.RawMessage); isTyped {
		if !isKnown(p) {
			return raw, nil
		}
		if err := decode(string(raw), &value); err != nil {
			return nil, &api.Detail{Code: CodeType, Message: "is not JSON"}
		}
	}
	if !isKnown(p) {
		return decodeLoosely(value), nil
	}
	if number, ok := value.(json.Number); ok {
		value = number.String()
	}
	text, isText := value.(string)
	switch {
	case !isText:
		return nil, &api.Detail{Code: CodeType, Message: fmt.Sprintf("takes %s, not %s", noun(p.Type), jsonKind(value))}
	case p.Type == typeOptions:
		return inputOption(p, text)
	case p.Type == typeURL:
		return mediaURL(p.Accept, text)
	}
	return text, nil
}

// inputOption returns the option that text names, without case if none is equal.
func inputOption(p api.Parameter, text string) (any, *api.Detail) {
	if len(p.Options) == 0 || slices.Contains(p.Options, text) {
		return text, nil
	}
	for _, o := range p.Options {
		if strings.EqualFold(o, text) {
			return o, nil
		}
	}
	return nil, &api.Detail{Code: CodeOption, Message: fmt.Sprintf("has no option %q", text), Allowed: p.Options}
}

// mediaURL checks that text is a URL of an accepted media type; none means any.
func mediaURL(accept []string, text string) (any, *api.Detail) {
	if file, isFile := strings.CutPrefix(text, "@"); isFile && file != "" {
		return LocalFile{Path: file, Accept: accept}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		problem := &api.Detail{Code: CodeType, Message: fmt.Sprintf("takes an http or https URL, not %q", text)}
		if !strings.Contains(text, "://") || strings.HasPrefix(text, "file://") {
			problem.File, problem.Media = text, mediaOf(text)
		}
		return nil, problem
	}
	if kind := mediaOf(u.Path); kind != "" && len(accept) > 0 && !slices.Contains(accept, kind) {
		return nil, &api.Detail{Code: CodeMedia, Message: fmt.Sprintf("does not take %s: %s", kind, text), Allowed: accept}
	}
	return text, nil
}

// mediaOf returns image, video or audio by the extension of a file name, or "" if it is unknown.
func mediaOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".heic", ".svg", ".bmp", ".tif", ".tiff":
		return "image"
	case ".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v":
		return "video"
	case ".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac":
		return "audio"
	}
	return ""
}

// decodeLoosely decodes a value for an input of an unknown type: true, false, null, objects, lists and quoted strings are
// decoded as JSON. Numbers remain text.
func decodeLoosely(value any) any {
	text, ok := value.(string)
	if !ok || text == "" || !strings.ContainsRune(`{["tfn`, rune(text[0])) {
		return value
	}
	var decoded any
	if decode(text, &decoded) != nil {
		return value
	}
	return decoded
}

// decode is json.Unmarshal that keeps numbers as json.Number.
func decode(text string, into any) error {
	if !json.Valid([]byte(text)) {
		return errors.New("not JSON")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into)
}

// listOf returns the items of a list, of a JSON list in text, or of a single value.
func listOf(value any) []any {
	switch v := value.(type) {
	case []any:
		return slices.Clone(v)
	case json.RawMessage:
		var raws []json.RawMessage
		if json.Unmarshal(v, &raws) != nil || raws == nil {
			break
		}
		items := make([]any, len(raws))
		for i := range raws {
			items[i] = raws[i]
		}
		return items
	case string:
		var items []any
		if strings.HasPrefix(strings.TrimSpace(v), "[") && decode(v, &items) == nil {
			return items
		}
	}
	return []any{value}
}

// noun returns a phrase for a type of input.
func noun(inputType string) string {
	switch inputType {
	case typeOptions:
		return "one of its options"
	case typeURL:
		return "an http or https URL"
	}
	return "text"
}

// jsonKind returns a phrase for the type of a JSON value.
func jsonKind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "something else"
}
