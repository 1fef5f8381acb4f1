// Package ledger reserves credits for the runs of a batch, so that processes which share its folder together spend no more than a limit.
//
// The file credits.json has a record for each owner, which is a shard: what it spent, and what it reserved. A process changes it under
// the lock of credits.lock. The journals of the batch are authoritative: a starting process calls Restore with their sums, which
// replaces the records of an interrupted process.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

const (
	// epsilon is how far two amounts may differ that are equal. Credits have fractions, and sums of them are rounded.
	epsilon = 1e-9
	// chunk is for how many items at once credits are reserved, far from the limit.
	chunk = 64
	// group is how many items with a known cost may be missing in the file. They do not change its sum.
	group = 64
	// lockWait is how long to wait for the lock. Others need it for milliseconds; only a suspended process keeps it longer.
	lockWait = 30 * time.Second
	// closeWait is lockWait for a process that ends, perhaps because of a signal.
	closeWait = 2 * time.Second
)

// ErrNotRestored means that a Ledger does not know yet for which owner it reserves.
var ErrNotRestored = errors.New("credits cannot be reserved before the record of the shard is restored")

// An AmountError means that a number is no amount of credits: it is negative, infinite or not a number.
type AmountError struct{ Amount float64 }

// Error describes the problem.
func (e *AmountError) Error() string { return fmt.Sprintf("%v is not an amount of credits", e.Amount) }

// A Ledger reserves credits for one process. It is safe for several goroutines.
type Ledger struct {
	file  file
	limit float64 // below 0: no limit, and no file

	mu      sync.Mutex
	own     map[string]record // of this process; those in the file may be older
	owner   string            // the last one that was restored: it gets what is reserved from now on
	spare   float64           // reserved in the file, but for no item
	settled int               // items since the file was written
}

// Open opens the ledger of a batch: the file at path, whose lock file is lock. A limit below 0 means that there is none: then no file is
// read or written. Errors: *DamagedError, *AmountError, and those of package disk.
func Open(path, lock string, limit float64) (*Ledger, error) {
	if math.IsNaN(limit) || math.IsInf(limit, 0) {
		return nil, &AmountError{limit}
	}
	l := &Ledger{file: file{path: path, lock: lock}, limit: limit, own: map[string]record{}}
	if limit < 0 {
		return l, nil
	}
	_, err := l.file.read()
	return l, err
}

// Restore replaces the record of an owner by the sums of the journals: the credits of its runs that ended, and those reserved for runs that
// have not. A process calls it for each shard that it runs, before it reserves, and holds the lock of that shard. What a process spends
// for several shards with one Ledger is in the record of the last one.
func (l *Ledger) Restore(owner string, spent, open float64) error {
	if err := check(spent, open); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner != "" {
		l.giveBack()
	}
	l.owner = owner
	l.own[owner] = record{Spent: spent, Reserved: open}
	return l.flush(lockWait)
}

// Reserve reserves credits for an item. It is not ok if the limit does not allow them; then nothing is reserved.
func (l *Ledger) Reserve(ctx context.Context, credits float64) (ok bool, err error) {
	if err := check(credits); err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.owner == "":
		return false, ErrNotRestored
	case l.limit < 0:
		l.add(0, credits)
		return true, nil
	case credits <= l.spare+epsilon:
		l.spare = max(0, l.spare-credits)
		return true, nil
	}
	err = l.file.locked(ctx, func() error {
		records, err := l.file.read()
		if err != nil {
			return err
		}
		l.merge(records)
		more, free := credits-l.spare, l.limit-total(records)
		if more > free+epsilon {
			return nil
		}
		if far := chunk * credits * float64(1+len(records)); free > far {
			more = chunk * credits
		}
		before, settled := l.own[l.owner], l.settled
		l.add(0, more)
		if err := l.save(records); err != nil {
			l.own[l.owner], l.settled = before, settled
			return err
		}
		l.spare, ok = max(0, l.spare+more-credits), true
		return nil
	})
	return ok, err
}

// Settle replaces the reservation of an item by its real cost. The reserved credits are those that Reserve, or Restore, was
// called with.
func (l *Ledger) Settle(reserved, actual float64) error {
	if err := check(reserved, actual); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == "" {
		return ErrNotRestored
	}
	l.add(actual, 0)
	if l.limit < 0 {
		l.release(reserved)
		return nil
	}
	// What was too much stays reserved, for the next items. What was too little comes from there.
	rest := l.spare + reserved - actual
	l.release(min(actual, reserved+l.spare))
	l.spare = max(0, rest)
	if l.settled++; l.settled >= group || rest < -epsilon {
		return l.flush(lockWait)
	}
	return nil
}

// Sums returns the cost of the runs of this process, and the credits reserved for those that have not ended.
func (l *Ledger) Sums() (spent, reserved float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.own {
		spent, reserved = spent+r.Spent, reserved+r.Reserved
	}
	return spent, max(0, reserved-l.spare)
}

// Close returns what this process reserved for no item. What is reserved for items stays so until Restore is called for their owner.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner != "" {
		l.giveBack()
	}
	return l.flush(closeWait)
}

// add adds to the record of the current owner.
func (l *Ledger) add(spent, reserved float64) {
	r := l.own[l.owner]
	l.own[l.owner] = record{Spent: r.Spent + spent, Reserved: r.Reserved + reserved}
}

// release ends a reservation. The item may belong to another owner that this process restored.
func (l *Ledger) release(credits float64) {
	credits -= l.releaseFrom(l.owner, credits)
	for owner := range l.own {
		credits -= l.releaseFrom(owner, credits)
	}
}

// releaseFrom ends a reservation in the record of an owner as far as it has one, and returns how much that was.
func (l *Ledger) releaseFrom(owner string, credits float64) float64 {
	r := l.own[owner]
	credits = min(credits, r.Reserved)
	r.Reserved -= credits
	l.own[owner] = r
	return credits
}

// giveBack ends the reservation for no item.
func (l *Ledger) giveBack() {
	l.release(l.spare)
	l.spare = 0
}

// merge replaces the records of this process in those of the file.
func (l *Ledger) merge(records map[string]record) {
	for owner, r := range l.own {
		records[owner] = r
	}
}

// save writes the records with those of this process. The caller holds the lock of the file.
func (l *Ledger) save(records map[string]record) error {
	l.merge(records)
	err := l.file.write(records)
	if err == nil {
		l.settled = 0
	}
	return err
}

// flush writes the records of this process. Near the limit, other processes need what this one reserved for no item.
// It waits for the lock for at most the given time.
func (l *Ledger) flush(wait time.Duration) error {
	if l.limit < 0 || len(l.own) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return l.file.locked(ctx, func() error {
		records, err := l.file.read()
		if err != nil {
			return err
		}
		l.merge(records)
		if l.limit-total(records) < l.spare*float64(len(records)) {
			l.giveBack()
		}
		return l.save(records)
	})
}

// check refuses numbers that are no amount of credits.
func check(amounts ...float64) error {
	for _, a := range amounts {
		if !(a >= 0) || math.IsInf(a, 0) {
			return &AmountError{a}
		}
	}
	return nil
}
