package config

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A damaged file is copied aside once, also if it is too large to be read.
func TestTooLargeFileIsCopiedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "a")
	if err := os.WriteFile(s.Path(), bytes.Repeat([]byte(" "), 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateWith(t.Context(), UpdateOptions{ReplaceDamaged: true}, addKey(DefaultProfile)); err != nil {
		t.Fatal(err)
	}
	if copies, _ := filepath.Glob(s.Path() + ".damaged-*"); len(copies) != 1 {
		t.Errorf("got the copies %q, want one", copies)
	}
}
