package engine

import (
	"context"
	"errors"
	"time"

	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/state"
)

// The time between two sweeps of the list of runs: the shortest, after runs ended, and the longest.
const (
	minSweep = 250 * time.Millisecond
	maxSweep = 10 * time.Second
)

// slack is how much the times of the service and those of the journals may differ: a Date header has whole seconds.
const slack = 2 * time.Second

// maxPages limits a sweep, should the list have no end.
const maxPages = 100_000

// maxAsked is how many runs that the list does not name are asked for one by one in a sweep.
const maxAsked = 50

// follow finds out how runs end, and what became of lost starts, until nothing is left to follow or work ends.
func (e *Engine) follow(work context.Context) {
	interval := minSweep
	for {
		changed, isIdle, isOver := e.toFollow()
		if isOver || work.Err() != nil {
			return
		}
		if isIdle {
			e.await(work, changed, 0)
			continue
		}
		e.await(work, nil, e.pollInterval(interval))
		ended, err := e.sweep(work)
		if err == nil {
			err = e.resolve(work)
		}
		if err != nil && work.Err() == nil {
			e.stopNow(Failed, err)
			return
		}
		if interval = min(interval*3/2, maxSweep); ended > 0 {
			interval = minSweep
		}
	}
}

// toFollow reports whether there is nothing to follow now, or nothing ever.
func (e *Engine) toFollow() (changed <-chan struct{}, isIdle, isOver bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	unresolved := 0
	for i := range e.table.Unresolved() {
		if e.isOurs[e.table.Shard(int(i))] && !e.inFlight[i] {
			unresolved++
		}
	}
	running := len(e.ourRuns())
	isOver = running == 0 && unresolved == 0 && len(e.finishing) == 0 && len(e.inFlight) == 0 &&
		(e.reason != "" || e.counts().Pending == 0)
	return e.changed, running == 0 && (unresolved == 0 || e.IsIdempotent && len(e.again)+len(e.retries) > 0), isOver
}

// ourRuns returns the items of these shards whose runs have not ended, as far as is known. The caller holds the mutex.
func (e *Engine) ourRuns() map[int32]state.Run {
	ours := map[int32]state.Run{}
	if e.StartsOnly {
		return ours
	}
	for i, r := range e.table.Runs() {
		if e.isOurs[e.table.Shard(int(i))] && !e.finishing[i] && e.followedFor(i) <= e.FollowFor {
			ours[i] = r
		}
	}
	return ours
}

// sweep reads the list of runs as far as it names runs that have not ended, and hands on those that have. It returns their number.
func (e *Engine) sweep(work context.Context) (ended int, err error) {
	e.mu.Lock()
	runs := e.ourRuns()
	e.mu.Unlock()
	if len(runs) == 0 {
		return 0, nil
	}
	items := make(map[string]int32, len(runs))
	oldest := e.Clock.Now()
	for i, r := range runs {
		items[r.ID] = i
		if r.At.Before(oldest) {
			oldest = r.At
		}
	}
	_, err = e.eachListed(work, oldest.Add(-slack), func(r Run) bool {
		i, isOurs := items[r.ID]
		if isOurs {
			delete(items, r.ID)
			if r.State != "" {
				ended++
				e.hand(work, i, r)
			}
		}
		return len(items) > 0
	})
	if err != nil && !isUnsupported(err) {
		return ended, err
	}
	more, err := e.ask(work, items, runs)
	return ended + more, err
}

// eachListed calls fn for each run of the list since a time, until fn returns false. It reports whether the list was read to its end.
func (e *Engine) eachListed(work context.Context, since time.Time, fn func(Run) bool) (isWhole bool, err error) {
	if e.lister == nil {
		return false, errors.ErrUnsupported
	}
	offset := 0
	for range maxPages {
		var page Page
		err := e.call(work, pace.Sweep, func(ctx context.Context) (err error) {
			page, err = e.lister.List(ctx, since, offset)
			return err
		})
		if err != nil {
			return false, err
		}
		for _, r := range page.Runs {
			if !fn(r) {
				return false, nil
			}
		}
		if page.IsLast || len(page.Runs) == 0 {
			return true, nil
		}
		if last := page.Runs[len(page.Runs)-1].CreatedAt; !last.IsZero() && last.Before(since) {
			return true, nil
		}
		offset += len(page.Runs)
	}
	return false, nil
}

// ask asks for runs that the list does not name, and for those that take too long.
func (e *Engine) ask(work context.Context, unlisted map[string]int32, runs map[int32]state.Run) (ended int, err error) {
	asked := 0
	for id, i := range unlisted {
		if asked++; asked > maxAsked {
			break
		}
		var run Run
		err := e.call(work, pace.Sweep, func(ctx context.Context) (err error) {
			run, err = e.Service.Get(ctx, id)
			return err
		})
		switch {
		case work.Err() != nil:
			return ended, work.Err()
		case err != nil && e.Service.Judge(err).Meaning == Missing:
			ended++
			e.hand(work, i, Run{ID: id})
		case err == nil && run.State != "":
			ended++
			e.hand(work, i, run)
		case err != nil:
			return ended, err
		}
	}
	for i, r := range runs {
		if e.isLate(r) {
			e.hand(work, i, Run{ID: r.ID})
		}
	}
	return ended, nil
}

// hand gives an item whose run ended, or takes too long, to those who store it.
func (e *Engine) hand(work context.Context, i int32, run Run) {
	e.mu.Lock()
	isNew := !e.finishing[i]
	e.finishing[i] = true
	e.mu.Unlock()
	if !isNew {
		return
	}
	select {
	case e.ends <- finished{i, run}:
	case <-work.Done():
	}
}
