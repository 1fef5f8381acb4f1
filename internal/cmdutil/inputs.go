package cmdutil

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/jsontext"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/textfile"
)

// maxInputs bounds a file of inputs, in bytes: inputs are texts and addresses, not pictures.
const maxInputs = 8 << 20

// ReadInputs merges the inputs of a file, if one is named, with those of the command line (NAME=VALUE or NAME:=JSON), which win.
func (e *Env) ReadInputs(ctx context.Context, pairs []string, file string) (map[string]any, error) {
	values := map[string]any{}
	if file != "" {
		var err error
		if values, err = e.readInputFile(ctx, file); err != nil {
			return nil, err
		}
	}
	return values, MergeInputs(values, pairs, "lamina run APP --input text=\"Hello\"")
}

// MergeInputs sets the inputs of the command line in values. A name that occurs several times becomes a list ([]any). example is the
// hint of the error for a pair that is no input.
func MergeInputs(values map[string]any, pairs []string, example string) error {
	return MergePairs(values, "--input", pairs, example)
}

// MergePairs is MergeInputs for the values of another flag.
func MergePairs(values map[string]any, flag string, pairs []string, example string) error {
	typed := map[string][]any{}
	for _, pair := range pairs {
		name, value, err := ParsePair(flag, pair, example)
		if err != nil {
			return err
		}
		typed[name] = append(typed[name], value)
	}
	for name, list := range typed {
		values[name] = list
		if len(list) == 1 {
			values[name] = list[0]
		}
	}
	return nil
}

// ParsePair parses the value of a flag: NAME=VALUE is a string, NAME:=JSON a json.RawMessage. example is the hint of the error for
// anything else.
func ParsePair(flag, pair, example string) (name string, value any, err error) {
	name, text, ok := strings.Cut(pair, "=")
	name, isJSON := strings.CutSuffix(name, ":")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return "", nil, fail.Usage(example, "%s must be NAME=VALUE or NAME:=JSON, not %q", flag, pair)
	}
	if err := jsontext.CheckText(pair); err != nil {
		return "", nil, fail.Usage("write the value as UTF-8", "%s %s: %v; nothing was sent", flag, name, err)
	}
	if !isJSON {
		return name, text, nil
	}
	if !json.Valid([]byte(text)) {
		return "", nil, fail.Usage("for a string, write "+flag+" "+fail.Quote(name+"="+text),
			"%s %s:= must be followed by JSON, such as 3, true or [\"a\",\"b\"], not %q%s", flag, name, text,
			Place(jsontext.Check([]byte(text))))
	}
	if err := jsontext.Check([]byte(text)); err != nil {
		return "", nil, fail.Usage("", "%s %s:= cannot be sent as it is: %v; nothing was sent", flag, name, err)
	}
	return name, json.RawMessage(text), nil
}

// ParseObject parses the value of a flag that is a JSON object.
func ParseObject(flag, text string) (map[string]any, error) {
	const hint = `it should look like {"seed": 1}`
	if err := CheckJSON(hint, flag, "a JSON object", []byte(text)); err != nil {
		return nil, err
	}
	var values map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil || values == nil {
		return nil, fail.Usage(hint, "%s must be a JSON object", flag)
	}
	return values, nil
}

// readInputFile reads a JSON object of inputs, which may be wrapped as {"inputs": {…}}. The name - means stdin.
func (e *Env) readInputFile(ctx context.Context, file string) (map[string]any, error) {
	values, err := e.ReadObject(ctx, file)
	if inner, ok := values["inputs"].(map[string]any); ok && len(values) == 1 {
		return inner, nil
	}
	return values, err
}

// ReadObject reads a JSON object of inputs. The name - means stdin.
func (e *Env) ReadObject(ctx context.Context, file string) (map[string]any, error) {
	raw, err := e.ReadFile(ctx, file)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage("name a JSON file with --file", "could not read the inputs: %v", err))
	}
	if err := CheckJSON(`it should look like {"text": "Hello"}`, file, "a JSON object of inputs", raw); err != nil {
		return nil, err
	}
	var values map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil || values == nil {
		return nil, fail.Usage(`it should look like {"text": "Hello"}`, "%s is not a JSON object of inputs", file)
	}
	return values, nil
}

// ReadFile reads a text file of at most 8 MiB, in one of the encodings of package textfile, as UTF-8. The name - means stdin.
func (e *Env) ReadFile(ctx context.Context, file string) ([]byte, error) {
	if file == "-" {
		if err := e.needPipe("pipe the text to this command, or name a file"); err != nil {
			return nil, err
		}
	}
	return term.Await(ctx, func() ([]byte, error) { return e.readText(file) })
}

// OpenFile opens a file of any size; the name - means stdin. A read returns the error of ctx when ctx ends, also while it waits for a pipe.
func (e *Env) OpenFile(ctx context.Context, file string) (io.ReadCloser, error) {
	if file == "-" {
		if err := e.needPipe("pipe the text to this command, or name a file"); err != nil {
			return nil, err
		}
		return &waitingReader{ctx: ctx, Reader: e.Streams.In, close: func() error { return nil }}, nil
	}
	f, err := term.Await(ctx, func() (*os.File, error) { return os.Open(file) })
	if err != nil {
		return nil, err
	}
	return &waitingReader{ctx: ctx, Reader: f, close: f.Close}, nil
}

// A waitingReader is a reader whose reads end with a context.
type waitingReader struct {
	io.Reader

	ctx   context.Context //nolint:containedctx // io.Reader has no parameter for it
	close func() error
}

// Read implements io.Reader.
func (r *waitingReader) Read(p []byte) (int, error) {
	return term.Await(r.ctx, func() (int, error) { return r.Reader.Read(p) })
}

// Close implements io.Closer.
func (r *waitingReader) Close() error { return r.close() }

func (e *Env) readText(file string) ([]byte, error) {
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
	if err != nil {
		return nil, err
	}
	text, err := textfile.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return text, nil
}

// CheckJSON returns a usage error with the place unless raw, the content of a file, is one JSON value that can be sent without a change.
// what names the value in the message.
func CheckJSON(hint, file, what string, raw []byte) error {
	if err := jsontext.Check(raw); err != nil {
		return fail.Usage(hint, "%s is not %s%s; nothing was sent", file, what, Place(err))
	}
	return nil
}

// Place returns the place and the problem of an error of package jsontext, in parentheses after a space; "" for other errors.
func Place(err error) string {
	var e *jsontext.Error
	if !errors.As(err, &e) {
		return ""
	}
	return " (" + e.Error() + ")"
}
