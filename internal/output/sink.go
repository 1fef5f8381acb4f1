package output

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"

	"github.com/uselamina/lamina/internal/term"
)

// A Sink is the stdout of a command. It is the one place that sees a failed write: it ends what produces the data, and keeps the error.
type Sink struct {
	mu  sync.Mutex
	w   io.Writer
	end func(error)
	err error
}

// NewSink returns a sink that writes to w.
func NewSink(w io.Writer) *Sink { return &Sink{w: w} }

// OnFailure sets the function that the first failed write calls, such as the end of a context.
func (s *Sink) OnFailure(end func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = end
}

// Err returns the error of the first failed write, a *WriteError; nil if there was none.
func (s *Sink) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Write implements io.Writer. After a failed write, it returns the same error again.
func (s *Sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(b)
	if err == nil {
		return n, nil
	}
	s.fail(err)
	return n, s.err
}

// fail keeps an error and ends what produces the data. The caller holds the lock.
func (s *Sink) fail(err error) {
	s.err = &WriteError{Err: err}
	if s.end != nil {
		s.end(s.err)
	}
}

// watchReader fails when the reader of stdout closes it, until ctx ends. It works for pipes of Unix.
func (s *Sink) watchReader(ctx context.Context) {
	f, isFile := s.w.(*os.File)
	if !isFile || !term.ReaderLeft(ctx, f) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.fail(syscall.EPIPE)
	}
}

// WatchReader ends the command when the reader of stdout closes it, also if nothing is written then. It is for streams with long pauses.
// ctx ends the watch.
func (p *Printer) WatchReader(ctx context.Context) {
	if s, isSink := p.streams.Out.(*Sink); isSink {
		go s.watchReader(ctx)
	}
}

// A WriteError means that stdout cannot be written.
type WriteError struct{ Err error }

// Error returns the cause.
func (e *WriteError) Error() string { return "could not write to stdout: " + reason(e.Err).Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// IsClosed reports whether the reader of stdout has closed it: it has read enough.
func (e *WriteError) IsClosed() bool {
	const brokenPipe, noData = syscall.Errno(109), syscall.Errno(232) // ERROR_BROKEN_PIPE and ERROR_NO_DATA
	isOnWindows := errors.Is(e.Err, brokenPipe) || errors.Is(e.Err, noData)
	return errors.Is(e.Err, syscall.EPIPE) || runtime.GOOS == "windows" && isOnWindows
}

// reason returns the number of the operating system in an error, which has no path and no name of an operation, or else the error.
func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}
