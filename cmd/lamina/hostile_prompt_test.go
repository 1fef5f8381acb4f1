//go:build unix

package main

import (
	"strings"
	"testing"
	"unicode"
)

// TestHostilePrompts signs in to a described service. Its titles and help texts contain control sequences, and none of them
// reaches the terminal.
func TestHostilePrompts(t *testing.T) {
	t.Parallel()
	const clearScreen, writeClipboard, turn, zeroWidth = `\u001b[2J`, `\u001b]52;c;Y3VybA==\u0007`, `\u202e`, `\u200b`
	u := newUser(t, "http://127.0.0.1:9", "NO_COLOR=1")
	description := strings.NewReplacer(
		`"Larder"`, `"Lar`+clearScreen+`der"`, `"Shelf"`, `"Sh`+writeClipboard+zeroWidth+`elf"`,
		`"on the door"`, `"on the`+turn+` door\nerror: forged"`, `"in the kitchen"`, `"in the`+clearScreen+turn+` kitchen\r"`,
	).Replace(larderFile(newLarder(t)))
	u.describeService(t, "larder", strings.Replace(description, "http://127.0.0.1", "http://localhost", 1))

	screen := u.atTerminal(t, 200, "login", "--provider", "larder")
	screen.expect(t, `Shelf of Larder \(on the door error: forged\):`)
	screen.types(t, "7"+enter)
	screen.expect(t, `API key of Larder \(in the kitchen\): `)
	screen.types(t, larderKey+enter)
	screen.expect(t, "Signed in to Larder")
	screen.exits(t, 0)
	for _, r := range strings.ReplaceAll(screen.String(), "\r\n", "\n") {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Fatalf("got %U on the terminal in %q, want no control character", r, screen.String())
		}
	}
}
