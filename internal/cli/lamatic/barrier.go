package lamatic

import (
	"context"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// A rateLimitBarrier delays the requests of a batch after the service refused one as too many. The zero value is open. It is safe for
// concurrent use.
type rateLimitBarrier struct {
	mu    sync.Mutex
	until time.Time
}

// close closes the barrier for d from now. It does not shorten an earlier delay.
func (b *rateLimitBarrier) close(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(d); until.After(b.until) {
		b.until = until
	}
}

// wait blocks until the barrier is open. It returns the error of ctx if that ends first, or had ended before.
func (b *rateLimitBarrier) wait(ctx context.Context) error {
	for {
		left := b.remaining()
		if left <= 0 {
			return ctx.Err()
		}
		if err := retry.Sleep(ctx, left); err != nil {
			return err
		}
	}
}

func (b *rateLimitBarrier) remaining() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.until)
}
