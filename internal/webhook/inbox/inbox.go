package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/gofrs/flock"
)

// ErrBusy means that another process adds to the inbox.
var ErrBusy = errors.New("another process uses the inbox")

// errClosed means that the inbox was closed.
var errClosed = errors.New("the inbox is closed")

// lockName is the file with the lock of the process that adds.
const lockName = "inbox.lock"

// Options bound an inbox.
type Options struct {
	MaxBytes     int64 // of all segments, after which the oldest is removed; 0 means 64 MiB
	SegmentBytes int64 // of a segment, after which a new one begins; 0 means 4 MiB
	// Sync flushes a file to the disk; nil means (*os.File).Sync. Tests replace it.
	Sync func(*os.File) error
}

// An Inbox adds deliveries to a folder. Open returns one. Its methods may be called by several goroutines at once.
type Inbox struct {
	dir  string
	opts Options
	lock *flock.Flock

	mu      sync.Mutex
	entries map[string]*entry
	stored  []*entry // in order
	waiting *batch   // the entries that the next flush stores
	changed chan struct{}
	closed  bool

	wake    chan struct{}
	stopped chan struct{}

	// Only the writer uses these.
	file  *os.File // the last segment
	first uint64   // the number of its first delivery
	size  int64
	next  uint64          // the number of the next delivery
	old   []closedSegment // the other segments, oldest first
}

type closedSegment struct {
	first uint64
	size  int64
}

// entry is a delivery in the inbox. flush is nil once it is stored. recent is the delivery itself, while it is one of the newest.
type entry struct {
	id     string
	seq    uint64
	at     place
	flush  *batch
	recent *Delivery
}

// The newest deliveries are kept in memory, too, if they are small: consumers that keep up need not read them back.
const (
	maxRecent     = 1024
	maxRecentBody = 16 << 10
)

// batch is a group of deliveries that one flush stores. err is set before done is closed.
type batch struct {
	entries []*entry
	lines   [][]byte
	done    chan struct{}
	err     error
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// Open opens the inbox in an existing folder for adding. It removes what a crash left of an incomplete delivery. It returns ErrBusy if
// another process has opened it.
func Open(dir string, opts Options) (*Inbox, error) {
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 64 << 20
	}
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = 4 << 20
	}
	if opts.Sync == nil {
		opts.Sync = (*os.File).Sync
	}
	b := &Inbox{
		dir: dir, opts: opts, lock: flock.New(filepath.Join(dir, lockName)), next: 1,
		entries: map[string]*entry{}, waiting: newBatch(), changed: make(chan struct{}), wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	switch isLocked, err := b.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("could not lock the inbox: %w", err)
	case !isLocked:
		return nil, ErrBusy
	}
	if err := b.load(); err != nil {
		_ = b.lock.Unlock()
		return nil, fmt.Errorf("could not open the inbox: %w", err)
	}
	go b.write()
	return b, nil
}

// load reads the segments, and opens the last one for appending.
func (b *Inbox) load() error {
	firsts, err := segments(b.dir)
	if err != nil {
		return err
	}
	for _, first := range firsts {
		if b.next < first {
			b.next = first
		}
		size, err := b.loadSegment(first)
		if err != nil {
			return err
		}
		b.old = append(b.old, closedSegment{first, size})
	}
	if len(b.old) == 0 {
		return b.begin()
	}
	last := b.old[len(b.old)-1]
	b.old = b.old[:len(b.old)-1]
	if b.file, err = os.OpenFile(b.path(last.first), os.O_WRONLY, 0); err != nil {
		return err
	}
	b.first, b.size = last.first, last.size
	return b.file.Truncate(b.size)
}

// loadSegment indexes the deliveries of a segment, and returns the size of its complete lines.
func (b *Inbox) loadSegment(first uint64) (size int64, err error) {
	f, err := os.Open(b.path(first))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b.next = first
	for at, line := range scan(f, first) {
		if d, ok := parse(line, b.next); ok && b.entries[d.ID] == nil {
			e := &entry{id: d.ID, seq: d.Seq, at: at}
			b.entries[d.ID] = e
			b.stored = append(b.stored, e)
		}
		b.next++
		size = at.offset + int64(at.length)
	}
	return size, nil
}

func (b *Inbox) path(segment uint64) string { return filepath.Join(b.dir, segmentName(segment)) }

// Has reports whether the inbox has a delivery of a run, or is about to store one.
func (b *Inbox) Has(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.entries[id] != nil
}

// Add stores a delivery and returns when it is on the disk. isNew is false if the inbox has a delivery of this run already, which is on
// the disk, too. ctx does not end the storing, only the wait for it.
func (b *Inbox) Add(ctx context.Context, d Delivery) (isNew bool, err error) {
	line, err := json.Marshal(d)
	if err != nil {
		return false, fmt.Errorf("could not encode the delivery: %w", err)
	}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false, errClosed
	}
	e := b.entries[d.ID]
	if isNew = e == nil; isNew {
		e = &entry{id: d.ID, flush: b.waiting}
		if len(d.Body) <= maxRecentBody {
			e.recent = &d
		}
		b.entries[d.ID] = e
		b.waiting.entries = append(b.waiting.entries, e)
		b.waiting.lines = append(b.waiting.lines, append(line, '\n'))
	}
	flush := e.flush
	select {
	case b.wake <- struct{}{}:
	default:
	}
	b.mu.Unlock()
	if flush == nil {
		return false, nil
	}
	select {
	case <-flush.done:
		return isNew, flush.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Next returns the first delivery after the given number. It waits until there is one, or until ctx ends.
func (b *Inbox) Next(ctx context.Context, after uint64) (Delivery, error) {
	for {
		b.mu.Lock()
		i, _ := slices.BinarySearchFunc(b.stored, after+1, func(e *entry, seq uint64) int { return cmp.Compare(e.seq, seq) })
		var found *entry
		var recent *Delivery
		if i < len(b.stored) {
			found, recent = b.stored[i], b.stored[i].recent
		}
		changed, closed := b.changed, b.closed
		b.mu.Unlock()
		if recent != nil {
			d := *recent
			d.Seq = found.seq
			return d, nil
		}
		if found != nil {
			d, err := b.read(found)
			if err == nil || !errors.Is(err, os.ErrNotExist) {
				return d, err
			}
			after = found.seq // its segment was removed meanwhile
			continue
		}
		if closed {
			return Delivery{}, errClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Delivery{}, ctx.Err()
		}
	}
}

// Last returns the number of the newest stored delivery; 0 if there is none.
func (b *Inbox) Last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.stored) == 0 {
		return 0
	}
	return b.stored[len(b.stored)-1].seq
}

func (b *Inbox) read(e *entry) (Delivery, error) {
	f, err := os.Open(b.path(e.at.segment))
	if err != nil {
		return Delivery{}, err
	}
	defer f.Close()
	line := make([]byte, e.at.length)
	if _, err := f.ReadAt(line, e.at.offset); err != nil {
		return Delivery{}, fmt.Errorf("could not read the inbox: %w", err)
	}
	d, ok := parse(line, e.seq)
	if !ok {
		return Delivery{}, fmt.Errorf("could not read the inbox: delivery %d is damaged", e.seq)
	}
	return d, nil
}

// Close stores what is waiting, and lets other processes add.
func (b *Inbox) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	close(b.wake)
	b.mu.Unlock()
	<-b.stopped
	return errors.Join(b.file.Close(), b.lock.Unlock())
}
