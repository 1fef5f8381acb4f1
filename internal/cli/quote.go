package cli

import (
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/term"
)

// commandLine shows a command of ours as it can be typed. Arguments may come from elsewhere: whatever they hold, a shell
// reads each of them as one argument.
func commandLine(args ...string) string {
	line := "lamina"
	for _, arg := range args {
		line += " " + quoteArg(arg)
	}
	return line
}

func quoteArg(arg string) string {
	arg = term.Flat(arg)
	if arg != "" && !strings.ContainsFunc(arg, isSpecial) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// isSpecial reports whether a shell might read a character as something else than itself.
func isSpecial(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-+=:,./@%…", r)
}
