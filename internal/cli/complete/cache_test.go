package complete

import (
	"context"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

func TestOldEntries(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	tests := []struct {
		name string
		kind kind
		age  time.Duration
		want bool
	}{
		{"runs of this moment", runEntries, time.Second, false},
		{"runs may have ended", runEntries, 6 * time.Second, true},
		{"apps stay", appEntries, 6 * time.Second, false},
		{"apps of an hour ago", appEntries, time.Hour, true},
		{"the clock was set back", keyEntries, -time.Hour, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &cache{}
			c.fill(tt.kind, now.Add(-tt.age))
			if got := c.isOld(tt.kind, now); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
	if c := (&cache{}); !c.isOld(runEntries, now) {
		t.Error("got entries that were never fetched as new, want them old")
	}
}

// TestFillInTime: a completion does not wait for a service that does not answer, nor for what ignores its context.
func TestFillInTime(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	if fillInTime(nil, func(context.Context, *api.Client) error { <-never; return nil }) {
		t.Error("got true from a request that never ends, want false")
	}
	if !fillInTime(nil, func(context.Context, *api.Client) error { return nil }) {
		t.Error("got false from a request that succeeds, want true")
	}
}
