// Package ledger counts the credits of a batch: what its shards have spent, and what they have reserved for runs that have not ended.
// Shards that share a folder share its limit: each counts in a part of one file, under a lock, and never reserves what would bring the
// sum above the limit.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/disk"
	"github.com/uselamina/lamina/internal/retry"
)

// version is the version of the file's format.
const version = 1

// chunk is the number of items for which credits are reserved at once while that is possible, so that the file is written rarely.
const chunk = 64

// epsilon is what sums of fractions may be wrong by.
const epsilon = 1e-9

// lockPoll is the time between two attempts to take the lock.
const lockPoll = 5 * time.Millisecond

// A DamagedError means that the file cannot have been written by this program.
type DamagedError struct {
	Path   string
	Reason string
}

// Error names the file.
func (e *DamagedError) Error() string { return e.Path + " " + e.Reason }

// An account is what one owner has spent and reserved.
type account struct {
	Spent    float64 `json:"spent"`
	Reserved float64 `json:"reserved"`
}

func (a account) sum() float64 { return a.Spent + a.Reserved }

// A document is the content of the file.
type document struct {
	Version int                `json:"version"`
	Owners  map[string]account `json:"owners"`
}

// A Ledger counts the credits of one process. It is safe for several goroutines.
type Ledger struct {
	path, lock string
	limit      float64

	mu     sync.Mutex
	owner  string
	used   account // spent by this process's shards, and reserved for unfinished runs
	stored float64 // what the file holds for them: at least the sum of used
}

// Open opens the file at path, whose lock file is lock. limit is the largest sum of credits; below 0 there is none, and no file.
func Open(path, lock string, limit float64) (*Ledger, error) {
	l := &Ledger{path: path, lock: lock, limit: limit}
	if limit < 0 {
		return l, nil
	}
	_, err := l.read()
	return l, err
}

func (l *Ledger) read() (document, error) {
	d := document{Version: version, Owners: map[string]account{}}
	raw, err := disk.ReadFile(l.path, 1<<20)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, nil
	case err != nil:
		return d, err
	case json.Unmarshal(raw, &d) != nil || d.Owners == nil:
		return d, &DamagedError{l.path, "is damaged"}
	case d.Version != version:
		return d, &DamagedError{l.path, fmt.Sprintf("has the format %d; this version reads %d", d.Version, version)}
	}
	for owner, a := range d.Owners {
		if !valid(a.Spent) || !valid(a.Reserved) {
			return d, &DamagedError{l.path, fmt.Sprintf("has impossible credits for %q", owner)}
		}
	}
	return d, nil
}

func valid(credits float64) bool {
	return credits >= 0 && !math.IsInf(credits, 1) // false for NaN
}

// update changes the file under its lock, for which it waits until ctx ends.
func (l *Ledger) update(ctx context.Context, change func(d *document) (isChanged bool)) error {
	for {
		unlock, err := disk.Lock(l.lock, false)
		if err == nil {
			defer unlock()
			break
		}
		if !errors.Is(err, disk.ErrLocked) {
			return err
		}
		if err := retry.Sleep(ctx, lockPoll); err != nil {
			return err
		}
	}
	d, err := l.read()
	if err != nil || !change(&d) {
		return err
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return disk.WriteFile(l.path, append(raw, '\n'))
}

// Restore declares what a shard of this process has spent, and what its unfinished runs may cost, as the journals say. It replaces what
// an earlier process left of it. It must be called before Reserve, once for each shard of the process.
func (l *Ledger) Restore(owner string, spent, open float64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == "" { // its part of the file has all that this process adds
		l.owner, l.used = owner, account{Spent: spent, Reserved: open}
		l.stored = l.used.sum()
	}
	if l.limit < 0 {
		return nil
	}
	return l.update(context.Background(), func(d *document) bool {
		d.Owners[owner] = account{Spent: spent, Reserved: open}
		return true
	})
}

// Reserve reserves credits for a run. It reports false if the sum of all owners would exceed the limit.
func (l *Ledger) Reserve(ctx context.Context, credits float64) (ok bool, err error) {
	if !valid(credits) {
		return false, fmt.Errorf("%v credits cannot be reserved", credits)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit >= 0 && l.used.sum()+credits > l.stored+epsilon {
		if err := l.grow(ctx, credits); err != nil || l.used.sum()+credits > l.stored+epsilon {
			return false, err
		}
	}
	l.used.Reserved += credits
	return true, nil
}

// grow reserves credits in the file, and more for the next runs if far fewer are reserved than the limit permits. The caller holds
// the mutex.
func (l *Ledger) grow(ctx context.Context, credits float64) error {
	return l.update(ctx, func(d *document) bool {
		others := 0.0
		for owner, a := range d.Owners {
			if owner != l.owner {
				others += a.sum()
			}
		}
		free := l.limit - others - l.used.sum()
		if credits > free+epsilon {
			return false
		}
		more := credits
		if ahead := credits * chunk; ahead*8 < free { // near the limit, what one process reserves ahead another one lacks
			more = ahead
		}
		l.stored = l.used.sum() + more
		d.Owners[l.owner] = account{Spent: l.used.Spent, Reserved: l.stored - l.used.Spent}
		return true
	})
}

// Settle replaces a reservation by what the run is counted with; 0 if it was not started.
func (l *Ledger) Settle(reserved, actual float64) error {
	if !valid(reserved) || !valid(actual) {
		return fmt.Errorf("%v credits cannot be counted", actual)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used.Reserved = max(0, l.used.Reserved-reserved)
	l.used.Spent += actual
	return nil
}

// Close gives back what was reserved ahead.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit < 0 || l.owner == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return l.update(ctx, func(d *document) bool {
		d.Owners[l.owner] = l.used
		return true
	})
}
