package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// readPayload makes a JSON object of the inputs of a file, if one is named, and those on the command line, which win.
func (e *Env) readPayload(pairs []string, file string) (json.RawMessage, error) {
	values := map[string]any{}
	if file != "" {
		var err error
		if values, err = e.readObject(file); err != nil {
			return nil, err
		}
	}
	typed := map[string][]any{}
	for _, pair := range pairs {
		name, value, err := parseInput(pair)
		if err != nil {
			return nil, err
		}
		typed[name] = append(typed[name], value)
	}
	joinInputs(values, typed)
	if len(values) == 0 {
		return nil, usage("give the workflow an input: --input NAME=VALUE, or --file inputs.json",
			"a run needs at least one input: Lamatic refuses an empty payload. A workflow without inputs takes any, as in --input run=1")
	}
	return json.Marshal(values)
}

// parseInput reads NAME=VALUE, whose value is a text, or NAME:=VALUE, whose value is JSON.
func parseInput(pair string) (name string, value any, err error) {
	name, text, ok := strings.Cut(pair, "=")
	name, isJSON := strings.CutSuffix(name, ":")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return "", nil, usage("lamina lamatic run WORKFLOW --input text=\"Hello\"", "--input wants NAME=VALUE or NAME:=JSON, not %q", pair)
	}
	if !isJSON {
		return name, text, nil
	}
	if !json.Valid([]byte(text)) {
		return "", nil, usage("for a text, write --input "+quoteArg(name+"="+text),
			"--input %s:= wants JSON, such as 3, true or [\"a\",\"b\"], not %q", name, text)
	}
	return name, json.RawMessage(text), nil
}

// A payload is what a workflow is run with.
type payload struct {
	Workflow string          `json:"workflow"`
	Payload  json.RawMessage `json:"payload"`
}

// readPayloads reads a JSON array of objects, or objects one after the other: payloads of a workflow or, where none is named,
// objects that name theirs. It refuses the whole file for one that is none.
func (e *Env) readPayloads(workflow, file string) ([]payload, error) {
	raw, err := e.readAll(file)
	if err != nil {
		return nil, usage("name a JSON or NDJSON file, or - for stdin", "could not read the payloads: %v", err)
	}
	var values []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		err = json.Unmarshal(raw, &values)
	} else {
		values, err = jsonValues(raw)
	}
	if err != nil {
		return nil, usage(`it should hold objects such as {"text": "Hello"}, one on each line`,
			"%s is neither a JSON array nor lines of JSON%s", file, place(raw, err))
	}
	var payloads []payload
	for i, value := range values {
		p := payload{Workflow: workflow, Payload: value}
		if workflow == "" {
			p = payload{}
			if json.Unmarshal(value, &p) != nil || p.Workflow == "" {
				return nil, usage("lamina lamatic batch WORKFLOW FILE",
					"payload %d of %s (the first is 0) names no workflow, as in {\"workflow\": ID, \"payload\": {…}}; nothing was sent", i, file)
			}
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(p.Payload, &fields) != nil || len(fields) == 0 {
			return nil, usage("", "payload %d of %s (the first is 0) is not a JSON object with at least one input; nothing was sent", i, file)
		}
		payloads = append(payloads, p)
	}
	if len(payloads) == 0 {
		return nil, usage("", "%s holds no payloads", file)
	}
	return payloads, nil
}

// jsonValues reads JSON values that stand one after the other.
func jsonValues(raw []byte) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for d := json.NewDecoder(bytes.NewReader(raw)); ; {
		var value json.RawMessage
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
}
