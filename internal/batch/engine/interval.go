package engine

import "time"

// minPoll is the shortest time between two polls of the runs that have not ended.
const minPoll = 10 * time.Millisecond

// pollInterval returns the time until the next poll of the runs. adaptive is the time that applies if no Interval is set.
func (e *Engine) pollInterval(adaptive time.Duration) time.Duration {
	if e.Interval == 0 && e.FollowFor == 0 {
		return adaptive
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	runs := e.ourRuns()
	if len(runs) == 0 { // only lost starts are looked for
		return adaptive
	}
	wait := adaptive
	if e.Interval > 0 {
		wait = e.Interval
	}
	if e.FollowFor > 0 {
		for i := range runs {
			wait = min(wait, e.FollowFor-e.followedFor(i))
		}
	}
	return max(wait, minPoll)
}

// followedFor returns for how long the run of an item has been followed; 0 if that does not matter. The caller holds the mutex.
func (e *Engine) followedFor(i int32) time.Duration {
	if e.FollowFor == 0 {
		return 0
	}
	began, isKnown := e.since[i]
	if !isKnown {
		began = time.Now()
		e.since[i] = began
	}
	return time.Since(began)
}
