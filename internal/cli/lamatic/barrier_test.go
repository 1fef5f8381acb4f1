package lamatic

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/provider"
)

func TestBarrier(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(b *rateLimitBarrier)
		timeout time.Duration // of the wait; 0: none
		want    time.Duration
		wantErr error
	}{
		{name: "open", prepare: func(*rateLimitBarrier) {}},
		{name: "closed", prepare: func(b *rateLimitBarrier) { b.close(time.Second) }, want: time.Second},
		{name: "closed twice, the longer delay applies", prepare: func(b *rateLimitBarrier) {
			b.close(3 * time.Second)
			b.close(time.Second)
		}, want: 3 * time.Second},
		{name: "closed again during the wait", prepare: func(b *rateLimitBarrier) {
			b.close(3 * time.Second)
			go func() {
				time.Sleep(2 * time.Second)
				b.close(4 * time.Second)
			}()
		}, want: 6 * time.Second},
		{
			name: "the context ends first", prepare: func(b *rateLimitBarrier) { b.close(time.Hour) }, timeout: time.Second,
			want: time.Second, wantErr: context.DeadlineExceeded,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.timeout > 0 {
					limited, cancel := context.WithTimeout(ctx, tt.timeout)
					defer cancel()
					ctx = limited
				}
				var b rateLimitBarrier
				tt.prepare(&b)
				started := time.Now()
				err := b.wait(ctx)
				if got := time.Since(started); got != tt.want || !errors.Is(err, tt.wantErr) {
					t.Errorf("got %s, %v; want %s, %v", got, err, tt.want, tt.wantErr)
				}
			})
		})
	}
}

func TestBarrierWithEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b rateLimitBarrier
	if err := b.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v, want %v", err, context.Canceled)
	}
}

// Only a refusal as one request too many closes the barrier. Every retry is reported to the client's own OnRetry.
func TestWatchRateLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want time.Duration
	}{
		{"too many requests", &api.Error{Status: 429, Rule: provider.Rule{Kind: provider.RateLimited}}, time.Minute},
		{"quota", &api.Error{Status: 429, Rule: provider.Rule{Kind: provider.Quota}}, 0},
		{"failing service", &api.Error{Status: 503, Rule: provider.Rule{Kind: provider.Unavailable}}, 0},
		{"unreachable service", &api.UnreachableError{Kind: api.Refused}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				reported := 0
				b, c := &batch{}, &api.Client{OnRetry: func(error, time.Duration) { reported++ }}
				b.watchRateLimit(c)
				c.OnRetry(tt.err, time.Minute)
				started := time.Now()
				if err := b.barrier.wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(started); got != tt.want {
					t.Errorf("got a delay of %s, want %s", got, tt.want)
				}
				if reported != 1 {
					t.Errorf("got %d reports, want 1", reported)
				}
			})
		})
	}
}
