package retry

import (
	"testing"
	"time"
)

// TestPace: no span of Per has more than Limit requests, and none waits without need.
func TestPace(t *testing.T) {
	t.Parallel()
	p := Pace{Limit: 3, Per: time.Minute}
	now := time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name  string
		after time.Duration // since the last request was asked for
		want  time.Duration
	}{
		{"first", 0, 0},
		{"second", 10 * time.Second, 0},
		{"third", 10 * time.Second, 0},
		{"fourth", 0, 40 * time.Second},
		{"fifth, at the same time", 0, 50 * time.Second},
		{"sixth", 45 * time.Second, 15 * time.Second},
		{"after a pause", 10 * time.Minute, 0},
	}
	for _, tt := range tests {
		now = now.Add(tt.after)
		if got := p.Delay(now); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
