package retry

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoffDelay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		backoff Backoff
		attempt int
		want    time.Duration
	}{
		{"zero value", Backoff{}, 3, 0},
		{"first", Backoff{Base: time.Second}, 1, time.Second},
		{"attempt below one", Backoff{Base: time.Second}, 0, time.Second},
		{"second", Backoff{Base: time.Second}, 2, 2 * time.Second},
		{"fifth", Backoff{Base: time.Second}, 5, 16 * time.Second},
		{"below the limit", Backoff{Base: time.Second, Max: 5 * time.Second}, 3, 4 * time.Second},
		{"at the limit", Backoff{Base: time.Second, Max: 5 * time.Second}, 4, 5 * time.Second},
		{"base above the limit", Backoff{Base: time.Minute, Max: time.Second}, 1, time.Second},
		{"no overflow", Backoff{Base: time.Second}, 1 << 30, math.MaxInt64},
		{"no overflow by jitter", Backoff{Base: math.MaxInt64, Jitter: 1}, 1, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.backoff.Delay(tt.attempt); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBackoffJitter(t *testing.T) {
	t.Parallel()
	b := Backoff{Base: time.Second, Jitter: 0.5}
	seen := map[time.Duration]bool{}
	for range 100 {
		got := b.Delay(2)
		if got < 2*time.Second || got > 3*time.Second {
			t.Fatalf("got %s, want 2s to 3s", got)
		}
		seen[got] = true
	}
	if len(seen) < 2 {
		t.Errorf("got the same delay 100 times, want random ones")
	}
}

// TestPolicyDo: which failures are repeated, and after which delays.
func TestPolicyDo(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	retryAfter := func(after time.Duration) func(error) (time.Duration, bool) {
		return func(error) (time.Duration, bool) { return after, true }
	}
	tests := []struct {
		name      string
		policy    Policy
		failures  int
		wantErr   error
		wantCalls int
		wantWaits []time.Duration
	}{
		{"success", Policy{Attempts: 3}, 0, nil, 1, nil},
		{"success after failures", Policy{Attempts: 3, Retryable: retryAfter(0)}, 2, nil, 3, []time.Duration{time.Second, 2 * time.Second}},
		{"attempts used up", Policy{Attempts: 2, Retryable: retryAfter(0)}, 9, failed, 2, []time.Duration{time.Second}},
		{"no limit of attempts", Policy{Retryable: retryAfter(0)}, 4, nil, 5, []time.Duration{1e9, 2e9, 4e9, 8e9}},
		{
			"not retryable",
			Policy{Attempts: 3, Retryable: func(error) (time.Duration, bool) { return 0, false }},
			9, failed, 1, nil,
		},
		{"server asks for more", Policy{Attempts: 2, Retryable: retryAfter(7 * time.Second)}, 1, nil, 2, []time.Duration{7 * time.Second}},
		{"server asks for less", Policy{Attempts: 2, Retryable: retryAfter(time.Millisecond)}, 1, nil, 2, []time.Duration{time.Second}},
		{"server asks for the limit", Policy{Attempts: 2, MaxWait: time.Minute, Retryable: retryAfter(time.Minute)}, 1, nil, 2, []time.Duration{time.Minute}},
		{
			"server asks again and again", Policy{Attempts: 2, MaxWait: time.Minute, Retryable: retryAfter(9 * time.Second)}, 9, failed, 6,
			[]time.Duration{9e9, 9e9, 9e9, 9e9, 16e9},
		},
		{
			"server asks for a second each time", Policy{Attempts: 2, MaxWait: time.Minute, Retryable: retryAfter(time.Second)}, 5, nil, 6,
			[]time.Duration{1e9, 2e9, 4e9, 8e9, 16e9},
		},
		{"server asks for the limit twice", Policy{MaxWait: time.Minute, Retryable: retryAfter(time.Minute)}, 9, failed, 2, []time.Duration{time.Minute}},
		{"requested delays count without a limit", Policy{Attempts: 2, Retryable: retryAfter(time.Second)}, 9, failed, 2, []time.Duration{time.Second}},
		{"server asks for too much", Policy{Attempts: 2, MaxWait: time.Minute, Retryable: retryAfter(61 * time.Second)}, 1, failed, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls, begun := 0, time.Now()
				var waits []time.Duration
				tt.policy.Backoff = Backoff{Base: time.Second}
				tt.policy.OnRetry = func(err error, after time.Duration) {
					if !errors.Is(err, failed) {
						t.Errorf("OnRetry got %v, want %v", err, failed)
					}
					waits = append(waits, after)
				}
				err := tt.policy.Do(t.Context(), func() error {
					calls++
					if calls <= tt.failures {
						return failed
					}
					return nil
				})
				if !errors.Is(err, tt.wantErr) || calls != tt.wantCalls {
					t.Errorf("got %v after %d calls, want %v after %d", err, calls, tt.wantErr, tt.wantCalls)
				}
				if !slices.Equal(waits, tt.wantWaits) {
					t.Errorf("got waits %v, want %v", waits, tt.wantWaits)
				}
				var total time.Duration
				for _, wait := range tt.wantWaits {
					total += wait
				}
				if got := time.Since(begun); got != total {
					t.Errorf("got %s in all, want %s", got, total)
				}
			})
		})
	}
}

// TestPolicyAdvanced: progress restores the attempts and the backoff.
func TestPolicyAdvanced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var waits []time.Duration
		failed := errors.New("failed")
		p := Policy{
			Backoff: Backoff{Base: time.Second}, Attempts: 3,
			Retryable: func(error) (time.Duration, bool) { return 0, true },
			Advanced:  func() bool { return calls == 3 },
			OnRetry:   func(_ error, after time.Duration) { waits = append(waits, after) },
		}
		err := p.Do(t.Context(), func() error { calls++; return failed })
		if want := []time.Duration{1e9, 2e9, 1e9, 2e9}; !errors.Is(err, failed) || !slices.Equal(waits, want) {
			t.Errorf("got %v after the waits %v, want %v after %v", err, waits, failed, want)
		}
	})
}

func TestPassing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504, 507, 520} {
		if !Passing(status) {
			t.Errorf("%d: got a lasting fault, want a passing one", status)
		}
	}
	for _, status := range []int{200, 206, 304, 400, 401, 402, 403, 404, 409, 410, 413, 416, 422, 451} {
		if Passing(status) {
			t.Errorf("%d: got a passing fault, want a lasting one", status)
		}
	}
}

// TestPolicyDoContext: the end of the context ends the attempts, and the operation's error is returned.
func TestPolicyDoContext(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	tests := []struct {
		name      string
		callTime  time.Duration
		wantCalls int
	}{
		{"during a wait", 0, 1},
		{"during a call", time.Minute, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				calls := 0
				p := Policy{Backoff: Backoff{Base: time.Hour}, Retryable: func(error) (time.Duration, bool) { return 0, true }}
				err := p.Do(ctx, func() error {
					calls++
					time.Sleep(tt.callTime)
					return failed
				})
				if !errors.Is(err, failed) || calls != tt.wantCalls {
					t.Errorf("got %v after %d calls, want %v after %d", err, calls, failed, tt.wantCalls)
				}
			})
		})
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		limit   time.Duration // of the context
		sleep   time.Duration
		want    time.Duration
		wantErr error
	}{
		{"whole time", time.Hour, time.Minute, time.Minute, nil},
		{"no time", time.Hour, 0, 0, nil},
		{"negative time", time.Hour, -1, 0, nil},
		{"context ends first", time.Second, time.Minute, time.Second, context.DeadlineExceeded},
		{"context ended before", -1, 0, 0, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				begun := time.Now()
				err := Sleep(ctx, tt.sleep)
				if got := time.Since(begun); got != tt.want || !errors.Is(err, tt.wantErr) {
					t.Errorf("got %v after %s, want %v after %s", err, got, tt.wantErr, tt.want)
				}
			})
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := Budget{Limit: time.Minute}
		steps := []struct {
			name         string
			pause        time.Duration // before the failure
			success      bool          // before the pause
			wantFailures int
			wantSpent    bool
		}{
			{"first failure", time.Hour, false, 1, false},
			{"at the limit", time.Minute, false, 2, false},
			{"past the limit", time.Nanosecond, false, 3, true},
			{"after a success", time.Hour, true, 1, false},
		}
		for _, step := range steps {
			if step.success {
				b.Succeed()
			}
			time.Sleep(step.pause)
			if failures, isSpent := b.Fail(); failures != step.wantFailures || isSpent != step.wantSpent {
				t.Errorf("%s: got %d, %t, want %d, %t", step.name, failures, isSpent, step.wantFailures, step.wantSpent)
			}
		}
	})
}
