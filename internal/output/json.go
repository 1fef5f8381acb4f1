package output

import (
	"bytes"
	"encoding/json"
)

// maxIndent is how many levels of a JSON value are indented. Deeper values stay on one line: the blanks before each line of a value that
// is nested n times would take n² bytes.
const maxIndent = 32

// JSON adds an indented JSON value, or a text that is no JSON as it is.
func (p *Page) JSON(raw json.RawMessage) {
	var text bytes.Buffer
	if indent(&text, raw) != nil {
		text.Write(raw)
	}
	p.Verbatim("", text.String())
}

// indent appends a JSON value as json.Indent does with two spaces, down to maxIndent. Errors are those of json.Compact.
func indent(out *bytes.Buffer, raw []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return err
	}
	raw = compact.Bytes()
	depth := 0
	newline := func() {
		if depth > maxIndent {
			return
		}
		out.WriteByte('\n')
		for range depth {
			out.WriteString("  ")
		}
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '"':
			end := stringEnd(raw, i)
			out.Write(raw[i:end])
			i = end - 1
		case '{', '[':
			out.WriteByte(c)
			if next := raw[i+1]; next == '}' || next == ']' {
				out.WriteByte(next)
				i++
				continue
			}
			depth++
			newline()
		case '}', ']':
			if depth--; depth < maxIndent {
				newline()
			}
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			newline()
		case ':':
			out.WriteByte(c)
			if depth <= maxIndent {
				out.WriteByte(' ')
			}
		default:
			out.WriteByte(c)
		}
	}
	return nil
}

// stringEnd returns the offset behind the JSON string that begins at start.
func stringEnd(raw []byte, start int) int {
	for i := start + 1; ; i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}
