package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/batch/state"
)

// A Snapshot is what can be shown of an engine at work.
type Snapshot struct {
	Counts     state.Counts
	MaxCredits float64 // below 0: no limit
	PerMinute  float64 // the pace of requests; 0 if the service has named none
	Elapsed    time.Duration
	Notice     string // why nothing is started now; empty if nothing is wrong
	EndedHere  int    // items that ended while this engine was at work
	Failures   []Failure
}

// Snapshot returns the present state. It may be called while Run is.
func (e *Engine) Snapshot() Snapshot {
	perMinute, isKnown := e.Pacer.Rate()
	if !isKnown {
		perMinute = 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return Snapshot{
		Counts: e.counts(), MaxCredits: e.MaxCredits, PerMinute: perMinute, Elapsed: time.Since(e.began), Notice: cmp.Or(e.notice, e.trouble),
		Failures: slices.Clone(e.failures), EndedHere: e.counts().Done() - e.doneBefore,
	}
}
