package webhook

import (
	"sync"
	"time"
)

// limiter prints at most one message a second: anyone who finds the address can cause messages.
type limiter struct {
	say func(format string, args ...any)
	now func() time.Time

	mu      sync.Mutex
	last    time.Time
	skipped int
}

func (l *limiter) print(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if age := now.Sub(l.last); age >= 0 && age < time.Second {
		l.skipped++
		return
	}
	if l.skipped > 0 {
		format += " (and %d more requests before)"
		args = append(args, l.skipped)
	}
	l.last, l.skipped = now, 0
	l.say(format, args...)
}
