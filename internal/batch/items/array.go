package items

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/uselamina/lamina/internal/jsontext"
)

// array reads the objects of a JSON array.
type array struct {
	budget  *budget
	breaks  *breaks
	decoder *json.Decoder
	mapping Mapping
	isOpen  bool
}

func newArray(in io.Reader, mapping Mapping) *array {
	a := &array{breaks: &breaks{r: in, line: 1}, mapping: mapping}
	a.budget = &budget{r: a.breaks}
	a.decoder = json.NewDecoder(a.budget)
	return a
}

// Columns implements Reader.
func (a *array) Columns() []string { return nil }

// Next implements Reader.
func (a *array) Next() (Record, error) {
	a.budget.next()
	if !a.isOpen {
		token, err := a.decoder.Token()
		if err != nil {
			return Record{}, a.last(err)
		}
		if token != json.Delim('[') {
			return Record{}, a.last(errors.New("is no JSON array"))
		}
		a.isOpen = true
	}
	if !a.decoder.More() {
		return Record{}, a.end()
	}
	var raw json.RawMessage
	if err := a.decoder.Decode(&raw); err != nil {
		return Record{}, a.last(err)
	}
	line, column := a.breaks.place(a.decoder.InputOffset() - int64(len(raw)))
	if err := jsontext.Check(raw); err != nil {
		return Record{}, place(err, line, column)
	}
	return a.mapping.record(raw, line, column)
}

// end checks what follows the last item.
func (a *array) end() error {
	if _, err := a.decoder.Token(); err != nil {
		return a.last(err)
	}
	_, err := a.decoder.Token()
	if err == nil {
		err = errors.New("something follows the array")
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return a.last(err)
}

// last returns the error behind which nothing can be read.
func (a *array) last(err error) error {
	if failed := a.budget.err; failed != nil && !errors.Is(failed, errTooLong) {
		return failed
	}
	rest, _ := io.ReadAll(a.decoder.Buffered()) // reads memory
	offset := a.decoder.InputOffset() + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n")))
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file ends in the middle of the array")
	case errors.As(err, &syntax):
		var value json.RawMessage
		if found := json.Unmarshal(rest, &value); errors.As(found, &syntax) { // the offset of the decoder does not count commas
			offset = a.decoder.InputOffset() + max(syntax.Offset-1, 0)
		}
	}
	line, column := a.breaks.place(offset)
	return &Error{Line: line, Column: column, Message: err.Error(), IsLast: true}
}

// breaks remembers where the lines of a text begin, for the part of it that is being read.
type breaks struct {
	r     io.Reader
	read  int64
	ahead []int64 // where the next lines begin
	line  int     // of the last place
	start int64   // where this line begins
}

// Read implements io.Reader.
func (b *breaks) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			b.ahead = append(b.ahead, b.read+int64(i)+1)
		}
	}
	b.read += int64(n)
	return n, err
}

// place returns the line and the column of an offset. The offsets of later calls must not be smaller.
func (b *breaks) place(offset int64) (line, column int) {
	n := 0
	for n < len(b.ahead) && b.ahead[n] <= offset {
		b.line, b.start = b.line+1, b.ahead[n]
		n++
	}
	b.ahead = append(b.ahead[:0], b.ahead[n:]...)
	return b.line, int(max(offset-b.start, 0)) + 1
}
