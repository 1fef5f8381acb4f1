package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/disk"
)

const batch = "b-abcdefghij"

// paths returns the paths of a journal in a new folder, and of its lock.
func paths(t *testing.T) (path, lock string) {
	t.Helper()
	dir := t.TempDir()
	return filepath.Join(dir, "0-of-1.ndjson"), filepath.Join(dir, "0-of-1.lock")
}

func create(t *testing.T, path, lock string) *Writer {
	t.Helper()
	w, err := Create(path, lock, batch)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func readAll(t *testing.T, path string) (ids []string) {
	t.Helper()
	_, err := Read(path, batch, 0, func(_ int64, r Record) error {
		ids = append(ids, r.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestAppend: records of many goroutines are all there, each at the offset that Append returned.
func TestAppend(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	w := create(t, path, lock)
	offsets := make([]int64, 500)
	var all sync.WaitGroup
	for i := range offsets {
		all.Go(func() {
			var err error
			if offsets[i], err = w.Append(Record{Type: Intent, ID: fmt.Sprint("item-", i), Attempt: 1}, i%7 == 0); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(readAll(t, path)); got != len(offsets) {
		t.Errorf("%d records, want %d", got, len(offsets))
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, offset := range offsets {
		if r, err := At(f, offset); err != nil || r.ID != fmt.Sprint("item-", i) {
			t.Fatalf("at %d: %+v, %v; want item-%d", offset, r, err, i)
		}
	}
}

// TestOneWriter: a second writer is refused until the first one is closed.
func TestOneWriter(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	w := create(t, path, lock)
	if _, err := Create(path, lock, batch); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("second writer: %v, want %v", err, disk.ErrLocked)
	}
	if !IsBusy(lock) {
		t.Error("IsBusy says that nobody writes")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if IsBusy(lock) {
		t.Error("IsBusy says that somebody writes")
	}
	if err := create(t, path, lock).Close(); err != nil {
		t.Error(err)
	}
}

// TestProbe: processes that ask whether a journal is written keep nobody from writing it.
func TestProbe(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	stop := make(chan struct{})
	var probes sync.WaitGroup
	for range 4 {
		probes.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					IsBusy(lock)
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	for range 100 {
		if err := create(t, path, lock).Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	probes.Wait()
	if IsBusy(lock) {
		t.Error("IsBusy says that somebody writes")
	}
}

// TestTornLine: wherever the last line is cut, the complete records are read, and a new writer goes on after them.
func TestTornLine(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	w := create(t, path, lock)
	for _, id := range []string{"a", "b"} {
		if _, err := w.Append(Record{Type: Intent, ID: id, Attempt: 1}, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		complete := max(0, bytes.Count(whole[:size], []byte("\n"))-1)
		if got := len(readAll(t, path)); got != complete {
			t.Fatalf("cut at %d: %d records, want %d", size, got, complete)
		}
		w := create(t, path, lock)
		if _, err := w.Append(Record{Type: Intent, ID: "c", Attempt: 1}, true); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, path); len(got) != complete+1 || got[complete] != "c" {
			t.Fatalf("cut at %d, then continued: %q", size, got)
		}
	}
}

// TestUnusable: a journal that this program cannot have written is refused, and not changed.
func TestUnusable(t *testing.T) {
	t.Parallel()
	head := `{"journal":1,"batch":"` + batch + `"}` + "\n"
	tests := []struct {
		name, content string
		isForeign     bool
	}{
		{"another batch", `{"journal":1,"batch":"b-other00000"}` + "\n", true},
		{"another format", `{"journal":2,"batch":"` + batch + `"}` + "\n", true},
		{"no header", `{"t":"intent","id":"a"}` + "\n", false},
		{"no JSON", head + "hello\n", false},
		{"no id", head + `{"t":"intent"}` + "\n", false},
		{"an impossible attempt", head + `{"t":"intent","id":"a","attempt":-1}` + "\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path, lock := paths(t)
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Create(path, lock, batch)
			var foreign *ForeignError
			var damaged *DamagedError
			if errors.As(err, &foreign) != tt.isForeign || errors.As(err, &damaged) == tt.isForeign {
				t.Errorf("got %v", err)
			}
			if left, _ := os.ReadFile(path); string(left) != tt.content {
				t.Errorf("the file was changed: %q", left)
			}
			if IsBusy(lock) {
				t.Error("the lock is still held")
			}
		})
	}
}

// A fullFile has room for a number of bytes.
type fullFile struct {
	file
	room int
}

func (f *fullFile) Write(b []byte) (int, error) {
	if len(b) <= f.room {
		f.room -= len(b)
		return f.file.Write(b)
	}
	n, err := f.file.Write(b[:f.room])
	f.room = 0
	return n, errors.Join(err, syscall.ENOSPC)
}

// TestFullDisk: wherever the disk is full, Append says so, nothing of the record stays, and no later record is written.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	record := Record{Type: Intent, ID: "item", Attempt: 1}
	for room := range 200 {
		_ = os.Remove(path)
		w := create(t, path, lock)
		w.file = &fullFile{file: w.file, room: room}
		stored := 0
		var err error
		for err == nil {
			if _, err = w.Append(record, true); err == nil {
				stored++
			}
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		if _, err := w.Append(record, true); err == nil {
			t.Fatalf("room for %d bytes: a record was written after the failure", room)
		}
		_ = w.Close()
		if got := len(readAll(t, path)); got != stored {
			t.Fatalf("room for %d bytes: %d records, and %d were stored", room, got, stored)
		}
	}
}

// TestReadOn: a reader that goes on from where it stopped sees each record once.
func TestReadOn(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	w := create(t, path, lock)
	defer w.Close()
	var next int64
	for i := range 20 {
		id := fmt.Sprint(i)
		if _, err := w.Append(Record{Type: Intent, ID: id, Attempt: 1}, false); err != nil {
			t.Fatal(err)
		}
		var got []string
		var err error
		next, err = Read(path, batch, next, func(_ int64, r Record) error {
			got = append(got, r.ID)
			return nil
		})
		if err != nil || len(got) != 1 || got[0] != id {
			t.Fatalf("got %q, %v; want %s", got, err, id)
		}
	}
}

// FuzzRead: whatever a file has, reading ends, and gives either an error or records with ids.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"journal":1,"batch":"` + batch + "\"}\n{\"t\":\"intent\",\"id\":\"a\",\"attempt\":1}\n"))
	f.Add([]byte("{}\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		next, err := read(bytes.NewReader(content), "journal", batch, 0, func(offset int64, r Record) error {
			if r.ID == "" || r.Attempt < 0 {
				t.Errorf("at %d: %+v", offset, r)
			}
			return nil
		})
		if next < 0 || next > int64(len(content)) {
			t.Errorf("next is %d of %d", next, len(content))
		}
		if err == nil && bytes.IndexByte(content[next:], '\n') >= 0 {
			t.Errorf("a line was left at %d", next)
		}
	})
}

// TestShort: a journal that was cut, emptied or removed is recognised by every later writer.
func TestShort(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	w := create(t, path, lock)
	for range 3 {
		if _, err := w.Append(Record{Type: Intent, ID: "a", Attempt: 1}, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || w.IsShort() {
		t.Fatal(err, w.IsShort())
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		content []byte
		want    bool
	}{
		"whole":              {whole, false},
		"last line cut":      {whole[:len(whole)-3], true},
		"last line removed":  {whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], true},
		"only the header":    {whole[:bytes.IndexByte(whole, '\n')+1], true},
		"empty":              {[]byte{}, true},
		"removed":            {nil, true},
		"an incomplete line": {append(bytes.Clone(whole), `{"t":"sta`...), false},
	}
	for name, tt := range tests {
		_ = os.Remove(path)
		if tt.content != nil {
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			w := create(t, path, lock)
			if w.IsShort() != tt.want {
				t.Errorf("%s: short is %t, want %t", name, w.IsShort(), tt.want)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestReserve: a full disk ends the starts before their outcomes find no room.
func TestReserve(t *testing.T) {
	t.Parallel()
	path, lock := paths(t)
	w := create(t, path, lock)
	w.file = &noRoom{file: w.file, most: 3 * spare}
	intent, stored := Record{Type: Intent, ID: strings.Repeat("x", 1000), Attempt: 1}, 0
	var err error
	for ; err == nil; stored++ {
		_, err = w.Append(intent, true)
	}
	if !errors.Is(err, syscall.ENOSPC) || w.size > 3*spare-spare || stored < 50 {
		t.Errorf("%v after %d records and %d bytes", err, stored, w.size)
	}
	_ = w.Close()
}

// A noRoom is a file that can have at most a number of bytes.
type noRoom struct {
	file
	most int64
}

func (f *noRoom) Reserve(size int64) error {
	if size > f.most {
		return syscall.ENOSPC
	}
	return nil
}
