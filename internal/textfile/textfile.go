// Package textfile reads text files as other programs write them: with a byte order mark, in UTF-16, with the line breaks of Windows.
package textfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// An Error means that bytes are not a text. It quotes nothing of the text, which may be secret.
type Error struct {
	Line   int // from 1
	Detail string
}

// Error describes the problem and its place.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d %s; save the file as UTF-8", e.Line, e.Detail)
}

// The byte order marks (RFC 3629 section 6, RFC 2781 section 3.2).
var (
	markUTF8    = []byte{0xef, 0xbb, 0xbf}
	markLittle  = []byte{0xff, 0xfe}
	markBig     = []byte{0xfe, 0xff}
	markUTF32LE = []byte{0xff, 0xfe, 0, 0}
)

// Decode returns a text as UTF-8 without a byte order mark, and with line feeds as line breaks. The text is UTF-8, or UTF-16 with a
// byte order mark. Bytes that are not valid are never replaced. Errors: *Error.
func Decode(raw []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(raw, markUTF32LE):
		return nil, &Error{Line: 1, Detail: "begins as UTF-32, which is not supported"}
	case len(raw) == 2: // a mark of UTF-16 without a text is not a text file
	case bytes.HasPrefix(raw, markLittle):
		return decodeUTF16(raw[2:], binary.LittleEndian)
	case bytes.HasPrefix(raw, markBig):
		return decodeUTF16(raw[2:], binary.BigEndian)
	}
	return checkText(bytes.TrimPrefix(raw, markUTF8))
}

// IsMarked reports whether a text begins with a byte order mark.
func IsMarked(raw []byte) bool {
	return bytes.HasPrefix(raw, markUTF8) || bytes.HasPrefix(raw, markLittle) || bytes.HasPrefix(raw, markBig)
}

func decodeUTF16(raw []byte, order binary.ByteOrder) ([]byte, error) {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i += 2 {
		if i+2 > len(raw) {
			return nil, &Error{Line: lineOf(text), Detail: "ends in the middle of a character of UTF-16"}
		}
		r := rune(order.Uint16(raw[i:]))
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+4 <= len(raw) {
				low = rune(order.Uint16(raw[i+2:]))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return nil, &Error{Line: lineOf(text), Detail: "is not valid UTF-16"}
			}
			i += 2
		}
		text = utf8.AppendRune(text, r)
	}
	return checkText(text)
}

// checkText refuses what is not UTF-8, and what is binary.
func checkText(text []byte) ([]byte, error) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			column := i - bytes.LastIndexByte(text[:i], '\n')
			return nil, &Error{Line: lineOf(text[:i]), Detail: fmt.Sprintf("is not valid UTF-8: the byte 0x%02X at byte %d of the line", text[i], column)}
		case r == 0:
			return nil, &Error{Line: lineOf(text[:i]), Detail: "has a zero byte, which no text has"}
		}
		i += size
	}
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), nil
}

// lineOf returns the number of the line at the end of a text.
func lineOf(before []byte) int { return bytes.Count(before, []byte("\n")) + 1 }
