package output

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/itchyny/gojq"

	"github.com/uselamina/lamina/internal/term"
)

// A FilterError means that a jq program does not compile, or fails on the data.
type FilterError struct {
	Err    error
	OnData bool // the program compiled and failed on the data
}

// Error returns the message of jq.
func (e *FilterError) Error() string { return "jq: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FilterError) Unwrap() error { return e.Err }

// CheckFilter returns the error of a jq program that does not compile, a *FilterError.
func CheckFilter(program string) error {
	_, err := compile(program)
	return err
}

func compile(program string) (*gojq.Code, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, &FilterError{Err: err}
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, &FilterError{Err: err}
	}
	return code, nil
}

// filterBuffer is how much of the results of a jq program is kept back, in bytes. A program that fails before has written nothing.
const filterBuffer = 16 << 10

// runFilter writes each result of the jq program for raw as a line: a string without quotes, any other value as JSON. It writes while the
// program runs, because there may be results without end.
func (p *Printer) runFilter(raw json.RawMessage) error {
	w := bufio.NewWriterSize(p.streams.Out, filterBuffer)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var input any
	if err := dec.Decode(&input); err != nil {
		return err
	}
	results := p.filter.RunWithContext(p.ctx, input)
	for {
		v, ok := results.Next()
		if !ok {
			return w.Flush()
		}
		switch v := v.(type) {
		case error:
			var halt *gojq.HaltError
			if errors.As(v, &halt) && halt.Value() == nil {
				return w.Flush()
			}
			if p.ctx.Err() != nil {
				return context.Cause(p.ctx)
			}
			return &FilterError{Err: v, OnData: true}
		case string:
			if p.streams.OutTTY {
				v = term.Clean(v)
			}
			_, _ = w.WriteString(v)
		default:
			text, err := gojq.Marshal(v)
			if err != nil {
				return &FilterError{Err: err, OnData: true}
			}
			if p.streams.OutTTY {
				text = EscapeControls(text)
			}
			_, _ = w.Write(text)
		}
		if err := w.WriteByte('\n'); err != nil { // also that of an earlier write
			return err
		}
	}
}
