package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
)

// fullPause is how long a full service is left alone, unless a run ends before.
const fullPause = 10 * time.Second

// startItems starts one item after the other until there is none, or nothing may be started any more. Requests outlive work.
func (e *Engine) startItems(work, requests context.Context) {
	for {
		i, ok := e.next(work)
		if !ok {
			return
		}
		if !e.startItem(work, requests, i) {
			e.putBack(i)
		}
	}
}

// next returns an item to start. It waits while a lost start may become one, and while the service is full.
func (e *Engine) next(work context.Context) (int32, bool) {
	for {
		e.mu.Lock()
		i, wait, changed := int32(-1), time.Duration(0), e.changed
		isOver := e.reason != "" || work.Err() != nil || e.tooManyFailures()
		if !isOver {
			if wait = max(e.untilRoom(), e.breaker.wait()); wait <= 0 {
				i, wait = e.pick()
			}
			isOver = i < 0 && wait <= 0 && !e.mayReturn()
		}
		if i >= 0 {
			e.inFlight[i] = true
			e.breaker.delayNext()
		}
		e.mu.Unlock()
		if i >= 0 || isOver {
			return i, i >= 0
		}
		e.await(work, changed, wait)
	}
}

// untilRoom returns how long the service is expected to take no more runs. The caller holds the mutex.
func (e *Engine) untilRoom() time.Duration {
	if e.counts().Running+len(e.inFlight) < e.room {
		return 0
	}
	return time.Until(e.fullUntil)
}

// await waits for a change, for the end of work, or, if d is above 0, at most for d.
func (e *Engine) await(work context.Context, changed <-chan struct{}, d time.Duration) {
	var timeout <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-changed:
	case <-timeout:
	case <-work.Done():
	}
}

// retryPause is how long an item waits until it is asked again whether its start may be repeated.
const retryPause = time.Second

// pick takes the next item that can be started; -1 if there is none now, or none for a while. Starts that failed are repeated as far as
// the budget of the pacer allows. While all fail it does not count: then few are sent. The caller holds the mutex.
func (e *Engine) pick() (i int32, wait time.Duration) {
	if i, ok := pop(&e.again); ok {
		return i, 0
	}
	if len(e.retries) > 0 && (e.breaker.isOpen() || e.Pacer.MayRetry()) {
		i, _ := pop(&e.retries)
		return i, 0
	}
	for ; e.cursor < e.table.Len(); e.cursor++ {
		if e.isOurs[e.table.Shard(e.cursor)] && e.table.Status(e.cursor) == state.Pending {
			e.cursor++
			return int32(e.cursor - 1), 0
		}
	}
	if len(e.retries) > 0 {
		return -1, retryPause
	}
	return -1, 0
}

// pop takes the first value of a list.
func pop(list *[]int32) (i int32, ok bool) {
	if len(*list) == 0 {
		return -1, false
	}
	i, *list = (*list)[0], (*list)[1:]
	return i, true
}

// mayReturn reports whether an item may have to be started again: its start is being sent, or was lost. The caller holds the mutex.
func (e *Engine) mayReturn() bool {
	if len(e.inFlight) > 0 {
		return true
	}
	for i := range e.table.Unresolved() {
		if e.isOurs[e.table.Shard(int(i))] {
			return true
		}
	}
	return false
}

// tooManyFailures ends the starting of items if too many failed, in this process or before. The caller holds the mutex.
func (e *Engine) tooManyFailures() bool {
	if e.MaxFailures == 0 || e.counts().Failed < e.MaxFailures {
		return false
	}
	if e.reason == "" {
		e.reason = Failures
		e.notify()
	}
	return true
}

// putBack makes an item startable again whose start was not sent, or failed.
func (e *Engine) putBack(i int32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.inFlight, i)
	if s := e.table.Status(int(i)); s == state.Pending || s == state.Starting && e.IsIdempotent && e.repeats[i] < maxRepeats {
		if e.trials[i].failures > 0 {
			e.retries = append(e.retries, i)
		} else {
			e.again = append(e.again, i)
		}
	}
	e.notify()
}

// landed ends the sending of a start.
func (e *Engine) landed(i int32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.inFlight, i)
	e.notify()
}

// A start is an attempt to start an item.
type start struct {
	index       int32
	item        plan.Item
	attempt     int
	key         string
	isRepeat    bool // an earlier start with the same key has no outcome
	sent        time.Time
	lastFailure time.Time // of the breaker, before the start waits for the pace
}

// startItem sends the start of an item. It reports false if the item must be started again.
func (e *Engine) startItem(work, requests context.Context, i int32) bool {
	s, err := e.prepare(i)
	if err != nil {
		e.stopNow(Failed, err)
		return false
	}
	if !s.isRepeat && !e.reserve(work) {
		return false
	}
	if !e.mayStart(work, s) {
		return e.unreserve(s.isRepeat)
	}
	if !s.isRepeat && e.record(i, journal.Record{Type: journal.Intent, ID: s.item.ID, Attempt: s.attempt, Key: s.key}, true) != nil {
		return false
	}
	s.sent = time.Now()
	run, err := e.Service.Start(requests, s.item, s.key)
	switch {
	case err == nil:
		return e.started(work, s, run)
	case s.isRepeat:
		return e.notRepeated(s, err)
	}
	return e.notStarted(s, err)
}

// prepare returns the next start of an item. It has the key of an earlier one without outcome.
func (e *Engine) prepare(i int32) (start, error) {
	item, err := e.table.Item(int(i))
	e.mu.Lock()
	defer e.mu.Unlock()
	s := start{index: i, item: item, attempt: e.table.Attempt(int(i)) + 1, lastFailure: e.breaker.lastFailure}
	if lost, isLost := e.table.Unresolved()[i]; isLost {
		s.isRepeat, s.attempt, s.key = true, lost.Attempt, lost.Key
	}
	if s.key == "" {
		s.key = fmt.Sprintf("%s/%s/%d", e.Plan.Batch, item.ID, s.attempt)
	}
	return s, err
}

// mayStart waits for the pace of starts. It reports false if none may be sent: work has ended, or others failed meanwhile.
func (e *Engine) mayStart(work context.Context, s start) bool {
	if e.Pacer.Wait(work, pace.Start) != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.breaker.isOpen() && !e.breaker.lastFailure.Equal(s.lastFailure) {
		e.Pacer.Unsent()
		return false
	}
	return true
}

// started stores the run of a start.
func (e *Engine) started(work context.Context, s start, run Run) bool {
	e.answered()
	e.keepStart(work, s, run)
	e.landed(s.index)
	return true
}

// answered notes that the service answered a start.
func (e *Engine) answered() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.breaker.succeed()
	e.successes++
	e.notice = ""
}

// notRepeated follows the failure of the repetition of a lost start. Whatever it says, the first start may have had an effect, so that
// its outcome stays unknown. It reports false: the item must be started again.
func (e *Engine) notRepeated(s start, err error) bool {
	v := e.Service.Judge(err)
	switch v.Meaning {
	case Fatal, Missing:
		e.stopNow(Failed, err)
	case Refused: // the list of runs will tell
		e.mu.Lock()
		e.repeats[s.index] = maxRepeats
		e.mu.Unlock()
	default:
		e.failed(s, v, err)
	}
	return false
}

// notStarted stores that a start failed. It reports false if the item must be started again.
func (e *Engine) notStarted(s start, err error) bool {
	v := e.Service.Judge(err)
	r := journal.Record{ID: s.item.ID, Attempt: s.attempt}
	switch v.Meaning {
	case Lost:
		r.Type, r.Reason = journal.Unknown, err.Error()
	case Refused:
		r.Type, r.Final, r.Code, r.Error = journal.Refused, true, v.Code, v.Message
	default:
		r.Type, r.Error = journal.Refused, err.Error()
	}
	_ = e.record(s.index, r, false) // record stops the engine
	if v.Meaning != Lost {
		_ = e.unreserve(false)
	}
	switch v.Meaning {
	case Refused:
		e.answered()
		e.noteFailure(Failure{ID: r.ID, Error: v.Message})
		e.landed(s.index)
		return true
	case Fatal, Missing:
		e.stopNow(Failed, err)
	default:
		e.failed(s, v, err)
	}
	if v.Meaning == Lost && !e.IsIdempotent {
		e.landed(s.index)
		return true // the list of runs will tell
	}
	return false
}

// failed notes that the service did not carry out a start, or that its response was lost.
func (e *Engine) failed(s start, v Verdict, err error) {
	e.mu.Lock()
	if running := e.counts().Running; v.IsFull && running > 0 { // that is no fault: it is asked again when a run has ended
		e.breaker.succeed()
		e.room, e.fullUntil = running, time.Now().Add(max(v.After, fullPause))
		e.notice = fmt.Sprintf("the service takes no more runs while %d have not ended", running)
		e.mu.Unlock()
		return
	}
	e.notice = failing(err)
	if s.isRepeat && v.Meaning == Lost {
		e.repeats[s.index]++
	}
	e.try(s.index, v.Meaning)
	isSpent := e.breaker.fail(s.sent, v.After)
	e.mu.Unlock()
	if isSpent || v.After > e.Patience {
		e.stopNow(Failed, &spentError{err})
	}
}

// maxTrials is how often the start of an item may fail while those of others succeed, until the item counts as failed.
const maxTrials = 5

// A trial tells how the starts of an item failed.
type trial struct {
	failures  int
	lost      int // responses that were lost, each after another start succeeded
	successes int // of all items before the last of them
}

// try counts a failure of the start of an item. The caller holds the mutex.
func (e *Engine) try(i int32, m Meaning) {
	t := e.trials[i]
	t.failures++
	if m == Lost && (t.lost == 0 || e.successes > t.successes) {
		t.lost++
		t.successes = e.successes
	}
	e.trials[i] = t
}

// reserve reserves the credits of an item. It reports false if the limit would be exceeded.
func (e *Engine) reserve(work context.Context) bool {
	ok, err := e.credits.Reserve(work, e.Credits)
	switch {
	case err != nil && work.Err() == nil:
		e.stopNow(Failed, err)
	case err == nil && !ok:
		e.stop(Budget, nil)
	}
	return ok && err == nil
}

// unreserve gives back the credits of an item that was not started. It returns false.
func (e *Engine) unreserve(isRepeat bool) bool {
	if !isRepeat {
		if err := e.credits.Settle(e.Credits, 0); err != nil {
			e.stopNow(Failed, err)
		}
	}
	return false
}

// noteFailure keeps a failure to show.
func (e *Engine) noteFailure(f Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.failures) < maxShown {
		e.failures = append(e.failures, f)
	}
}

// isUnsupported reports whether the service lacks a method.
func isUnsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
