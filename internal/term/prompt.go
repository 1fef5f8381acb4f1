package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrNoPrompt means that nobody is there to be asked.
var ErrNoPrompt = errors.New("there is no terminal to ask on")

// Secret asks for a line that is not shown while it is typed. When ctx ends first, the terminal is put back as it was.
func (s *Streams) Secret(ctx context.Context, question string) (string, error) {
	f, ok := s.In.(*os.File)
	if !s.Prompts || !ok {
		return "", ErrNoPrompt
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	show := hideTyping(int(f.Fd())) // before the question: what is pasted at once must not be seen either
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
