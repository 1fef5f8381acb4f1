package term

import (
	"bufio"
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

// Secret asks for a line that is not shown while it is typed.
func (s *Streams) Secret(question string) (string, error) {
	f, ok := s.In.(*os.File)
	if !s.Prompts || !ok {
		return "", ErrNoPrompt
	}
	_, _ = fmt.Fprint(s.Err, question+" ")
	answer, err := term.ReadPassword(int(f.Fd()))
	_, _ = fmt.Fprintln(s.Err)
	return strings.TrimSpace(string(answer)), err
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
