// Package results lists the items of a batch with their states and outputs, in the order of the items.
package results

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"iter"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/disk"
)

// A Line is the result of an item.
type Line struct {
	ID       string          `json:"id"`
	State    string          `json:"state"`
	Run      string          `json:"run,omitempty"`
	Credits  *float64        `json:"credits,omitempty"`
	Outputs  json.RawMessage `json:"outputs"` // a list, as the service described them
	Files    []journal.File  `json:"files"`   // those that were downloaded
	Error    string          `json:"error,omitempty"`
	Attempts int             `json:"attempts"`
}

// All returns the lines of the items in the states that keep reports true for; nil means all. It stops after an error.
func All(t *state.Table, keep func(state.Status) bool) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for i := range t.Len() {
			if keep != nil && !keep(t.Status(i)) {
				continue
			}
			if line, err := At(t, i); !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// At returns the line of an item.
func At(t *state.Table, i int) (Line, error) {
	item, err := t.Item(i)
	if err != nil {
		return Line{}, err
	}
	last, err := t.Last(i)
	if err != nil {
		return Line{}, err
	}
	line := Line{
		ID: item.ID, State: t.Status(i).String(), Run: last.Run, Credits: last.Credits, Outputs: last.Outputs, Files: []journal.File{},
		Error: cmp.Or(last.Error, last.Reason), Attempts: t.Attempt(i),
	}
	if len(line.Outputs) == 0 || string(line.Outputs) == "null" {
		line.Outputs = json.RawMessage("[]")
	}
	if t.Status(i) != state.Completed { // the files are those of an earlier attempt
		return line, nil
	}
	files, err := t.Files(i)
	if len(files) > 0 {
		line.Files = files
	}
	return line, err
}

// Write writes the lines of all items as NDJSON, until ctx ends.
func Write(ctx context.Context, t *state.Table, w io.Writer) error {
	for line, err := range All(t, nil) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		raw, err := line.JSON()
		if err != nil {
			return err
		}
		if _, err := w.Write(append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// JSON returns the line as JSON without a line break. URLs stay readable.
func (l Line) JSON() (json.RawMessage, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(l)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// WriteFile replaces a file with the lines of all items, in one step. If ctx ends before, the file stays as it is.
func WriteFile(ctx context.Context, path string, t *state.Table) error {
	return disk.Replace(path, func(w io.Writer) error { return Write(ctx, t, w) })
}
