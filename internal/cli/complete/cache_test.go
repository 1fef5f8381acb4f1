package complete

import (
	"testing"
	"time"
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
