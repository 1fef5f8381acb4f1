package platform

import (
	"context"
	"sync"
	"time"
)

// timing is how the platform waits; tests make it short.
type timing struct {
	// pause lies between the steps of an app, so that a person sees progress.
	pause time.Duration
	// retries lie between the attempts of a webhook delivery.
	retries []time.Duration
	// after is the timer; nil means time.After.
	after func(time.Duration) <-chan time.Time
}

var realTiming = timing{
	pause:   180 * time.Millisecond,
	retries: []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute},
}

// sleep lets time pass, and fails when ctx ends first.
func (s *Server) sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		select {
		case <-s.timing.after(d):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// A signal tells any number of waiters that something changed. The zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// next returns a channel that is closed at the next notify. Ask for it before looking at the state, or a change in
// between is missed.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
