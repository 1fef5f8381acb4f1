package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrNoPrompt means that there is no terminal for a prompt.
var ErrNoPrompt = errors.New("there is no terminal for a prompt")

// Secret prints question and reads a line from the terminal without echo. When ctx ends first, it restores the terminal.
func (s *Streams) Secret(ctx context.Context, question string) (string, error) {
	f, ok := s.In.(*os.File)
	if !s.Prompts || !ok {
		return "", ErrNoPrompt
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	show := hideTyping(int(f.Fd())) // before the question, so that text pasted at once is not echoed either
	defer show()
	_, _ = fmt.Fprint(s.Err, Line(question)+" ")
	defer fmt.Fprintln(s.Err)
	type result struct {
		answer []byte
		err    error
	}
	read := make(chan result, 1)
	go func() {
		answer, err := term.ReadPassword(int(f.Fd()))
		read <- result{answer, err}
	}()
	select {
	case r := <-read:
		return strings.TrimSpace(string(r.answer)), r.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(int(f.Fd()), before))
	}
}
