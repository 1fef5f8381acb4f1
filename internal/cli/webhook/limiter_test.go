package webhook

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var said []string
	l := &limiter{now: func() time.Time { return now }, say: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	for n := range 100 {
		l.print("refused %d", n)
	}
	now = now.Add(time.Second)
	l.print("refused %d", 100)
	now = now.Add(-time.Hour) // the clock was set back
	l.print("refused %d", 101)
	if want := []string{"refused 0", "refused 100 (and 99 more requests before)", "refused 101"}; !slices.Equal(said, want) {
		t.Errorf("got %q, want %q", said, want)
	}
}
