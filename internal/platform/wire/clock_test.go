package wire

import (
	"context"
	"errors"
	"testing"
	"time"
)

// newTestSleeper returns a clock that stands still and a sleeper whose timers end when the test sends to them.
func newTestSleeper(timers chan chan time.Time) (*Clock, *Sleeper) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := NewClock(func() time.Time { return at })
	timing := Timing{Pause: time.Second, After: func(time.Duration) <-chan time.Time {
		timer := make(chan time.Time, 1)
		timers <- timer
		return timer
	}}
	return clock, timing.NewSleeper(clock)
}

func TestAdvanceEndsSleeps(t *testing.T) {
	t.Parallel()
	timers := make(chan chan time.Time, 100)
	clock, sleeper := newTestSleeper(timers)
	slept := make(chan error, 1)
	go func() { slept <- sleeper.Sleep(t.Context(), time.Second) }()
	<-timers
	clock.Advance(10 * time.Minute)
	if err := <-slept; err != nil {
		t.Fatal(err)
	}
	for range 599 { // what is left of the ten minutes
		if err := errors.Join(sleeper.Pause(t.Context()), sleeper.Sleep(t.Context(), time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if len(timers) != 0 {
		t.Fatalf("got %d timers within the ten minutes, want none", len(timers))
	}
	go func() { slept <- sleeper.Sleep(t.Context(), time.Second) }()
	timer := <-timers // the time is used up
	timer <- time.Time{}
	if err := <-slept; err != nil {
		t.Error(err)
	}
}

func TestEarlierAdvanceCountsForNoSleep(t *testing.T) {
	t.Parallel()
	timers := make(chan chan time.Time, 1)
	clock, before := newTestSleeper(timers)
	clock.Advance(time.Hour)
	sleeper := before.timing.NewSleeper(clock)
	ctx, cancel := context.WithCancel(t.Context())
	slept := make(chan error, 1)
	go func() { slept <- sleeper.Sleep(ctx, time.Second) }()
	<-timers
	cancel()
	if err := <-slept; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a sleep until the end of its context", err)
	}
}

func TestAdvanceShortensSleeps(t *testing.T) {
	t.Parallel()
	timers := make(chan chan time.Time, 1)
	clock, sleeper := newTestSleeper(timers)
	slept := make(chan error, 1)
	go func() { slept <- sleeper.Sleep(t.Context(), time.Minute) }()
	<-timers
	clock.Advance(40 * time.Second)
	<-timers // the other 20 seconds
	clock.Advance(20 * time.Second)
	if err := <-slept; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleeper.Pause(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a pause: the time is used up", err)
	}
}
