//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package term

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Edits reports whether stdin is a terminal from which ReadLine can read lines.
func (s *Streams) Edits() bool {
	f, ok := s.In.(*os.File)
	return ok && isTerminal(f)
}

// InBackground reports whether stdin is the terminal of this process, and another process group is in its foreground. A process that
// reads from the terminal then is stopped.
func (s *Streams) InBackground() bool {
	f, ok := s.In.(*os.File)
	return ok && isTerminal(f) && !isForeground(int(f.Fd()))
}

// isForeground reports whether this process may read from a terminal and change its modes.
func isForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp() // an error: not the terminal of this process, so without job control
}

// ReadLine reads a line from the terminal, of any length and without its line break. It shows what is typed, and understands
// bracketed paste; a line break within pasted text is dropped. For an address it asks the terminal to mark pasted text, and drops
// line breaks also if the terminal does not do it. A process in the background waits until it is in the foreground. The error is
// io.EOF after Ctrl-D on an empty line.
func (s *Streams) ReadLine(ctx context.Context, isAddress bool) (string, error) {
	defer s.Hold(isAddress)()
	return s.readTerminal(ctx, "", &editor{echo: true}, func(line []byte) bool { return isAddress && bytes.Contains(line, []byte("://")) })
}

func (s *Streams) readHidden(ctx context.Context, question string) (string, error) {
	defer s.Hold(false)()
	return s.readTerminal(ctx, question, &editor{}, func(line []byte) bool { return len(line) > 0 })
}

// Hold turns on the modes of ReadLine until release is called: what is typed or pasted between two lines is then neither echoed by
// the system nor cut. It does nothing without a terminal.
func (s *Streams) Hold(isAddress bool) (release func()) {
	if !s.Edits() {
		return func() {}
	}
	if s.console == nil {
		s.console = newConsole(s.In.(*os.File), s.isDumb)
	}
	c := s.console
	c.acquire(isAddress)
	return c.release
}

// HungUp reports whether SIGHUP ended the process while Hold was in effect.
func (s *Streams) HungUp() bool {
	if s.console == nil {
		return false
	}
	s.console.mu.Lock()
	defer s.console.mu.Unlock()
	return s.console.isHungUp
}

// tick is the time between two checks for the end of the context and for a change of the foreground.
const tick = 100 * time.Millisecond

// readTerminal reads a line. joins reports whether more text that follows a line at once, as in a paste, belongs to the line.
func (s *Streams) readTerminal(ctx context.Context, question string, e *editor, joins func(line []byte) bool) (string, error) {
	if !s.Edits() {
		return "", ErrNoPrompt
	}
	c := s.console
	isAsked := false
	for {
		switch {
		case ctx.Err() != nil:
			c.suspend()
			s.endLine(isAsked)
			return "", ctx.Err()
		case c.isClosed():
			return "", endedBySignal(ctx)
		case !c.enter():
			time.Sleep(tick)
			continue
		}
		if c.takeRedraw() || !isAsked {
			isAsked = true
			s.writeError(question)
			c.write([]byte(Flat(string(e.line[:e.shown]))))
		}
		b, err := c.readByte(tick)
		if err != nil {
			s.endLine(isAsked)
			return "", err
		}
		if b == nil {
			continue
		}
		show, effect := e.key(*b)
		c.write(show)
		switch {
		case effect == inputEnds:
			s.endLine(true)
			return "", io.EOF
		case len(e.line) > maxLine:
			return "", errLineTooLong
		case effect == lineEnds && joins(e.line) && c.isReady(pasteGap):
			e.join()
		case effect == lineEnds:
			s.endLine(true)
			return string(e.line), nil
		}
	}
}

// endedBySignal returns the error of ctx, which ends by the same signal as the console.
func endedBySignal(ctx context.Context) error {
	limit := time.NewTimer(time.Second)
	defer limit.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return ErrNoPrompt
	}
}

// pasteGap is the time within which the next character of a pasted text arrives. A user does not type so fast.
const pasteGap = 50 * time.Millisecond

func (s *Streams) endLine(isAsked bool) {
	if isAsked {
		s.writeError("\n")
	}
}
