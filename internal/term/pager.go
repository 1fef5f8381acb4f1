package term

import (
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/uselamina/lamina/internal/child"
)

// Fits reports whether a text fits on the screen of stdout, with one line for the prompt below it. Where the height is unknown,
// every text fits.
func (s *Streams) Fits(text string) bool {
	if s.Height == nil {
		return true
	}
	height, width, lines := s.Height(), max(s.Width(), 1), 1
	for line := range strings.Lines(text) {
		lines += max(1, (ansi.StringWidth(strings.TrimRight(line, "\n"))+width-1)/width)
	}
	return height <= 0 || lines <= height
}

// Pager returns the command of the user's pager: LAMINA_PAGER, else PAGER, else less, if there is one. It returns nil if the user
// wants none, because a variable is empty or is cat, and where there is no terminal that a pager could use.
func (s *Streams) Pager(getenv func(string) string, isBlank func(string) bool) []string {
	if !s.OutTTY || !s.Prompts || s.isDumb {
		return nil
	}
	for _, name := range []string{"LAMINA_PAGER", "PAGER"} {
		value := strings.TrimSpace(getenv(name))
		if value == "" && (isBlank == nil || !isBlank(name)) {
			continue
		}
		words := splitCommands(value, 0, os.PathSeparator == '/')[0].words
		if len(words) == 0 || words[0] == "cat" {
			return nil
		}
		return words
	}
	if _, err := exec.LookPath("less"); err != nil {
		return nil
	}
	return []string{"less", "-FRX"}
}

// Page shows a text in a pager, which gets environ as its environment. Ctrl-C is the pager's meanwhile. An error means that the
// pager could not be started and that nothing was shown.
func (s *Streams) Page(text string, pager, environ []string) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	if !slices.ContainsFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, "LESS=") }) {
		environ = append(slices.Clip(environ), "LESS=FRX") // for a pager such as PAGER=less: colors, and no second screen
	}
	return child.Foreground(environ, strings.NewReader(text), pager...)
}
