package items

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/uselamina/lamina/internal/jsontext"
)

// lines reads a JSON object a line.
type lines struct {
	in      *bufio.Reader
	mapping Mapping
	line    int
}

// Columns implements Reader.
func (l *lines) Columns() []string { return nil }

// Next implements Reader. Empty lines are skipped.
func (l *lines) Next() (Record, error) {
	for {
		raw, err := l.read()
		if err != nil {
			return Record{}, err
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		if err := jsontext.Check(raw); err != nil {
			return Record{}, place(err, l.line, 1)
		}
		return l.mapping.record(raw, l.line, 1+len(raw)-len(bytes.TrimLeft(raw, " \t\r")))
	}
}

// read returns the next line without its line break.
func (l *lines) read() ([]byte, error) {
	var line []byte
	l.line++
	for {
		part, err := l.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > MaxItem:
			return nil, &Error{Line: l.line, Message: errTooLong.Error(), IsLast: true}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		}
		return bytes.TrimSuffix(line, []byte("\n")), err
	}
}

// place returns the error of a value that begins at a line and a column of the file.
func place(err error, line, column int) error {
	var e *jsontext.Error
	if !errors.As(err, &e) {
		return &Error{Line: line, Column: column, Message: err.Error()}
	}
	if e.Line > 1 {
		column = 1
	}
	return &Error{Line: line + e.Line - 1, Column: column + e.Column - 1, Message: e.Detail}
}
