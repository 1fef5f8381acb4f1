package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/retry"
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
			if wait = e.untilRoom(); wait <= 0 {
				i = e.pick()
			}
			isOver = i < 0 && wait <= 0 && !e.mayReturn()
		}
		if i >= 0 {
			e.inFlight[i] = true
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

// pick takes the next item that can be started; -1 if there is none now. The caller holds the mutex.
func (e *Engine) pick() int32 {
	if n := len(e.again); n > 0 {
		i := e.again[n-1]
		e.again = e.again[:n-1]
		return i
	}
	for ; e.cursor < e.table.Len(); e.cursor++ {
		if e.isOurs[e.table.Shard(e.cursor)] && e.table.Status(e.cursor) == state.Pending {
			e.cursor++
			return int32(e.cursor - 1)
		}
	}
	return -1
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

// putBack makes an item startable again whose start was not sent.
func (e *Engine) putBack(i int32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.inFlight, i)
	if s := e.table.Status(int(i)); s == state.Pending || s == state.Starting && e.IsIdempotent && e.repeats[i] < maxRepeats {
		e.again = append(e.again, i)
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

// startItem sends the start of an item. It reports false if the item must be started again.
func (e *Engine) startItem(work, requests context.Context, i int32) bool {
	item, err := e.table.Item(int(i))
	if err != nil {
		e.stopNow(Failed, err)
		return false
	}
	e.mu.Lock()
	open, isRepeat := e.table.Unresolved()[i]
	if isRepeat {
		e.repeats[i]++
	}
	attempt := e.table.Attempt(int(i)) + 1
	e.mu.Unlock()
	if !isRepeat && !e.reserve(work) {
		return false
	}
	if e.Pacer.Wait(work, pace.Start) != nil {
		return e.unreserve(isRepeat)
	}
	key := open.Key
	if isRepeat {
		attempt = open.Attempt
	}
	if key == "" {
		key = fmt.Sprintf("%s/%s/%d", e.Plan.Batch, item.ID, attempt)
	}
	if !isRepeat && e.record(i, journal.Record{Type: journal.Intent, ID: item.ID, Attempt: attempt, Key: key}, true) != nil {
		return false
	}
	run, err := e.Service.Start(requests, item, key)
	if err == nil {
		e.succeed()
		e.keepStart(work, i, item.ID, attempt, run)
		e.landed(i)
		return true
	}
	if isRepeat {
		return e.notRepeated(work, i, err)
	}
	return e.notStarted(work, i, journal.Record{ID: item.ID, Attempt: attempt}, err)
}

// notRepeated waits after the repetition of a lost start that failed. Whatever the failure says, the first start may have had an effect,
// so that its outcome stays unknown. It reports false if the item must be started again.
func (e *Engine) notRepeated(work context.Context, i int32, err error) bool {
	v := e.Service.Judge(err)
	switch v.Meaning {
	case Fatal, Missing:
		e.stopNow(Failed, err)
	case Refused: // the list of runs will tell
		e.mu.Lock()
		e.repeats[i] = maxRepeats
		e.mu.Unlock()
	default:
		e.delay(work, v, err)
	}
	return false
}

// notStarted stores that a start failed. It reports false if the item must be started again.
func (e *Engine) notStarted(work context.Context, i int32, r journal.Record, err error) bool {
	v := e.Service.Judge(err)
	switch v.Meaning {
	case Lost:
		r.Type, r.Reason = journal.Unknown, err.Error()
	case Refused:
		r.Type, r.Final, r.Code, r.Error = journal.Refused, true, v.Code, v.Message
	default:
		r.Type, r.Error = journal.Refused, err.Error()
	}
	_ = e.record(i, r, false) // record stops the engine
	if v.Meaning != Lost {
		_ = e.unreserve(false)
	}
	switch v.Meaning {
	case Refused:
		e.succeed()
		e.noteFailure(Failure{ID: r.ID, Error: v.Message})
		e.landed(i)
		return true
	case Fatal, Missing:
		e.stopNow(Failed, err)
	default:
		e.delay(work, v, err)
	}
	if v.Meaning == Lost && !e.IsIdempotent {
		e.landed(i)
		return true // the list of runs will tell
	}
	return false
}

// delay waits after a start that the service did not carry out, or whose response was lost.
func (e *Engine) delay(work context.Context, v Verdict, err error) {
	e.mu.Lock()
	failures, isSpent := e.patience.Fail()
	running := e.counts().Running
	isFull := v.IsFull && running > 0
	if isFull { // that is no fault: it is asked again when a run has ended
		e.patience.Succeed()
		e.room, e.fullUntil = running, time.Now().Add(max(v.After, fullPause))
		e.notice = fmt.Sprintf("the service takes no more runs while %d have not ended", running)
	}
	e.mu.Unlock()
	switch {
	case isFull:
	case isSpent, v.After > e.Patience:
		e.stopNow(Failed, &spentError{err})
	default:
		e.pause(work, err, max(v.After, retry.Network().Delay(failures)))
	}
}

// pause waits, and shows why.
func (e *Engine) pause(work context.Context, err error, d time.Duration) {
	e.mu.Lock()
	e.notice = "the service fails: " + err.Error()
	e.mu.Unlock()
	_ = retry.Sleep(work, d)
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
