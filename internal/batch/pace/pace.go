// Package pace decides when the next request to a service may be sent, so that a client uses the whole quota of its key and is
// hardly ever refused. Clients that share a key do not talk to each other: each sees in the responses how much the others spend.
//
// The package golang.org/x/time/rate was considered. Its rate is a constant that the caller knows; here it is what responses say.
package pace

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/retry"
)

// A Kind is what a request is for.
type Kind int

// The kinds of requests.
const (
	Start Kind = iota // a request that starts a run
	Sweep             // a request that lists runs, or reads one
	kinds
)

const (
	// maxWait is the longest time between two requests that a rate limit can demand.
	maxWait = time.Minute
	// maxAfter is the longest time for which Wait obeys a Retry-After header.
	maxAfter = 10 * time.Minute
	// unheard is the time between requests before the first response says what the rate is.
	unheard = 2 * time.Second
	// sweepShare is the part of the requests that sweeps have while starts wait.
	sweepShare = 0.1
	// retryTime is the time for each repetition that no start pays for: in a batch of few items, or at its end.
	retryTime = 5 * time.Second
	// longSleep bounds a sleep that something else ends.
	longSleep = time.Second
)

// Options are the settings of a Pacer. The zero Options are valid.
type Options struct {
	// Now returns the time; nil means time.Now.
	Now func() time.Time
	// Sleep waits for a duration or until ctx ends, whose error it then returns; nil means retry.Sleep.
	Sleep func(ctx context.Context, d time.Duration) error
	// Limit, Remaining and Reset are the names of the headers that hold the rate limit; "" means RateLimit-Limit,
	// RateLimit-Remaining and RateLimit-Reset.
	Limit, Remaining, Reset string
}

// A Pacer decides when the next request may be sent. It is safe for several goroutines.
type Pacer struct {
	opts Options
	line [kinds]chan struct{} // the goroutine that put a value in is the next one of its kind

	mu      sync.Mutex
	waiting [kinds]int                // calls of Wait that have not returned
	wake    [kinds]context.CancelFunc // ends the sleep of the next one of a kind
	sweeps  float64                   // how many sweeps are due while starts wait
	starts  int
	repeats int
	began   time.Time // the first call of MayRetry

	heard bool // a response came
	sent  sent
	quota quota
	brake brake
	pause time.Time // Retry-After
}

// New returns a Pacer that knows nothing of the service yet.
func New(o Options) *Pacer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = retry.Sleep
	}
	if o.Limit == "" {
		o.Limit = "RateLimit-Limit"
	}
	if o.Remaining == "" {
		o.Remaining = "RateLimit-Remaining"
	}
	if o.Reset == "" {
		o.Reset = "RateLimit-Reset"
	}
	p := &Pacer{opts: o}
	for k := range p.line {
		p.line[k] = make(chan struct{}, 1)
	}
	return p
}

// Wait blocks until a request of a kind may be sent. It returns the error of ctx if ctx ends before. While starts wait, a tenth of the
// requests are sweeps; otherwise a sweep waits for nothing but the rate.
func (p *Pacer) Wait(ctx context.Context, k Kind) error {
	p.mu.Lock()
	p.waiting[k]++
	p.mu.Unlock()
	defer p.leave(k)
	select {
	case p.line[k] <- struct{}{}:
		defer func() { <-p.line[k] }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		delay, nap, end := p.next(ctx, k)
		if delay <= 0 {
			return nil
		}
		_ = p.opts.Sleep(nap, delay) // the loop looks at ctx, and at the time
		end()
	}
}

// next takes the permission to send a request, or returns how long to sleep before the next attempt, and a context that ends the sleep.
func (p *Pacer) next(ctx context.Context, k Kind) (delay time.Duration, nap context.Context, end context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opts.Now()
	switch delay = p.due(now).Sub(now); {
	case delay <= 0 && p.isTurn(k):
		p.take(k, now)
		return 0, nil, nil
	case delay <= 0:
		delay = longSleep // the other kind takes its turn, and then wakes this one
	}
	nap, end = context.WithCancel(ctx)
	p.wake[k] = end
	return max(delay, time.Millisecond), nap, end
}

// isTurn reports whether the next request is one of this kind.
func (p *Pacer) isTurn(k Kind) bool {
	if p.waiting[Start] == 0 || p.waiting[Sweep] == 0 {
		return true
	}
	return (p.sweeps >= 1) == (k == Sweep)
}

// take records a request that is sent now.
func (p *Pacer) take(k Kind, now time.Time) {
	both := p.waiting[Start] > 0 && p.waiting[Sweep] > 0
	switch {
	case k == Start:
		p.starts++
		p.sweeps = min(1, p.sweeps+sweepShare/(1-sweepShare)+1e-9)
	case both:
		p.sweeps = 0
	}
	p.sent.add(now)
}

// leave ends a call of Wait.
func (p *Pacer) leave(k Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[k]--
	p.wakeAll()
}

// wakeAll lets those that sleep look at the time of the next request again.
func (p *Pacer) wakeAll() {
	for k, end := range p.wake {
		if end != nil {
			end()
			p.wake[k] = nil
		}
	}
}

// due returns the time of the next request.
func (p *Pacer) due(now time.Time) time.Time {
	p.sent.forget(now)
	if last := now.Add(maxAfter); p.pause.After(last) { // the clock was set back
		p.pause = last
	}
	at := p.pause
	if p.sent.last.IsZero() {
		return at
	}
	if !p.heard {
		return latest(at, p.sent.last.Add(unheard))
	}
	p.brake.grow(now)
	return latest(at, p.quota.due(now, &p.sent), p.brake.due(&p.sent))
}

// Observe learns from a response. The status is 0 if there was none; sent is when the request was sent.
func (p *Pacer) Observe(status int, h http.Header, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opts.Now()
	p.sent.answered()
	if status == 0 {
		return
	}
	p.heard = true
	if r, ok := p.opts.read(h, now); ok {
		p.quota.observe(r, sent, now)
	}
	refused := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	p.brake.isAlone = p.quota.limit == 0
	if refused {
		p.quota.refuse()
		p.brake.refuse(sent, now, p.sent.rate(now), p.quota.rate()/16)
		if after := min(retry.After(h, now), maxAfter); after > 0 {
			p.pause = latest(p.pause, now.Add(after))
		}
	}
	if most := 2 * p.quota.rate(); most > 0 && p.brake.rate > most {
		p.brake.rate = 0
	}
	p.wakeAll()
}

// Unsent gives back a permission of Wait with which no request was sent.
func (p *Pacer) Unsent() { p.Observe(0, nil, p.opts.Now()) }

// Rate returns how many requests may be sent in a minute, and whether that is known.
func (p *Pacer) Rate() (perMinute float64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.brake.grow(p.opts.Now())
	rate := p.quota.rate()
	if p.brake.rate > 0 && (rate == 0 || p.brake.rate < rate) {
		rate = p.brake.rate
	}
	return rate * 60, rate > 0
}

// MayRetry takes the permission to repeat a request that failed. Repetitions are at most a tenth of the starts, ten, and one for each
// retryTime.
func (p *Pacer) MayRetry() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opts.Now()
	if p.began.IsZero() || now.Before(p.began) { // the clock was set back
		p.began = now
	}
	if p.repeats >= 10+p.starts/10+int(now.Sub(p.began)/retryTime) {
		return false
	}
	p.repeats++
	return true
}

// latest returns the last of some times.
func latest(first time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.After(first) {
			first = t
		}
	}
	return first
}
