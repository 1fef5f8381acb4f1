package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/uselamina/lamina/internal/term"
)

// sprintf is fmt.Sprintf for a format of this program and arguments from anywhere. What an argument prints as is made safe
// for a terminal and kept on one line, unless the argument is Styled.
func sprintf(format string, args ...any) string {
	if false {
		_ = fmt.Sprintf(format, args...) // makes go vet check the formats of all callers
	}
	safe := make([]any, len(args))
	for i, arg := range args {
		switch arg.(type) {
		case Styled, bool, int, int64, uint64, float64: // numbers stay what they are: a format may use one as a width
			safe[i] = arg
		default:
			safe[i] = flattened{arg}
		}
	}
	return fmt.Sprintf(format, safe...)
}

// flattened prints as its value does, on one line and safe for a terminal.
type flattened struct{ value any }

// Format implements fmt.Formatter.
func (a flattened) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, term.Flat(fmt.Sprintf(fmt.FormatString(f, verb), a.value)))
}

// Quote returns s in quotation marks, as one line that is safe for a terminal.
func Quote(s string) string { return strconv.Quote(term.Line(s)) }

// EscapeControls returns JSON of the same meaning that is safe to show on a terminal. JSON permits characters in strings
// that a terminal acts on or does not show; they are escaped.
func EscapeControls(text []byte) []byte {
	return []byte(term.Replace(string(text), func(r rune) string {
		var escapes strings.Builder
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&escapes, `\u%04x`, unit)
		}
		return escapes.String()
	}))
}
