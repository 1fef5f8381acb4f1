package output

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/uselamina/lamina/internal/term"
)

// A pipe accepts a number of bytes, and then reports that its reader has closed it.
type pipe struct {
	bytes.Buffer
	left int
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.left -= len(b); p.left < 0 {
		return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	}
	return p.Buffer.Write(b)
}

// TestSink: the first failed write ends the context, with its error as the cause, and no later write is tried.
func TestSink(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancelCause(t.Context())
	p := &pipe{left: 5}
	s := NewSink(p)
	s.OnFailure(end)
	if n, err := s.Write([]byte("four")); n != 4 || err != nil || s.Err() != nil || ctx.Err() != nil {
		t.Fatalf("got %d, %v, %v, want 4 bytes and no error", n, err, s.Err())
	}
	_, err := s.Write([]byte("more"))
	var unwritten *WriteError
	if !errors.As(err, &unwritten) || !unwritten.IsClosed() || !errors.Is(context.Cause(ctx), err) || !errors.Is(s.Err(), err) {
		t.Errorf("got %v and the cause %v, want a WriteError of a closed stdout", err, context.Cause(ctx))
	}
	p.left = 100
	if _, again := s.Write([]byte("x")); !errors.Is(again, err) || p.String() != "four" {
		t.Errorf("got %v after %q, want the first error and four bytes", again, p.String())
	}
	if got, want := (&WriteError{Err: &os.PathError{Op: "write", Path: "/dev/full", Err: syscall.ENOSPC}}).Error(), "could not write to stdout: "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q and the reason", got, want)
	}
}

// TestFilterWritesAsItGoes: a jq program without an end ends when stdout is closed, and what it produced until then was written.
func TestFilterWritesAsItGoes(t *testing.T) {
	t.Parallel()
	p := &pipe{left: 3 * filterBuffer}
	printer, err := New(&term.Streams{Out: NewSink(p)}, Options{JQ: "repeat(.)"})
	if err != nil {
		t.Fatal(err)
	}
	if err := printer.Data(json.RawMessage(`{"a":1}`), nil); !errors.As(err, new(*WriteError)) {
		t.Errorf("got %v, want a WriteError", err)
	}
	if got := p.String(); !strings.HasPrefix(got, "{\"a\":1}\n{\"a\":1}\n") {
		t.Errorf("got %q, want results", got)
	}
}

// TestFilterFailsAtOnce: a jq program that fails early has written nothing, and one that halts has written its results.
func TestFilterFailsAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		program, want string
		wantErr       bool
	}{
		{`1, error("x")`, "", true},
		{`1, halt, 2`, "1\n", false},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		printer, err := New(&term.Streams{Out: &out}, Options{JQ: tt.program})
		if err != nil {
			t.Fatal(err)
		}
		err = printer.Line(json.RawMessage(`null`))
		if (err != nil) != tt.wantErr || out.String() != tt.want {
			t.Errorf("%s: got %q, %v, want %q, an error: %t", tt.program, out.String(), err, tt.want, tt.wantErr)
		}
	}
}
