// Package items reads the items of a batch as users have them: as lines of JSON, as CSV, or as a JSON array. It reads one item after the
// other, so that a file may be larger than the memory.
package items

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxItem is the largest item, in bytes.
const MaxItem = 8 << 20

// maxID is the longest id of an item, in bytes.
const maxID = 200

// idName is the member, or the column, that has the id of an item.
const idName = "id"

// A Record is an item as it was read.
type Record struct {
	ID     string         // "" if it has none
	Inputs map[string]any // decoded JSON with json.Number, or the text of CSV
	Line   int            // where the item begins, from 1
}

// An Error is a problem of an item, or of the file.
type Error struct {
	Line, Column int    // from 1; a column is a byte, and 0 if the whole line is meant
	Field        string // the member; "" if the whole item is meant
	Message      string
	IsLast       bool // what follows in the file cannot be read
}

// Place returns the place of the problem, such as "line 2, column 12".
func (e *Error) Place() string {
	place := fmt.Sprintf("line %d", e.Line)
	if e.Column > 0 {
		place += fmt.Sprintf(", column %d", e.Column)
	}
	if e.Field != "" {
		place += ", " + e.Field
	}
	return place
}

// Error returns the place and the problem.
func (e *Error) Error() string { return e.Place() + ": " + e.Message }

// A Reader reads items.
type Reader interface {
	// Next returns the next item. Errors: io.EOF at the end, an *Error, and those of the file. After an *Error that is not the last one,
	// Next continues behind the item.
	Next() (Record, error)
	// Columns returns the columns of CSV by their new names, without the id; nil for JSON.
	Columns() []string
}

// A Mapping has the new names of members or columns: the values by the names that the file has.
type Mapping map[string][]string

// ParseMapping parses the pairs INPUT=COLUMN of a command line. The input "id" takes the id of the items from a column.
func ParseMapping(pairs []string) (Mapping, error) {
	m := Mapping{}
	taken := map[string]string{}
	for _, pair := range pairs {
		input, column, ok := strings.Cut(pair, "=")
		if input, column = strings.TrimSpace(input), strings.TrimSpace(column); !ok || input == "" || column == "" {
			return nil, fmt.Errorf("%q is not INPUT=COLUMN", pair)
		}
		if old, isTaken := taken[input]; isTaken {
			return nil, fmt.Errorf("the input %s cannot have both the column %s and the column %s", input, old, column)
		}
		taken[input] = column
		m[column] = append(m[column], input)
	}
	return m, nil
}

// names returns the new names of a member or a column.
func (m Mapping) names(name string) []string {
	if names := m[name]; len(names) > 0 {
		return names
	}
	return []string{name}
}

// record returns the item of a JSON value, which begins at a place. The value was checked by jsontext.Check.
func (m Mapping) record(raw []byte, line, column int) (Record, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return Record{}, &Error{Line: line, Column: column, Message: err.Error()}
	}
	members, isObject := value.(map[string]any)
	if !isObject {
		return Record{}, &Error{Line: line, Column: column, Message: `is no object, such as {"id": "a1", "text": "Hello"}`}
	}
	if inner, ok := members["inputs"].(map[string]any); ok && !hasOthers(members) {
		id, hasID := members[idName]
		members = inner
		if hasID {
			return m.wrapped(id, inner, line)
		}
	}
	return m.rename(members, line)
}

// hasOthers reports whether an object has other members than id and inputs.
func hasOthers(members map[string]any) bool {
	for name := range members {
		if name != idName && name != "inputs" {
			return true
		}
	}
	return false
}

// wrapped returns the item of {"id":…,"inputs":{…}}. What is called id within the inputs is an input.
func (m Mapping) wrapped(id any, inputs map[string]any, line int) (Record, error) {
	text, problem := idOf(id)
	if problem != "" {
		return Record{}, &Error{Line: line, Field: idName, Message: problem}
	}
	r := Record{ID: text, Inputs: map[string]any{}, Line: line}
	for name, value := range inputs {
		for _, input := range m.names(name) {
			if _, isGiven := r.Inputs[input]; isGiven {
				return Record{}, &Error{Line: line, Field: input, Message: "is given twice, by its name and by --map"}
			}
			r.Inputs[input] = value
		}
	}
	return r, nil
}

// rename returns the item of the members of an object, or of the cells of a line, by their names in the file.
func (m Mapping) rename(members map[string]any, line int) (Record, error) {
	r := Record{Inputs: map[string]any{}, Line: line}
	hasID := false
	for name, value := range members {
		for _, input := range m.names(name) {
			_, isGiven := r.Inputs[input]
			if isGiven || input == idName && hasID {
				return Record{}, &Error{Line: line, Field: input, Message: "is given twice, by its name and by --map"}
			}
			if input != idName {
				r.Inputs[input] = value
				continue
			}
			text, problem := idOf(value)
			if problem != "" {
				return Record{}, &Error{Line: line, Field: name, Message: problem}
			}
			r.ID, hasID = text, true
		}
	}
	return r, nil
}

// idOf returns the id in a value, or what is wrong with it.
func idOf(value any) (id, problem string) {
	switch v := value.(type) {
	case string:
		id = v
	case json.Number:
		id = v.String()
	default:
		return "", "must be a text or a number"
	}
	return id, problemOfID(id)
}

// problemOfID returns what is wrong with an id; "" if nothing is.
func problemOfID(id string) string {
	switch {
	case id == "":
		return "is empty; leave it out, and the item is named by its inputs"
	case len(id) > maxID:
		return fmt.Sprintf("has %d bytes, and an id has at most %d", len(id), maxID)
	case !utf8.ValidString(id):
		return "is not valid UTF-8"
	}
	for _, r := range id {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("has the character %U, which cannot be shown", r)
		}
	}
	return ""
}

// budget fails when more bytes are read than an item may have, so that a missing quote does not fill the memory.
type budget struct {
	r    io.Reader
	left int
	err  error // of the last read, unless it is io.EOF
}

// errTooLong is the error of a budget.
var errTooLong = fmt.Errorf("is longer than %d MiB; is a quote or a bracket missing?", MaxItem>>20)

// Read implements io.Reader.
func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.err = errTooLong
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// next begins a new item.
func (b *budget) next() { b.left = MaxItem }
