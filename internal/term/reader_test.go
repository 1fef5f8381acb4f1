//go:build linux

package term

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestReaderLeft(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ReaderLeft(ctx, w) {
		t.Error("got a reader that left, want the end of the context")
	}
	left := make(chan bool)
	go func() { left <- ReaderLeft(t.Context(), w) }()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !<-left {
		t.Error("got a reader that did not leave, want one that did")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if ReaderLeft(t.Context(), file) {
		t.Error("got a reader of a file, want none")
	}
}
