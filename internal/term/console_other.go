//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package term

import (
	"context"
	"errors"
	"os"

	"golang.org/x/term"
)

// A console does nothing on these systems: the system edits the lines.
type console struct{}

func (*console) close() {}

// Edits reports whether ReadLine can be used.
func (s *Streams) Edits() bool { return false }

// ReadLine is not available on these systems.
func (s *Streams) ReadLine(context.Context, bool) (string, error) { return "", ErrNoPrompt }

// Hold does nothing on these systems.
func (s *Streams) Hold(bool) (release func()) { return func() {} }

// HungUp reports false on these systems.
func (s *Streams) HungUp() bool { return false }

// InBackground reports false on these systems, which have no job control.
func (s *Streams) InBackground() bool { return false }

func (s *Streams) readHidden(ctx context.Context, question string) (string, error) {
	fd := int(s.In.(*os.File).Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	s.writeError(question)
	defer s.writeError("\n")
	type result struct {
		answer []byte
		err    error
	}
	read := make(chan result, 1)
	go func() {
		answer, err := term.ReadPassword(fd)
		read <- result{answer, err}
	}()
	select {
	case r := <-read:
		return string(r.answer), r.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
