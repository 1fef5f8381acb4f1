package platform

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// dataFile returns the contents of a data file with some state.
func dataFile(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.db")
	for range 3 { // later states replace pages of earlier ones
		s, err := New(Options{BaseURL: "http://127.0.0.1:1", DataFile: file})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.NewServiceKeys("test"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// open opens a platform with a data file of these contents. It checks that a file that cannot be used is kept.
func open(t *testing.T, raw []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{BaseURL: "http://127.0.0.1:1", DataFile: file})
	if err == nil {
		if got := len(s.deps.Keys.List()); got != 12 {
			t.Errorf("got %d keys, want all 12", got)
		}
		return s.Close()
	}
	if kept, readErr := os.ReadFile(file); readErr != nil || !bytes.Equal(kept, raw) {
		t.Errorf("got another file after %v, want it unchanged", err)
	}
	var refused *wire.DataFileError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want a DataFileError of one line that names the file", err)
	}
	return err
}

// TestDamagedDataFile: a file that is cut at any byte is refused, or it has all of its state.
func TestDamagedDataFile(t *testing.T) {
	t.Parallel()
	raw := dataFile(t)
	if err := open(t, raw); err != nil {
		t.Fatal(err)
	}
	lengths := []int{1, 79, 80, 4095, 4096, 4097, 8191, 8192, len(raw) / 2, len(raw) - 4096, len(raw) - 1}
	for length := 512; length < len(raw); length += 1536 {
		lengths = append(lengths, length)
	}
	for _, length := range lengths {
		_ = open(t, raw[:length]) // bbolt allocates more than it uses
	}
	if err := open(t, raw[:16384]); err == nil {
		t.Error("got no error without the last pages")
	}
	for page := 0; page < len(raw); page += 4096 {
		for _, fill := range []string{"\x00", "\xa7\x01\x03", "\xff"} {
			damaged := bytes.Clone(raw)
			copy(damaged[page:], strings.Repeat(fill, 4096/len(fill)))
			file := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := New(Options{BaseURL: "http://127.0.0.1:1", DataFile: file}); err == nil { // an unused page
				_ = s.Close()
			} else if refused := (*wire.DataFileError)(nil); !errors.As(err, &refused) {
				t.Errorf("%q at %d: got %v, want a DataFileError", fill, page, err)
			}
		}
	}
	for name, text := range map[string]string{"text": "not a database\n", "garbage": strings.Repeat("\xa7\x01", 40000), "zeros": strings.Repeat("\x00", 65536)} {
		if err := open(t, []byte(text)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestForeignRecords: records of another form are reported as the file's.
func TestForeignRecords(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"not JSON": "{", "another type": `["x"]`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(file, dataFile(t), 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := bbolt.Open(file, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists([]byte("api-keys"))
				if err != nil {
					return err
				}
				return b.Put([]byte("x"), []byte(value))
			}), db.Close())
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := open(t, raw); err == nil {
				t.Error("got no error")
			}
		})
	}
}

// TestUnusableDataFile: what is not a file is refused at once.
func TestUnusableDataFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, tt := range []struct{ name, file, want string }{
		{"folder", folder, "is a folder"},
		{"missing folder", filepath.Join(folder, "missing", "x.db"), "no such file"},
		{"device", os.DevNull, "is not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(Options{BaseURL: "http://127.0.0.1:1", DataFile: tt.file})
			if err == nil || !strings.HasPrefix(err.Error(), "the data file "+tt.file+" ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
