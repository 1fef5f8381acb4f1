package items

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/uselamina/lamina/internal/textfile"
)

// A Format is the way in which items are written.
type Format string

// The formats.
const (
	Auto   Format = "auto"   // by the name and the content
	NDJSON Format = "ndjson" // a JSON object a line
	CSV    Format = "csv"    // with a line of names
	JSON   Format = "json"   // an array of objects
)

// peekSize is how much of a file is looked at to find out what it is.
const peekSize = 64 << 10

// Open begins to read items. The name of the file helps to find out the format.
func Open(in io.Reader, name string, format Format, mapping Mapping) (Reader, error) {
	b := bufio.NewReaderSize(in, peekSize)
	if head, err := b.Peek(4); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	} else if textfile.IsMarked(head) {
		if head[0] != 0xef {
			return nil, &Error{Line: 1, Message: "the file is UTF-16; save it as UTF-8", IsLast: true}
		}
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	head, err := b.Peek(peekSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, &Error{Line: 1 + bytes.Count(head[:bytes.IndexByte(head, 0)], []byte("\n")), Message: "has a zero byte, which no text has", IsLast: true}
	}
	if format == Auto || format == "" {
		format = detect(name, head)
	}
	switch format {
	case NDJSON:
		return &lines{in: b, mapping: mapping}, nil
	case JSON:
		return newArray(b, mapping), nil
	case CSV:
		return newTable(b, name, head, mapping)
	}
	return nil, fmt.Errorf("there is no format %q: use ndjson, csv or json", format)
}

// detect returns the format of a file with a name and a beginning.
func detect(name string, head []byte) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".ndjson", ".jsonl":
		return NDJSON
	case ".csv", ".tsv":
		return CSV
	}
	switch text := bytes.TrimLeft(head, " \t\r\n"); {
	case bytes.HasPrefix(text, []byte("[")):
		return JSON
	case bytes.HasPrefix(text, []byte("{")) || len(text) == 0 || strings.EqualFold(filepath.Ext(name), ".json"):
		return NDJSON
	}
	return CSV
}
