// Package state computes the states of the items of a batch. It reads the items of the plan and all journals; the newest record of an
// item decides. For a million items it keeps a few dozen bytes each in memory: what is long stays in the files.
package state

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
)

// An entry is what the table keeps of an item.
type entry struct {
	item    int64 // offset in the items file
	last    int64 // offset of the deciding record in its journal
	attempt uint32
	file    uint16 // index of the journal with the deciding record
	shard   uint16
	rank    uint8
	status  Status
}

// A place is the place of a record.
type place struct {
	file   uint16
	offset int64
}

// A Lost is a start without a known outcome.
type Lost struct {
	Attempt int
	Key     string
	At      time.Time // the start was sent after this time
	Until   time.Time // and before this one; zero if unknown: its process was interrupted, or waits for the response
	Reason  string    // why the outcome is unknown
}

// A Run is the run of an item that has not ended.
type Run struct {
	ID      string
	Attempt int
	At      time.Time // about when it was started
	Sent    time.Time // when its start was sent; zero if unknown: the run was found in a list
}

// A key finds an item by the hash of its id.
type key struct {
	hash uint64
	item int32
}

// A Table has the states of the items. It is not safe for several goroutines.
type Table struct {
	plan    *plan.Plan
	items   *os.File
	entries []entry
	index   []key // sorted by hash; takes half of the memory of a map
	seed    maphash.Seed

	journals []*source
	byPath   map[string]uint16

	counts []Counts            // by shard
	open   map[int32]Lost      // starts without outcome
	doubts []Lost              // starts of held items: a run that no journal names may be theirs
	runs   map[int32]Run       // runs that have not ended
	saved  map[int32]place     // records of saved files
	known  map[uint64]struct{} // hashes of the ids of all runs
}

// A source is a journal that the table reads.
type source struct {
	path  string
	file  *os.File
	next  int64 // offset of what is not read yet
	isOwn bool  // this process writes it, and applies its records itself
}

// Open reads the items of a plan and all journals of its folder. Errors: those of plan.EachItem and of journal.Read.
func Open(p *plan.Plan) (*Table, error) {
	t := &Table{
		plan: p, seed: maphash.MakeSeed(), index: make([]key, 0, p.Items), entries: make([]entry, 0, p.Items),
		byPath: map[string]uint16{}, counts: make([]Counts, max(p.Shards, 1)), open: map[int32]Lost{}, runs: map[int32]Run{},
		saved: map[int32]place{}, known: map[uint64]struct{}{},
	}
	err := p.EachItem(func(i int, offset int64, item plan.Item) error {
		s := shard.Of(item.ID, p.Shards)
		t.index = append(t.index, key{t.hash(item.ID), int32(i)})
		t.entries = append(t.entries, entry{item: offset, shard: uint16(s)})
		t.counts[s].Pending++
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(t.index, func(a, b key) int { return cmp.Compare(a.hash, b.hash) })
	if t.items, err = os.Open(p.ItemsPath()); err != nil {
		return nil, err
	}
	if err := t.Refresh(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close closes the files that the table reads from.
func (t *Table) Close() error {
	err := t.items.Close()
	for _, s := range t.journals {
		if s.file != nil {
			err = errors.Join(err, s.file.Close())
		}
	}
	return err
}

func (t *Table) hash(text string) uint64 { return maphash.String(t.seed, text) }

// Refresh reads what was appended to the journals, by this process or by others.
func (t *Table) Refresh() error {
	found, err := os.ReadDir(t.plan.JournalDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range found {
		if strings.HasSuffix(d.Name(), journal.Ext) {
			if err := t.read(filepath.Join(t.plan.JournalDir(), d.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads what was appended to a journal.
func (t *Table) read(path string) error {
	file := t.source(path)
	s := t.journals[file]
	if s.isOwn {
		return nil
	}
	next, err := journal.Read(path, t.plan.Batch, s.next, func(offset int64, r journal.Record) error {
		t.apply(r, place{file, offset})
		return nil
	})
	s.next = next
	return err
}

// Own declares that this process writes the journal of a shard: from now on its records come by Apply.
func (t *Table) Own(index int) { t.journals[t.source(t.journalOf(index))].isOwn = true }

// Apply changes the state of an item by a record that was written to the journal of a shard at an offset.
func (t *Table) Apply(r journal.Record, index int, offset int64) {
	t.apply(r, place{t.source(t.journalOf(index)), offset})
}

// journalOf returns the path of the journal of a shard.
func (t *Table) journalOf(index int) string {
	return t.plan.JournalPath(shard.Shard{Index: index, Count: t.plan.Shards})
}

func (t *Table) source(path string) uint16 {
	file, isKnown := t.byPath[path]
	if !isKnown {
		file = uint16(len(t.journals))
		t.byPath[path] = file
		t.journals = append(t.journals, &source{path: path})
	}
	return file
}

// apply changes the state of an item by a record.
func (t *Table) apply(r journal.Record, at place) {
	if r.Run != "" {
		t.known[t.hash(r.Run)] = struct{}{}
	}
	k, isItem := slices.BinarySearchFunc(t.index, t.hash(r.ID), func(k key, hash uint64) int { return cmp.Compare(k.hash, hash) })
	if !isItem { // of an item that the plan no longer has
		return
	}
	i := t.index[k].item
	e := &t.entries[i]
	if r.Type == journal.Saved {
		t.saved[i] = at
		return
	}
	counts := &t.counts[e.shard]
	if r.Type == journal.Ended && r.Credits != nil { // each attempt is paid for
		counts.Credits += *r.Credits
	}
	attempt, rank := uint32(r.Attempt), uint8(r.Type.Rank())
	if rank == 0 || attempt < e.attempt || attempt == e.attempt && rank <= e.rank {
		return
	}
	t.follow(i, r, attempt > e.attempt)
	counts.add(e.status, -1)
	e.attempt, e.rank, e.status, e.file, e.last = attempt, rank, statusAfter(r), at.file, at.offset
	counts.add(e.status, 1)
}

// follow keeps what is needed of starts without outcome and of runs that have not ended.
func (t *Table) follow(i int32, r journal.Record, isNewAttempt bool) {
	sent := t.open[i].At
	switch r.Type {
	case journal.Intent:
		t.open[i] = Lost{Attempt: r.Attempt, Key: r.Key, At: r.At}
	case journal.Unknown:
		o := t.open[i]
		if isNewAttempt {
			o = Lost{At: r.At}
		}
		o.Attempt, o.Until, o.Reason = r.Attempt, r.At, r.Reason
		t.open[i] = o
	default:
		if o, isOpen := t.open[i]; isOpen && r.Type == journal.Held {
			t.doubts = append(t.doubts, o)
		}
		delete(t.open, i)
	}
	if delete(t.runs, i); r.Type != journal.Started {
		return
	}
	if r.Adopted || isNewAttempt {
		sent = time.Time{}
	}
	t.runs[i] = Run{ID: r.Run, Attempt: r.Attempt, At: r.At, Sent: sent}
}

// Len returns the number of items.
func (t *Table) Len() int { return len(t.entries) }

// Status returns the state of an item. Items are numbered from 0, in the order of the items file.
func (t *Table) Status(i int) Status { return t.entries[i].status }

// Attempt returns the number of the newest attempt to start an item; 0 if there was none.
func (t *Table) Attempt(i int) int { return int(t.entries[i].attempt) }

// Shard returns the index of the shard of an item.
func (t *Table) Shard(i int) int { return int(t.entries[i].shard) }

// Counts returns the numbers of items by state.
func (t *Table) Counts() Counts {
	var sum Counts
	for s := range t.counts {
		sum = sum.Plus(t.counts[s])
	}
	return sum
}

// CountsOf returns the numbers of items of a shard by state.
func (t *Table) CountsOf(index int) Counts { return t.counts[index] }

// Item reads an item from the items file.
func (t *Table) Item(i int) (plan.Item, error) { return t.plan.ItemAt(t.items, t.entries[i].item) }

// Last reads the record that decides the state of an item; the zero Record if there is none.
func (t *Table) Last(i int) (journal.Record, error) {
	e := t.entries[i]
	if e.rank == 0 {
		return journal.Record{}, nil
	}
	return t.recordAt(place{e.file, e.last})
}

// Files reads which outputs of an item were saved.
func (t *Table) Files(i int) ([]journal.File, error) {
	at, isSaved := t.saved[int32(i)]
	if !isSaved {
		return nil, nil
	}
	r, err := t.recordAt(at)
	return r.Files, err
}

// IsSaved reports whether the outputs of an item were saved.
func (t *Table) IsSaved(i int) bool {
	_, isSaved := t.saved[int32(i)]
	return isSaved
}

func (t *Table) recordAt(at place) (journal.Record, error) {
	s := t.journals[at.file]
	if s.file == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return journal.Record{}, err
		}
		s.file = f
	}
	r, err := journal.At(s.file, at.offset)
	if err != nil {
		err = fmt.Errorf("%s: the record at %d is missing: %w", s.path, at.offset, err)
	}
	return r, err
}

// Unresolved returns the starts without outcome, by item.
func (t *Table) Unresolved() map[int32]Lost { return t.open }

// Doubts returns the starts of items that are or were held. A run that no journal names may be theirs.
func (t *Table) Doubts() []Lost { return t.doubts }

// Runs returns the runs that have not ended, by item.
func (t *Table) Runs() map[int32]Run { return t.runs }

// IsOurs reports whether a journal names a run.
func (t *Table) IsOurs(run string) bool {
	_, isOurs := t.known[t.hash(run)]
	return isOurs
}

// HasJournals reports whether the folder has a journal of each shard of the plan. If not, another folder may have it.
func (t *Table) HasJournals() bool {
	for s := range t.plan.Shards {
		if _, isThere := t.byPath[t.journalOf(s)]; !isThere {
			return false
		}
	}
	return true
}
