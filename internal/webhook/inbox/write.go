package inbox

import (
	"bytes"
	"errors"
	"os"

	"github.com/uselamina/lamina/internal/disk"
)

// write stores one batch after the other until the inbox is closed.
func (b *Inbox) write() {
	defer close(b.stopped)
	for range b.wake {
		b.flush()
	}
	b.flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// flush stores the waiting batch. If that fails, nothing of it is in the inbox.
func (b *Inbox) flush() {
	b.mu.Lock()
	group := b.waiting
	b.waiting = newBatch()
	b.mu.Unlock()
	if len(group.entries) == 0 {
		return
	}
	group.err = b.store(group)
	b.mu.Lock()
	for _, e := range group.entries {
		e.flush = nil
		if group.err != nil {
			delete(b.entries, e.id)
			continue
		}
		b.stored = append(b.stored, e)
		if old := len(b.stored) - 1 - maxRecent; old >= 0 {
			b.stored[old].recent = nil
		}
	}
	if group.err == nil {
		b.removeOldest()
	}
	close(b.changed)
	b.changed = make(chan struct{})
	b.mu.Unlock()
	close(group.done)
}

// store appends a batch to the last segment and flushes it.
func (b *Inbox) store(group *batch) error {
	if b.size >= b.opts.SegmentBytes {
		if err := b.rotate(); err != nil {
			return err
		}
	}
	offset := b.size
	for i, e := range group.entries {
		e.at = place{segment: b.first, offset: offset, length: len(group.lines[i])}
		offset += int64(e.at.length)
	}
	_, err := b.file.WriteAt(bytes.Join(group.lines, nil), b.size)
	if err == nil {
		err = b.opts.Sync(b.file)
	}
	if err != nil {
		_ = b.file.Truncate(b.size)
		return err
	}
	b.size = offset
	for _, e := range group.entries {
		e.seq = b.next
		b.next++
	}
	return nil
}

// rotate begins a new segment.
func (b *Inbox) rotate() error {
	ended, last := b.file, closedSegment{b.first, b.size}
	if err := b.begin(); err != nil {
		return err
	}
	b.old = append(b.old, last)
	return ended.Close()
}

// begin creates the segment of the next delivery.
func (b *Inbox) begin() error {
	f, err := os.OpenFile(b.path(b.next), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := disk.SyncDir(b.dir); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	b.file, b.first, b.size = f, b.next, 0
	return nil
}

// removeOldest removes segments until the inbox has its size, and always keeps the last one. The caller holds the mutex.
func (b *Inbox) removeOldest() {
	total := b.size
	for _, s := range b.old {
		total += s.size
	}
	for len(b.old) > 0 && total > b.opts.MaxBytes {
		oldest := b.old[0]
		if os.Remove(b.path(oldest.first)) != nil {
			return // tried again after the next flush
		}
		total -= oldest.size
		b.old = b.old[1:]
		for len(b.stored) > 0 && b.stored[0].at.segment == oldest.first {
			delete(b.entries, b.stored[0].id)
			b.stored = b.stored[1:]
		}
	}
}
