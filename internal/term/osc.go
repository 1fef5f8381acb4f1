package term

import (
	"encoding/base64"
	"io"
	"strings"
)

// understandsEscapes reports whether stderr is a terminal that understands escape sequences.
func (s *Streams) understandsEscapes() bool { return s.ErrTTY && !s.isDumb }

// Copy asks the terminal to put a text into the clipboard (OSC 52), and reports whether there is such a terminal. Terminals do not say
// whether they did it. The text is encoded, so that it cannot contain escape sequences.
func (s *Streams) Copy(text string) bool {
	if !s.understandsEscapes() {
		return false
	}
	_, err := io.WriteString(s.Err, "\x1b]52;c;"+base64.StdEncoding.EncodeToString([]byte(text))+"\a")
	return err == nil
}

// Notify rings the bell of the terminal and asks it to show a notification (OSC 777 where terminals are known to use it, else OSC 9).
// It does nothing without such a terminal.
func (s *Streams) Notify(text string, getenv func(string) string) {
	if !s.understandsEscapes() {
		return
	}
	text = strings.NewReplacer(";", ",").Replace(Line(text)) // a semicolon separates fields
	sequence := "\x1b]9;" + text + "\a"
	if uses777(getenv) {
		sequence = "\x1b]777;notify;lamina;" + text + "\a"
	}
	_, _ = io.WriteString(s.Err, "\a"+sequence)
}

// uses777 reports whether the terminal is known to understand OSC 777, and may not understand OSC 9.
func uses777(getenv func(string) string) bool {
	name := getenv("TERM")
	return strings.HasPrefix(name, "rxvt") || strings.HasPrefix(name, "foot") || getenv("VTE_VERSION") != ""
}
