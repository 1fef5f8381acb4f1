package laminr

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// MaxFile is the largest size of a file in bytes: 1 GB.
const MaxFile = 1 << 30

// A FileError means that Laminr does not accept a file. Nothing was sent.
type FileError struct {
	Name    string
	Problem string
}

// Error returns the name of the file and the problem.
func (e *FileError) Error() string { return e.Name + " " + e.Problem }

// kinds returns the file types that Laminr accepts, with their first bytes and the extensions of their names.
func kinds() []kind {
	return []kind{
		{"a PDF", "application/pdf", []string{".pdf"}, "%PDF-"},
		{"a PNG", "image/png", []string{".png"}, "\x89PNG\r\n\x1a\n"},
		{"a JPEG", "image/jpeg", []string{".jpg", ".jpeg"}, "\xff\xd8\xff"},
	}
}

type kind struct {
	name, contentType string
	extensions        []string
	magic             string
}

// headSize is the number of bytes that are inspected: the header of a PDF may be anywhere in the first KiB.
const headSize = 1024

// Inspect checks the size of a file, and that its name and its content agree on a type that Laminr accepts. It returns a
// *FileError or an error of r.
func Inspect(path string, size int64, r io.Reader) (*File, error) {
	name := filepath.Base(path)
	switch {
	case size == 0:
		return nil, &FileError{path, "is empty"}
	case size > MaxFile:
		return nil, &FileError{path, fmt.Sprintf("has %d bytes; Laminr takes at most 1 GB", size)}
	}
	head, err := io.ReadAll(io.LimitReader(r, headSize))
	if err != nil {
		return nil, err
	}
	byContent, known := contentKind(head)
	byName, named := nameKind(name)
	switch {
	case !known && named:
		return nil, &FileError{path, fmt.Sprintf("is named like %s, but its content is of another type; Laminr takes PDF, PNG and JPEG", byName.name)}
	case !known:
		return nil, &FileError{path, "is none of the types that Laminr takes: PDF, PNG and JPEG"}
	case byContent.name != byName.name:
		return nil, &FileError{path, fmt.Sprintf("is %s, so its name must end in %s", byContent.name, strings.Join(byContent.extensions, " or "))}
	}
	return &File{Name: name, ContentType: byContent.contentType, Size: size}, nil
}

func contentKind(head []byte) (kind, bool) {
	for _, k := range kinds() {
		if bytes.HasPrefix(head, []byte(k.magic)) || k.contentType == "application/pdf" && bytes.Contains(head, []byte(k.magic)) {
			return k, true
		}
	}
	return kind{}, false
}

func nameKind(name string) (kind, bool) {
	for _, k := range kinds() {
		for _, ext := range k.extensions {
			if strings.EqualFold(filepath.Ext(name), ext) {
				return k, true
			}
		}
	}
	return kind{}, false
}
