// Package jsontext checks JSON that a user wrote. encoding/json accepts what it cannot keep: of a repeated key the last value wins,
// and half of a surrogate pair becomes U+FFFD. Input that costs money is refused instead.
package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// An Error is a problem of a JSON text with its place.
type Error struct {
	Line, Column int // from 1; a column is a byte
	Detail       string
}

// Error returns the place and the problem.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Detail)
}

// errorAt returns the error for the byte at an offset.
func errorAt(raw []byte, offset int, format string, args ...any) *Error {
	before := raw[:min(max(offset, 0), len(raw))]
	return &Error{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'),
		Detail: fmt.Sprintf(format, args...),
	}
}

// Check returns an *Error unless raw is exactly one JSON value that decodes without a loss: valid UTF-8, no key twice in an object,
// and no half of a surrogate pair.
func Check(raw []byte) error {
	var value json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(raw, &value); errors.As(err, &syntax) {
		return errorAt(raw, int(syntax.Offset)-1, "%v", syntax)
	}
	return checkStrings(raw)
}

// Split returns the items of a JSON array, or the JSON values of a text that holds one after the other. Errors are those of Check.
func Split(raw []byte) ([]json.RawMessage, error) {
	var values []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		if err := Check(raw); err != nil {
			return nil, err
		}
		return values, json.Unmarshal(raw, &values)
	}
	for d := json.NewDecoder(bytes.NewReader(raw)); ; {
		var value json.RawMessage
		err := d.Decode(&value)
		var syntax *json.SyntaxError
		switch {
		case err == nil:
			values = append(values, value)
		case errors.As(err, &syntax):
			return nil, errorAt(raw, int(syntax.Offset)-1, "%v", syntax)
		case len(bytes.TrimSpace(raw[d.InputOffset():])) > 0:
			return nil, errorAt(raw, len(raw), "unexpected end of JSON input")
		default:
			return values, checkStrings(raw)
		}
	}
}

// A scanner reads JSON values that are known to be well-formed.
type scanner struct {
	raw     []byte
	pos     int
	objects []map[string]bool // the keys of the open objects so far; nil for an array
}

// checkStrings checks the strings and the keys of well-formed JSON values.
func checkStrings(raw []byte) error {
	s := scanner{raw: raw}
	isKey := false
	for s.pos < len(raw) {
		switch raw[s.pos] {
		case '{':
			s.objects, isKey = append(s.objects, map[string]bool{}), true
		case '[':
			s.objects, isKey = append(s.objects, nil), false
		case '}', ']':
			s.objects, isKey = s.objects[:len(s.objects)-1], false
		case ',':
			isKey = len(s.objects) > 0 && s.objects[len(s.objects)-1] != nil
		case ':':
			isKey = false
		case '"':
			if err := s.text(isKey); err != nil {
				return err
			}
			continue
		}
		s.pos++
	}
	return nil
}

// text checks the string at the position and moves behind it.
func (s *scanner) text(isKey bool) error {
	start := s.pos
	for s.pos++; s.raw[s.pos] != '"'; {
		if err := s.character(); err != nil {
			return err
		}
	}
	s.pos++
	if !isKey {
		return nil
	}
	var key string
	if err := json.Unmarshal(s.raw[start:s.pos], &key); err != nil {
		return errorAt(s.raw, start, "%v", err)
	}
	keys := s.objects[len(s.objects)-1]
	if keys[key] {
		return errorAt(s.raw, start, "the key %q is there twice", key)
	}
	keys[key] = true
	return nil
}

// character checks one character of a string, or one escape, and moves behind it.
func (s *scanner) character() error {
	if s.raw[s.pos] != '\\' {
		r, size := utf8.DecodeRune(s.raw[s.pos:])
		if r == utf8.RuneError && size == 1 {
			return errorAt(s.raw, s.pos, "the byte 0x%02X is not valid UTF-8", s.raw[s.pos])
		}
		s.pos += size
		return nil
	}
	unit, isUnit := s.unit(s.pos)
	switch {
	case !isUnit:
		s.pos += 2
		return nil
	case !utf16.IsSurrogate(unit):
		s.pos += 6
		return nil
	}
	second, _ := s.unit(s.pos + 6)
	if utf16.DecodeRune(unit, second) == utf8.RuneError {
		return errorAt(s.raw, s.pos, "%s is half of a surrogate pair, which is no character", s.raw[s.pos:s.pos+6])
	}
	s.pos += 12
	return nil
}

// unit returns the number of an escape such as \u00e9 at an offset, and whether there is one.
func (s *scanner) unit(offset int) (rune, bool) {
	if offset+6 > len(s.raw) || s.raw[offset] != '\\' || s.raw[offset+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.raw[offset+2:offset+6]), 16, 16)
	return rune(n), err == nil
}

// CheckText returns an error with the place unless text is valid UTF-8.
func CheckText(text string) error {
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return fmt.Errorf("byte %d (0x%02X) is not valid UTF-8", i+1, text[i])
		}
	}
	return nil
}
