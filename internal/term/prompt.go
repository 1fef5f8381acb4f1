package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxLine bounds what is read as one answer; redirect URLs with codes are a few KiB.
const maxLine = 64 << 10

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
	_, _ = fmt.Fprint(s.Err, question+" ")
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

// ReadLine reads the first line of a stream, without its end.
func ReadLine(r io.Reader) (string, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	if !scanner.Scan() {
		return "", scanner.Err()
	}
	return strings.TrimSpace(scanner.Text()), nil
}
