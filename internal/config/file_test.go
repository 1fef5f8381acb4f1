package config

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestReadOrWriteFile: all processes that create a file at the same time get the same content.
func TestReadOrWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := make([]string, 16)
	var work sync.WaitGroup
	for i := range got {
		work.Go(func() {
			store := &Store{Dir: dir}
			raw, err := store.ReadOrWriteFile(t.Context(), "key", fmt.Append(nil, i))
			if err != nil {
				t.Error(err)
			}
			got[i] = string(raw)
		})
	}
	work.Wait()
	raw, err := (&Store{Dir: dir}).ReadFile("key")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range got {
		if text != string(raw) {
			t.Fatalf("got %q and %q in the file, want one content", got, raw)
		}
	}
}

// TestWriteCacheWithoutFolder: what cannot be stored is there until the process ends, or until it can be stored.
func TestWriteCacheWithoutFolder(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "missing")} {
		store := &Store{Dir: dir}
		if err := store.WriteCache("ids.json", []byte("1")); err == nil {
			t.Errorf("%q: got no error", dir)
		}
		if raw, err := store.ReadFile("ids.json"); string(raw) != "1" || err != nil {
			t.Errorf("%q: got %q, %v, want what was written", dir, raw, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q was made", dir)
		}
		store.Dir = t.TempDir()
		if err := store.WriteCache("ids.json", []byte("2")); err != nil {
			t.Fatal(err)
		}
		if raw, err := store.ReadFile("ids.json"); string(raw) != "2" || err != nil {
			t.Errorf("%q: got %q, %v, want what was stored later", dir, raw, err)
		}
	}
}
