// Package engine carries out a batch: it starts a run for each item, follows the runs, and records the outcomes in the journals.
// It never sends a second start for an item while the outcome of the first one is unknown.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/ledger"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/retry"
)

// Options configure an engine. Plan, Shards, Service and Pacer are required.
type Options struct {
	Plan    *plan.Plan
	Shards  []int // the indexes of the shards to carry out
	Service Service
	Pacer   *pace.Pacer
	Clock   *Clock // of the service; nil: that of this machine
	// Concurrency is the number of starts that are sent at once; 0 means 16.
	Concurrency int
	// MaxCredits limits the credits of all shards of the folder; below 0: no limit.
	MaxCredits float64
	// Credits is the price of an item; 0 if it is unknown or free.
	Credits float64
	// MaxFailures is the number of failed items of these shards at which no more items are started; 0: no limit.
	MaxFailures int
	// TimeLimit stops the engine after this time; 0: never.
	TimeLimit time.Duration
	// RunTimeout cancels a run that has not ended after this time; 0: never.
	RunTimeout time.Duration
	// IsIdempotent means that the service starts nothing when it gets a key again, and answers with the first run.
	IsIdempotent bool
	// HasOutputs means that the runs of the app have outputs, which Get returns.
	HasOutputs bool
	// Save writes the outputs of a run to this disk; nil: they are not saved.
	Save func(ctx context.Context, item plan.Item, run Run) ([]journal.File, error)
	// Patience is for how long the engine goes on while every start fails, or a request of another kind; 0 means five minutes.
	Patience time.Duration
	// Grace is how long requests that were sent may take when the engine stops early; 0 means three seconds.
	Grace time.Duration
	// LastAnswers is Grace at the time limit, for a service whose starts answer when the run has ended; 0 means Grace.
	LastAnswers time.Duration
	// Interval is the time between two polls of the runs that have not ended; 0 means a quarter of a second, and up to ten seconds while
	// none ends.
	Interval time.Duration
	// FollowFor is the time for which a run is polled; 0 means until it ends. The engine does not wait for a run that takes longer.
	FollowFor time.Duration
	// StartsOnly means that no run is followed: the engine ends when every item was started.
	StartsOnly bool
	// Settle is how long after a lost response the list of runs must show the run, if there is one; 0 means five seconds.
	Settle time.Duration
}

// A Failure is an item that did not complete.
type Failure struct {
	ID, Run, Error string
}

// A Result is the outcome of Engine.Run.
type Result struct {
	Reason   Reason
	Err      error        // of Failed
	Counts   state.Counts // of the shards that it carried out
	NotSaved error        // the first error of Save; Unsaved counts all
	Unsaved  int          // items whose outputs could not be saved
}

// maxShown is how many failures a Snapshot names.
const maxShown = 5

// An Engine carries out shards of a batch.
type Engine struct {
	Options
	lister  Lister // nil if the service has no list of runs
	table   *state.Table
	writers map[int]*journal.Writer
	credits *ledger.Ledger
	began   time.Time

	doneBefore int    // items that were done before
	isOurs     []bool // by shard

	mu         sync.Mutex // guards what follows, and table
	changed    chan struct{}
	cursor     int     // items before it were looked at
	again      []int32 // items before the cursor whose start was not sent
	retries    []int32 // items before the cursor whose start failed
	trials     map[int32]trial
	inFlight   map[int32]bool      // a start is being sent
	repeats    map[int32]int       // how often the response to a repetition of a lost start was lost, too
	finishing  map[int32]bool      // the outcome of its run is being recorded
	since      map[int32]time.Time // when its run was first followed, if FollowFor limits that
	room       int                 // how many runs the service took when it was full
	fullUntil  time.Time           // it is expected to take no more before
	breaker    breaker             // of starts
	successes  int                 // starts that the service answered
	failures   []Failure
	unsaved    int
	notSaved   error
	reason     Reason // why nothing is started any more
	err        error
	isStopping bool   // what was started is not followed any more, either
	notice     string // why nothing is started now
	trouble    string // what is wrong with all other requests
	skew       skew

	nextLook time.Time // when lost starts are looked for again; of the goroutine of follow

	halt context.CancelFunc // stops the work
	ends chan finished      // runs that ended
}

// New opens the journals of the shards for writing and reads all of the folder. Errors: those of journal.Create, state.Open and
// ledger.Open.
func New(o Options) (*Engine, error) {
	o.Concurrency = cmp.Or(o.Concurrency, 16)
	o.Patience = cmp.Or(o.Patience, 5*time.Minute)
	o.Grace = cmp.Or(o.Grace, 3*time.Second)
	o.Settle = cmp.Or(o.Settle, 5*time.Second)
	if o.Clock == nil {
		o.Clock = &Clock{}
	}
	e := &Engine{
		Options: o, writers: map[int]*journal.Writer{}, began: time.Now(), changed: make(chan struct{}),
		isOurs: make([]bool, o.Plan.Shards), inFlight: map[int32]bool{}, repeats: map[int32]int{}, trials: map[int32]trial{},
		finishing: map[int32]bool{}, ends: make(chan finished, 256),
		breaker: breaker{patience: retry.Budget{Limit: o.Patience}},
		since:   map[int32]time.Time{},
	}
	e.lister, _ = o.Service.(Lister)
	if err := e.open(); err != nil {
		_ = e.Close() // nothing was written
		return nil, err
	}
	return e, nil
}

func (e *Engine) open() (err error) {
	if err := os.MkdirAll(e.Plan.JournalDir(), 0o700); err != nil {
		return err
	}
	for _, s := range e.Shards {
		w, err := journal.Create(e.Plan.JournalPath(e.shard(s)), e.Plan.JournalLockPath(e.shard(s)), e.Plan.Batch)
		if err != nil {
			return err
		}
		e.writers[s] = w
		e.isOurs[s] = true
	}
	if e.table, err = state.Open(e.Plan); err != nil {
		return err
	}
	for _, s := range e.Shards {
		e.table.Own(s)
	}
	e.doneBefore = e.counts().Done()
	return e.openLedger()
}

// openLedger reserves what this process has to count: what its shards have spent, and what their unfinished runs cost.
func (e *Engine) openLedger() (err error) {
	if e.credits, err = ledger.Open(e.Plan.CreditsPath(), e.Plan.CreditsLockPath(), e.MaxCredits); err != nil {
		return err
	}
	for _, s := range e.Shards {
		c := e.table.CountsOf(s)
		if err = e.credits.Restore(e.shard(s).FileName(), c.Credits, float64(c.Starting+c.Running+c.Held)*e.Credits); err != nil {
			e.credits = nil // its file cannot be written, nor waited for
			return err
		}
	}
	return nil
}

// shard returns the shard with an index.
func (e *Engine) shard(index int) shard.Shard { return shard.Shard{Index: index, Count: e.Plan.Shards} }

// Release closes the journals, so that other processes may write them, and returns the state of the batch, which Close closes.
func (e *Engine) Release() (t *state.Table, err error) {
	for _, w := range e.writers {
		err = errors.Join(err, w.Close())
	}
	if e.credits != nil {
		err = errors.Join(err, e.credits.Close())
	}
	e.writers, e.credits = nil, nil
	return e.table, err
}

// Close releases the journals, and closes the state. Closing again does nothing.
func (e *Engine) Close() error {
	t, err := e.Release()
	if t != nil {
		err = errors.Join(err, t.Close())
	}
	e.table = nil
	return err
}

// Run carries out the shards until every item is done or there is a reason to stop. It may be called once.
func (e *Engine) Run(ctx context.Context) Result {
	work, halt := context.WithCancel(ctx)
	defer halt()
	e.halt = halt
	if e.TimeLimit > 0 {
		timer := time.AfterFunc(e.TimeLimit, func() { e.stopNow(TimeLimit, nil) })
		defer timer.Stop()
	}
	defer context.AfterFunc(ctx, func() { e.stopNow(Interrupted, nil) })()
	err := e.checkService(work)
	if err == nil {
		err = e.checkLength(work)
	}
	if err == nil {
		e.carryOut(work)
	} else {
		e.stopNow(Failed, err)
	}
	if ctx.Err() != nil { // the call above may be late
		e.stopNow(Interrupted, nil)
	}
	return e.result()
}

// checkService sends a first request: nothing is started before the credential is known to be valid and the clock of the service is known.
func (e *Engine) checkService(ctx context.Context) error {
	if e.lister == nil {
		return nil // the first start tells
	}
	err := e.call(ctx, pace.Sweep, func(ctx context.Context) error {
		_, err := e.lister.List(ctx, time.Now().Add(-time.Minute), 0)
		return err
	})
	if isUnsupported(err) || ctx.Err() != nil {
		err = nil
	}
	return err
}

// carryOut starts the items, follows their runs and records the outcomes until all items are done, or the context work is done.
func (e *Engine) carryOut(work context.Context) {
	if err := e.resume(); err != nil {
		e.stopNow(Failed, err)
		return
	}
	requests, abort := e.requestContext(work)
	defer abort()
	var starters, finishers sync.WaitGroup
	for range e.Concurrency {
		starters.Go(func() { e.startItems(work, requests) })
	}
	for range finisherCount {
		finishers.Go(func() { e.finishRuns(work) })
	}
	e.saveEarlier(work)
	e.follow(work)
	starters.Wait()
	close(e.ends)
	finishers.Wait()
}

// requestContext returns the context of starts. It outlives work by the grace: the outcome of a start that was sent is worth waiting for.
func (e *Engine) requestContext(work context.Context) (context.Context, context.CancelFunc) {
	requests, abort := context.WithCancel(context.WithoutCancel(work))
	stop := context.AfterFunc(work, func() {
		timer := time.NewTimer(e.grace())
		defer timer.Stop()
		select {
		case <-timer.C:
			abort()
		case <-requests.Done():
		}
	})
	return requests, func() { stop(); abort() }
}

// grace returns how long requests that were sent may still take.
func (e *Engine) grace() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason == TimeLimit {
		return cmp.Or(e.LastAnswers, e.Grace)
	}
	return e.Grace
}

// resume records that the starts without outcome of earlier processes were sent before now. Other shards wait for that, because such a
// start may own a run that they look for.
func (e *Engine) resume() error {
	var lost []int32
	e.mu.Lock()
	for i, o := range e.table.Unresolved() {
		if e.isOurs[e.table.Shard(int(i))] && o.Until.IsZero() {
			lost = append(lost, i)
		}
	}
	e.mu.Unlock()
	for _, i := range lost {
		item, err := e.table.Item(int(i))
		if err != nil {
			return err
		}
		r := journal.Record{Type: journal.Unknown, ID: item.ID, Attempt: e.table.Attempt(int(i)), Reason: "the process stopped before the response"}
		if err := e.record(i, r, false); err != nil {
			return err
		}
	}
	return nil
}

// record writes a record of an item to the journal and applies it. Its time is that of the service.
func (e *Engine) record(i int32, r journal.Record, sync bool) error {
	shard := e.table.Shard(int(i))
	if r.At.IsZero() {
		r.At = e.Clock.Now().Truncate(time.Millisecond)
	}
	offset, err := e.writers[shard].Append(r, sync)
	if err != nil {
		err = fmt.Errorf("could not write the journal: %w", err)
		e.stopNow(Failed, err)
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.table.Apply(r, shard, offset)
	e.notify()
	return nil
}

// notify wakes everyone who waits for a change. The caller holds the mutex.
func (e *Engine) notify() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// stop starts no more items. The first reason counts.
func (e *Engine) stop(reason Reason, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason == "" {
		e.reason, e.err = reason, err
	}
	e.notify()
}

// stopNow starts no more items, and stops following their runs.
func (e *Engine) stopNow(reason Reason, err error) {
	e.mu.Lock()
	if !e.isStopping {
		e.isStopping, e.reason, e.err = true, reason, err
	}
	e.notify()
	e.mu.Unlock()
	e.halt()
}

func (e *Engine) result() Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := Result{Reason: cmp.Or(e.reason, Done), Err: e.err, Counts: e.counts(), NotSaved: e.notSaved, Unsaved: e.unsaved}
	if r.Counts.IsOver() && r.Reason != Failed && !(e.isStopping && e.hasUnsaved()) {
		r.Reason = Done
	}
	return r
}

// hasUnsaved reports whether outputs of completed items are to be stored. The caller holds the mutex.
func (e *Engine) hasUnsaved() bool {
	if e.Save == nil {
		return false
	}
	for i := range e.table.Len() {
		if e.isOurs[e.table.Shard(i)] && e.table.Status(i) == state.Completed && !e.table.IsSaved(i) {
			return true
		}
	}
	return false
}

// counts returns the numbers of items of the shards. The caller holds the mutex.
func (e *Engine) counts() state.Counts {
	var sum state.Counts
	for _, s := range e.Shards {
		sum = sum.Plus(e.table.CountsOf(s))
	}
	return sum
}
