package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/uselamina/lamina/internal/disk"
)

// Ext is the end of the name of a journal.
const Ext = ".ndjson"

// A Writer appends to a journal. It is the only one: it holds a lock of the operating system, which ends with the process. It is safe
// for several goroutines, whose records it writes in groups.
type Writer struct {
	path   string
	file   file
	mark   mark
	unlock func()

	size    int64 // of what is certainly stored
	isShort bool  // the journal was longer than it is

	wake    chan struct{} // has a value if a group may be waiting
	stopped chan struct{} // closed when nothing is written any more

	mu      sync.Mutex
	waiting *group
	end     int64 // the size after the waiting group
	room    int64 // the size for which there is certainly room on the disk
	err     error // after the first failure nothing more is written
}

// A file is what a Writer needs of an *os.File. Tests replace it by one that fails.
type file interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
	Reserve(size int64) error
	Close() error
}

// A realFile is the file of a journal.
type realFile struct{ *os.File }

func (f realFile) Reserve(size int64) error { return disk.Reserve(f.File, size) }

// A group is written, and flushed if one of its records asks for it, in one step.
type group struct {
	lines bytes.Buffer
	at    int64 // its offset in the file
	sync  bool
	done  chan struct{}
	err   error
}

// Create opens the journal of a batch for writing, and creates it if there is none. It holds the lock of the file lock until Close. It
// removes an incomplete last line. Errors: disk.ErrLocked if another process writes the journal, *DamagedError, *ForeignError, those of
// disk.Append, and those of package os.
func Create(path, lock, batch string) (*Writer, error) {
	unlock, err := disk.LockWithin(context.Background(), lock, false, disk.ProbeWait)
	if err != nil {
		return nil, err
	}
	w := &Writer{path: path, unlock: unlock, waiting: newGroup(), wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	if err := w.open(batch); err != nil {
		unlock()
		return nil, err
	}
	w.end = w.size
	go w.write()
	return w, nil
}

// IsBusy reports whether a process writes a journal.
func IsBusy(lock string) bool { return disk.IsLocked(lock) }

func (w *Writer) open(batch string) error {
	f, err := disk.Append(w.path)
	if err != nil {
		return err
	}
	w.file = realFile{f}
	if w.mark, err = openMark(w.path); err == nil {
		w.size, err = read(f, w.path, batch, 0, func(int64, Record) error { return nil })
	}
	if err == nil {
		w.isShort = w.size < w.mark.size
		err = f.Truncate(w.size)
	}
	if err == nil && w.size == 0 {
		err = w.begin(batch)
	}
	if err != nil {
		w.mark.close()
		_ = f.Close()
	}
	return err
}

// IsShort reports whether the journal had records that are missing now: it was cut, or replaced by an older copy.
func (w *Writer) IsShort() bool { return w.isShort }

// begin writes the header of a new journal.
func (w *Writer) begin(batch string) error {
	g := newGroup()
	g.sync = true
	if err := g.add(header{Journal: version, Batch: batch}); err != nil {
		return err
	}
	if err := w.store(g); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(w.path))
}

// Append writes a record and returns its offset. If sync is set, it returns when the record is on the disk; otherwise when the operating
// system has it. After an error nothing of the record is in the journal. If the disk is full, records that are flushed are refused before
// others have no room any more; after any other error no later record can be written.
func (w *Writer) Append(r Record, sync bool) (offset int64, err error) {
	w.mu.Lock()
	if w.err != nil {
		defer w.mu.Unlock()
		return 0, w.err
	}
	if sync {
		if err := w.reserve(); err != nil {
			w.mu.Unlock()
			return 0, err
		}
	}
	g := w.waiting
	offset = int64(g.lines.Len())
	if err := g.add(r); err != nil {
		w.mu.Unlock()
		return 0, err
	}
	w.end += int64(g.lines.Len()) - offset
	g.sync = g.sync || sync
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	<-g.done
	return g.at + offset, g.err
}

// write stores one group after the other until the writer is closed.
func (w *Writer) write() {
	defer close(w.stopped)
	for range w.wake {
		w.flush()
	}
	w.flush()
}

// flush stores the waiting group.
func (w *Writer) flush() {
	w.mu.Lock()
	g := w.waiting
	w.waiting = newGroup()
	err := w.err
	w.mu.Unlock()
	if g.lines.Len() == 0 {
		return
	}
	if err == nil {
		err = w.store(g)
	}
	if g.err = err; err != nil {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
	}
	close(g.done)
}

// store writes a group at the end of the file. After a failure the file is as before.
func (w *Writer) store(g *group) error {
	_, err := w.file.Write(g.lines.Bytes())
	if err == nil && g.sync {
		err = w.file.Sync()
	}
	if err != nil {
		_ = w.file.Truncate(w.size) // a reader ignores an incomplete last line
		return &os.PathError{Op: "write", Path: w.path, Err: underlying(err)}
	}
	g.at = w.size
	w.size += int64(g.lines.Len())
	if g.sync {
		w.mark.set(w.size)
	}
	return nil
}

// spare is the room on the disk that is reserved for the records that follow: the outcomes of the starts that a record allows.
const spare = 64 << 10

// reserve makes room for a record that allows a start, and for those that follow it: on a full disk, no start is sent without room to
// record its run. The caller holds the mutex.
func (w *Writer) reserve() error {
	if w.end+spare <= w.room {
		return nil
	}
	room := w.end + 2*spare
	if err := w.file.Reserve(room); err != nil {
		return &os.PathError{Op: "write", Path: w.path, Err: err}
	}
	w.room = room
	return nil
}

// underlying returns the cause of a *os.PathError, whose path is that of an open file.
func underlying(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// Close flushes the journal and releases its lock. No record may be appended at the same time or later.
func (w *Writer) Close() error {
	close(w.wake)
	<-w.stopped
	err := w.err
	if err == nil {
		err = errors.Join(w.file.Truncate(w.size), w.file.Sync()) // gives back the reserved room
	}
	if err == nil {
		w.mark.set(w.size)
	}
	err = errors.Join(err, w.file.Close())
	w.mark.close()
	w.unlock()
	return err
}

func newGroup() *group { return &group{done: make(chan struct{})} }

// add appends a line to the group.
func (g *group) add(v any) error {
	enc := json.NewEncoder(&g.lines)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
