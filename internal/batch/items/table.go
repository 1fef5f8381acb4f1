package items

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// table reads CSV.
type table struct {
	budget  *budget
	csv     *csv.Reader
	header  []string
	mapping Mapping
	last    int // the line in which the last item ends
}

// newTable reads the line of names. A column that --map names must be there.
func newTable(in io.Reader, name string, head []byte, mapping Mapping) (Reader, error) {
	comma, err := separator(name, head)
	if err != nil {
		return nil, err
	}
	t := &table{budget: &budget{r: in}, mapping: mapping}
	t.csv = csv.NewReader(t.budget)
	t.csv.Comma = comma
	t.budget.next()
	t.header, err = t.csv.Read()
	if errors.Is(err, io.EOF) {
		return t, nil
	}
	if err != nil {
		return nil, t.problem(err)
	}
	t.last = 1 + strings.Count(strings.Join(t.header, ""), "\n")
	return t, t.checkHeader()
}

// separators are the characters that separate the cells of a line.
const separators = ",;\t"

// separator returns the character that separates the names in the first line.
func separator(name string, head []byte) (rune, error) {
	if strings.EqualFold(filepath.Ext(name), ".tsv") {
		return '\t', nil
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	counts := map[rune]int{}
	isQuoted := false
	for _, r := range string(line) {
		if r == '"' {
			isQuoted = !isQuoted
		}
		if !isQuoted {
			counts[r]++
		}
	}
	best, isClear := ',', true
	for _, r := range separators {
		switch {
		case r == best:
		case counts[r] > counts[best]:
			best, isClear = r, true
		case counts[r] > 0 && counts[r] == counts[best]:
			isClear = false
		}
	}
	if !isClear {
		return 0, &Error{Line: 1, Message: "the names may be separated by commas, semicolons or tabs: quote the names that have one of these in them", IsLast: true}
	}
	return best, nil
}

// checkHeader checks the names of the columns.
func (t *table) checkHeader() error {
	seen := map[string]int{}
	for i, name := range t.header {
		line, column := t.csv.FieldPos(i)
		name = strings.TrimSpace(name)
		t.header[i] = name
		switch first, isTwice := seen[name]; {
		case name == "":
			return &Error{Line: line, Column: column, Message: fmt.Sprintf("column %d has no name", i+1), IsLast: true}
		case !utf8.ValidString(name):
			return &Error{Line: line, Column: column, Message: "the name of a column is not valid UTF-8; save the file as UTF-8", IsLast: true}
		case isTwice:
			return &Error{Line: line, Column: column, Message: fmt.Sprintf("columns %d and %d are both called %q", first+1, i+1, name), IsLast: true}
		}
		seen[name] = i
	}
	for column := range t.mapping {
		if _, ok := seen[column]; !ok {
			return &Error{Line: 1, Message: fmt.Sprintf("--map names the column %q, and there is none; the columns are %s", column, strings.Join(t.header, ", ")), IsLast: true}
		}
	}
	return nil
}

// Columns implements Reader.
func (t *table) Columns() []string {
	columns := []string{}
	for _, name := range t.header {
		columns = append(columns, t.mapping.names(name)...)
	}
	return slices.DeleteFunc(columns, func(name string) bool { return name == idName })
}

// Next implements Reader. An empty cell gives no value.
func (t *table) Next() (Record, error) {
	if t.header == nil {
		return Record{}, io.EOF
	}
	t.budget.next()
	cells, err := t.csv.Read()
	if err != nil {
		return Record{}, t.problem(err)
	}
	line, _ := t.csv.FieldPos(0)
	t.last = line + strings.Count(strings.Join(cells, ""), "\n")
	members := map[string]any{}
	for i, cell := range cells {
		if cell == "" && !slices.Contains(t.mapping.names(t.header[i]), idName) {
			continue
		}
		if !utf8.ValidString(cell) || strings.ContainsRune(cell, 0) {
			line, column := t.csv.FieldPos(i)
			return Record{}, &Error{Line: line, Column: column, Field: t.header[i], Message: "is not valid UTF-8; save the file as UTF-8"}
		}
		members[t.header[i]] = cell
	}
	return t.mapping.rename(members, line)
}

// problem returns the *Error for an error of the CSV reader.
func (t *table) problem(err error) error {
	var parse *csv.ParseError
	isParse := errors.As(err, &parse)
	switch failed := t.budget.err; {
	case errors.Is(failed, errTooLong):
		line := t.last + 1
		if isParse {
			line = parse.StartLine
		}
		return &Error{Line: line, Message: failed.Error(), IsLast: true}
	case failed != nil: // the parser may call it a missing quote
		return failed
	case !isParse:
		return err
	case errors.Is(err, csv.ErrFieldCount):
		return &Error{Line: parse.StartLine, Message: fmt.Sprintf("has another number of cells than the line of names, which has %d", len(t.header))}
	}
	return &Error{Line: parse.Line, Column: parse.Column, Message: parse.Err.Error(), IsLast: true}
}
