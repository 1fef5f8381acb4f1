package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrNoPrompt means that there is no terminal for a prompt.
var ErrNoPrompt = errors.New("there is no terminal for a prompt")

// Secret prints question and reads a line from the terminal without echo. When ctx ends first, it restores the terminal. A process
// in the background waits until it is in the foreground.
func (s *Streams) Secret(ctx context.Context, question string) (string, error) {
	if _, ok := s.In.(*os.File); !s.Prompts || !ok {
		return "", ErrNoPrompt
	}
	answer, err := s.readHidden(ctx, Line(question)+" ")
	return strings.TrimSpace(answer), err
}

// Restore gives the terminal back its modes. Call it at the end of the process; it may be called twice.
func (s *Streams) Restore() {
	if s.console != nil {
		s.console.close()
	}
}

// writeError writes to stderr.
func (s *Streams) writeError(text string) { _, _ = fmt.Fprint(s.Err, text) }
