package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/jsontext"
)

// The codes of a Detail about an input.
const (
	ProblemUnknown = "unknown_parameter"
	ProblemMissing = "missing_no_default"
	ProblemOption  = "invalid_option"
	ProblemType    = "invalid_type"
	ProblemMedia   = "invalid_media"
)

// The types of a Parameter.
const (
	typeText    = "text"
	typeOptions = "options"
	typeURL     = "url"
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

// sendAs returns the name of p in requests. It is the id of p if another input has the same name, which authors can cause.
func (a App) sendAs(p Parameter) string {
	for _, other := range a.Parameters {
		if other.ID != p.ID && other.SendAs() == p.SendAs() {
			return cmp.Or(p.ID, p.SendAs())
		}
	}
	return p.SendAs()
}

// CheckInputs converts values by name to the inputs of a request, and returns all problems at once. A value is a string as
// typed, a json.RawMessage, a []any of these for an input that was given several times, or a decoded JSON value.
func (a App) CheckInputs(values map[string]any) (map[string]any, []Detail) {
	inputs := map[string]any{}
	var problems []Detail
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, ok := a.Parameter(name)
		if !ok {
			problems = append(problems, a.unknown(name))
			continue
		}
		key := a.sendAs(p)
		if _, isGiven := inputs[key]; isGiven {
			problems = append(problems, Detail{Field: name, Code: ProblemType, Message: "is given twice under two names"})
			continue
		}
		value, problem := p.convert(values[name])
		if problem != nil {
			problem.Field = name
			problems = append(problems, *problem)
		}
		inputs[key] = value
	}
	for _, p := range a.Parameters {
		if _, isGiven := inputs[a.sendAs(p)]; !isGiven && p.MustSupply() {
			problems = append(problems, Detail{Field: a.sendAs(p), Code: ProblemMissing, Message: "is needed and has no default", Allowed: p.Options})
		}
	}
	return inputs, problems
}

// CheckOutputs returns a problem for each label that is not an output of the app. It checks nothing if the app has no outputs,
// which older servers do not send.
func (a App) CheckOutputs(labels []string) []Detail {
	if len(a.Outputs) == 0 {
		return nil
	}
	var known []string
	for _, o := range a.Outputs {
		known = append(known, o.Label)
	}
	var problems []Detail
	for _, label := range labels {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, label) }) {
			problems = append(problems, Detail{Field: label, Code: "unknown_output", Message: "is not an output of this app", Allowed: known})
		}
	}
	return problems
}

// unknown returns the problem of a name that is not an input.
func (a App) unknown(name string) Detail {
	var known []string
	for _, p := range a.Parameters {
		known = append(known, a.sendAs(p))
	}
	return Detail{Field: name, Code: ProblemUnknown, Message: "is not an input of this app", Allowed: known}
}

// convert converts a value to the type of this input.
func (p Parameter) convert(value any) (any, *Detail) {
	if problem := p.checkText(value); problem != nil {
		return nil, problem
	}
	if p.Multiple {
		items := listOf(value)
		for i := range items {
			item, problem := p.convertOne(items[i])
			if problem != nil {
				return nil, problem
			}
			items[i] = item
		}
		return items, nil
	}
	if _, isList := value.([]any); isList {
		return nil, &Detail{Code: ProblemType, Message: "takes one value, not a list"}
	}
	return p.convertOne(value)
}

// checkText refuses a text that would be decoded as JSON and changed by that.
func (p Parameter) checkText(value any) *Detail {
	text, isText := value.(string)
	if !isText || !json.Valid([]byte(text)) || !p.Multiple && p.isKnown() {
		return nil
	}
	if err := jsontext.Check([]byte(text)); err != nil {
		return &Detail{Code: ProblemType, Message: fmt.Sprintf("cannot be sent as it is: %v", err)}
	}
	return nil
}

// isKnown reports whether the type of this input is one of the documented ones.
func (p Parameter) isKnown() bool {
	return p.Type == typeText || p.Type == typeOptions || p.Type == typeURL
}

// convertOne converts a value that is not a list.
func (p Parameter) convertOne(value any) (any, *Detail) {
	if raw, isTyped := value.(json.RawMessage); isTyped {
		if !p.isKnown() {
			return raw, nil
		}
		if err := decode(string(raw), &value); err != nil {
			return nil, &Detail{Code: ProblemType, Message: "is not JSON"}
		}
	}
	if !p.isKnown() {
		return decodeLoosely(value), nil
	}
	if number, ok := value.(json.Number); ok {
		value = number.String()
	}
	text, isText := value.(string)
	switch {
	case !isText:
		return nil, &Detail{Code: ProblemType, Message: fmt.Sprintf("takes %s, not %s", noun(p.Type), jsonKind(value))}
	case p.Type == typeOptions:
		return p.option(text)
	case p.Type == typeURL:
		return p.mediaURL(text)
	}
	return text, nil
}

// option returns the option that text names, without case if none is equal.
func (p Parameter) option(text string) (any, *Detail) {
	if len(p.Options) == 0 || slices.Contains(p.Options, text) {
		return text, nil
	}
	for _, o := range p.Options {
		if strings.EqualFold(o, text) {
			return o, nil
		}
	}
	return nil, &Detail{Code: ProblemOption, Message: fmt.Sprintf("has no option %q", text), Allowed: p.Options}
}

// mediaURL checks that text is a URL of a media type that this input accepts.
func (p Parameter) mediaURL(text string) (any, *Detail) {
	if file, isFile := strings.CutPrefix(text, "@"); isFile && file != "" {
		return LocalFile{Path: file, Accept: p.Accept}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		problem := &Detail{Code: ProblemType, Message: fmt.Sprintf("takes an http or https URL, not %q", text)}
		if !strings.Contains(text, "://") || strings.HasPrefix(text, "file://") {
			problem.File, problem.Media = text, mediaOf(text)
		}
		return nil, problem
	}
	if kind := mediaOf(u.Path); kind != "" && len(p.Accept) > 0 && !slices.Contains(p.Accept, kind) {
		return nil, &Detail{Code: ProblemMedia, Message: fmt.Sprintf("does not take %s: %s", kind, text), Allowed: p.Accept}
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
