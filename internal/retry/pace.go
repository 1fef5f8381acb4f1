package retry

import (
	"sync"
	"time"
)

// A Pace limits how many requests are sent in a time, for a service that refuses more. It is safe for several goroutines.
type Pace struct {
	Limit int           // requests in Per, above 0
	Per   time.Duration // any span of this length

	mu   sync.Mutex
	sent []time.Time // when the last Limit requests are sent
}

// Delay counts a request and returns how long it must wait.
func (p *Pace) Delay(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now
	if len(p.sent) >= p.Limit {
		if free := p.sent[0].Add(p.Per); free.After(at) {
			at = free
		}
		p.sent = p.sent[1:]
	}
	p.sent = append(p.sent, at)
	return at.Sub(now)
}
