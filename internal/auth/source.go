package auth

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// Source gives the credential of one profile, and keeps its session alive. It reads the store at every request, because
// another process may have refreshed, and holds no copy. It is safe for concurrent use, within a process and between
// processes.
//
// A program that uses a Source calls Wait before it exits, also when it was interrupted.
type Source struct {
	Store    *config.Store
	Profile  string // "" is the default profile
	Provider provider.Provider
	HTTP     *http.Client                     // for refreshes; nil means http.DefaultClient
	Now      func() time.Time                 // nil means time.Now
	Rand     func() float64                   // spreads refreshes of parallel processes, 0 <= x < 1; nil means random
	Logf     func(format string, args ...any) // never sees a secret

	mu      sync.Mutex
	spread  float64       // what Rand gave, once
	running *refresh      // the refresh under way
	closing bool          // Wait has given up: no new refresh request may be sent
	retryAt time.Time     // no background refresh before, because one failed
	own     config.Secret // came from a refresh in this process,
	ownAt   time.Time     //   at this time
	skew    time.Duration // the server's clock minus ours
	skewed  bool          // skew is known
}

// A refresh is one renewal, shared by all who wait for it.
type refresh struct {
	rejected config.Secret // the token that the service no longer takes; "" when the clock is the reason
	sending  bool          // guarded by Source.mu: the request is on its way, nobody may exit now
	done     chan struct{}
	result   config.Credential // set when done is closed
	err      error
}

// Token returns a credential for one request: an API key as it is, an access token refreshed if need be.
//
// Errors: *NotSignedInError, *SessionEndedError (also as *LostResponseError), *RefreshError, *NotSavedError,
// *config.BusyError, *config.FileError, *config.KeyringError, or ctx's.
func (s *Source) Token(ctx context.Context) (config.Secret, error) {
	c, err := s.fresh(ctx)
	return c.Token, err
}

// Force returns another token after the service rejected one with 401. It refreshes unless somebody else has already.
// A token that came from a forced refresh less than a minute ago is not forced again: the error is then *RejectedError.
func (s *Source) Force(ctx context.Context, rejected config.Secret) (config.Secret, error) {
	c, err := s.force(ctx, rejected)
	return c.Token, err
}

// RejectedError means that the service rejects a credential which a refresh cannot mend.
type RejectedError struct{}

// Error says so.
func (*RejectedError) Error() string { return "the service does not accept this credential" }

// Wait lets a refresh that runs in the background finish, for at most timeout; but one whose request is on its way is
// waited for to its end, because its answer holds the only valid refresh token. No further refresh begins after it.
func (s *Source) Wait(timeout time.Duration) {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running != nil {
		select {
		case <-running.done:
		case <-time.After(timeout):
		}
	}
	s.mu.Lock()
	s.closing = true
	running = s.running
	sending := running != nil && running.sending
	s.mu.Unlock()
	if sending {
		<-running.done
	}
}

// load reads the profile's credential.
func (s *Source) load() (config.Credential, error) {
	doc, err := s.Store.Load()
	if err != nil {
		return config.Credential{}, err
	}
	p, ok := doc.Profile(s.Profile)
	if !ok {
		return config.Credential{}, &NotSignedInError{Profile: s.Profile}
	}
	p, err = s.Store.Decrypt(p)
	return p.Credential, err
}

// fresh is Token with all that belongs to the token.
func (s *Source) fresh(ctx context.Context) (config.Credential, error) {
	c, err := s.load()
	if err != nil || c.Kind != config.OAuth {
		return c, err
	}
	left, margin := s.left(c)
	switch {
	case left > margin:
		return c, nil
	case left > margin/6: // still good for this request: refresh beside it
		if c.EndedAt.IsZero() && c.RefreshToken != "" {
			s.startBeside(ctx)
		}
		return c, nil
	}
	renewed, err := s.wait(ctx, s.start(ctx, ""))
	if err != nil && left > 0 && ctx.Err() == nil {
		s.logf("using the access token for its last %s: %v", left.Round(time.Second), err)
		return c, nil
	}
	return renewed, err
}

// force is Force with all that belongs to the token.
func (s *Source) force(ctx context.Context, rejected config.Secret) (config.Credential, error) {
	for range 2 {
		c, err := s.load()
		if err != nil {
			return c, err
		}
		if c.Token != rejected {
			return s.fresh(ctx)
		}
		if c.Kind != config.OAuth || s.justForced(c) {
			return config.Credential{}, &RejectedError{}
		}
		// A refresh that was under way may have ended without a new token; then the second round starts our own.
		if c, err = s.wait(ctx, s.start(ctx, rejected)); err != nil || c.Token != rejected {
			return c, err
		}
	}
	return config.Credential{}, &RejectedError{}
}

// justForced reports whether a token that should be good came from a forced refresh within the last minute, of this
// process or another: then one more would not mend what the service has against it.
func (s *Source) justForced(c config.Credential) bool {
	left, margin := s.left(c)
	age := now(s.Now).Sub(c.ForcedAt)
	return !c.ForcedAt.IsZero() && age >= 0 && age < time.Minute && left > margin
}

// left tells how long the access token is still good, and the margin before its end at which it is refreshed: the
// smaller of 60 s and a tenth of its life, spread so that parallel processes do not all start at once.
func (s *Source) left(c config.Credential) (left, margin time.Duration) {
	now := now(s.Now)
	s.mu.Lock()
	defer s.mu.Unlock()
	life := c.Lifetime
	switch {
	case c.Lifetime > 0 && c.Token == s.own: // no clock but our own; while the machine sleeps only the wall clock runs
		left = c.Lifetime - max(0, now.Sub(s.ownAt), now.Round(0).Sub(s.ownAt.Round(0)))
	case c.Lifetime > 0 && s.skewed && !c.IssuedAt.IsZero():
		left = c.Lifetime - max(0, now.Add(s.skew).Sub(c.IssuedAt)) // by the server's clock
	case c.Lifetime > 0 && !c.ObtainedAt.IsZero():
		left = c.Lifetime - max(0, now.Sub(c.ObtainedAt)) // a clock that was set back says nothing: a 401 will
	case !c.ExpiresAt.IsZero():
		life, left = c.ExpiresAt.Sub(c.SavedAt), c.ExpiresAt.Sub(now) // written by the Node client
	default:
		return math.MaxInt64, 0 // unknown: until the service says 401
	}
	if life <= 0 || life > defaultLifetime {
		life = defaultLifetime
	}
	if s.spread == 0 {
		random := s.Rand
		if random == nil {
			random = rand.Float64
		}
		s.spread = 1 - random()/5
	}
	return left, time.Duration(float64(min(time.Minute, life/10)) * s.spread)
}

// observe notes the server's clock from the Date of a reply.
func (s *Source) observe(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew, s.skewed = date.Sub(now(s.Now)), true
}

// start begins a refresh, or joins the one under way. It is not bound to ctx's end: others may wait for it, and what
// it brings is stored in any case.
func (s *Source) start(ctx context.Context, rejected config.Secret) *refresh {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return s.running
	}
	r := &refresh{rejected: rejected, done: make(chan struct{})}
	s.running = r
	go func() {
		r.result, r.err = s.renew(ctx, r)
		s.mu.Lock()
		s.running = nil
		if r.err != nil {
			s.retryAt = now(s.Now).Add(5 * time.Second)
		}
		s.mu.Unlock()
		close(r.done)
	}()
	return r
}

// startBeside begins a refresh that nobody waits for, unless one has just failed.
func (s *Source) startBeside(ctx context.Context) {
	s.mu.Lock()
	early := now(s.Now).Before(s.retryAt) || s.closing
	s.mu.Unlock()
	if early {
		return
	}
	r := s.start(ctx, "")
	go func() {
		if <-r.done; r.err != nil {
			s.logf("the session could not be renewed ahead of time: %v", r.err)
		}
	}()
}

func (s *Source) wait(ctx context.Context, r *refresh) (config.Credential, error) {
	select {
	case <-r.done:
		return r.result, r.err
	case <-ctx.Done():
		return config.Credential{}, ctx.Err()
	}
}

// errClosing ends a refresh that would begin while the program exits.
var errClosing = errors.New("the program is ending")

// beginSending marks the point from which the program must not exit before r is done.
func (s *Source) beginSending(r *refresh) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errClosing
	}
	r.sending = true
	return nil
}

func (s *Source) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}
