package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/uselamina/lamina/internal/api"
)

// maxInputs bounds a file of inputs; inputs are texts and addresses, not pictures.
const maxInputs = 8 << 20

// readInputs joins the inputs of a file, if one is named, with those on the command line, which win. The values are
// as api.App.CheckInputs wants them.
func (e *Env) readInputs(pairs []string, file string) (map[string]any, error) {
	values := map[string]any{}
	if file != "" {
		var err error
		if values, err = e.readInputFile(file); err != nil {
			return nil, err
		}
	}
	typed := map[string][]string{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, usage("lamina run APP --input text=\"Hello\"", "--input wants NAME=VALUE, not %q", pair)
		}
		typed[strings.TrimSpace(name)] = append(typed[strings.TrimSpace(name)], value)
	}
	joinInputs(values, typed)
	return values, nil
}

// joinInputs puts what was typed over other values. A name that was typed several times is a list.
func joinInputs[T any](values map[string]any, typed map[string][]T) {
	for name, list := range typed {
		values[name] = list
		if len(list) == 1 {
			values[name] = list[0]
		}
	}
}

// readInputFile reads a JSON object of inputs, which may be wrapped as {"inputs": {…}}. The name - means stdin.
func (e *Env) readInputFile(file string) (map[string]any, error) {
	values, err := e.readObject(file)
	if inner, ok := values["inputs"].(map[string]any); ok && len(values) == 1 {
		return inner, nil
	}
	return values, err
}

// readObject reads a JSON object of inputs as it is. The name - means stdin.
func (e *Env) readObject(file string) (map[string]any, error) {
	raw, err := e.readAll(file)
	if err != nil {
		return nil, &usageError{code: codeInvalidArgument, message: "could not read the inputs: " + err.Error(), hint: "name a JSON file with --file"}
	}
	var values map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil || dec.More() || values == nil {
		return nil, &usageError{
			code: codeInvalidArgument, message: fmt.Sprintf("%s is not a JSON object of inputs%s", file, place(raw, err)),
			hint: `it should look like {"text": "Hello"}`,
		}
	}
	return values, nil
}

func (e *Env) readAll(file string) ([]byte, error) {
	r := e.Streams.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxInputs+1))
	if err == nil && len(raw) > maxInputs {
		err = fmt.Errorf("%s is larger than %d MiB", file, maxInputs>>20)
	}
	return raw, err
}

// place says where a JSON text stops being one.
func place(raw []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return ""
	}
	before := raw[:min(int(syntax.Offset), len(raw))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf(" (line %d, column %d: %v)", line, len(before)-bytes.LastIndexByte(before, '\n')-1, syntax)
}

// inputProblems is the one error for everything that is wrong with a run's inputs.
func inputProblems(appID string, problems []api.Detail) error {
	count := "there is a problem"
	if len(problems) > 1 {
		count = fmt.Sprintf("there are %d problems", len(problems))
	}
	return &usageError{
		code: codeInvalidInputs, message: count + " with the inputs; nothing was sent", details: problems,
		hint: commandLine("apps", "get", appID),
	}
}
