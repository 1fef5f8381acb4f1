package cli

import (
	"context"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// A gate holds everybody back until a time. The zero value is open.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

func (g *gate) hold(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
	}
}

// wait returns when the gate is open, or with an error when ctx ends before.
func (g *gate) wait(ctx context.Context) error {
	for ctx.Err() == nil {
		g.mu.Lock()
		left := time.Until(g.until)
		g.mu.Unlock()
		if left <= 0 {
			return nil
		}
		_ = retry.Sleep(ctx, left) // the loop checks ctx
	}
	return ctx.Err()
}
