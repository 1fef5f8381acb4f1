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

// Session supplies the credential of a profile, and refreshes its access token. It reads the store for every request,
// because another process may have refreshed the session, and keeps no copy. A Session is safe for concurrent use by
// goroutines, and several processes may use the same profile.
//
// A program calls Wait before it exits, also after an interrupt.
type Session struct {
	Store    *config.Store
	Profile  string // "" means the default profile
	Provider provider.Provider
	HTTP     *http.Client                     // sends refresh requests; nil means http.DefaultClient
	Now      func() time.Time                 // nil means time.Now
	Rand     func() float64                   // 0 <= x < 1; spreads the refreshes of parallel processes; nil means random
	Logf     func(format string, args ...any) // receives no secrets; nil means no log
	// NoRefresh means that the session is never refreshed: an access token is used until it expires. After that the error is a
	// *RefreshError.
	NoRefresh bool

	sleep func(ctx context.Context, d time.Duration) error // nil means retry.Sleep; tests set it

	mu      sync.Mutex
	spread  float64       // computed from Rand once
	running *refresh      // the current refresh; may be nil
	closing bool          // set by Wait: no further refresh request may be sent
	retryAt time.Time     // the earliest time of the next background refresh, after a failed one
	own     config.Secret // the access token that this process received from a refresh,
	ownAt   time.Time     //   at this time
	skew    time.Duration // the server's clock minus this machine's
	skewed  bool          // skew is known
}

// A refresh is one refresh of the session. All requests that need it wait for the same one.
type refresh struct {
	rejected config.Secret // the token that the service rejected; "" if the token is about to expire
	sending  bool          // the request is being sent, so the program must not exit; guarded by Session.mu
	done     chan struct{}
	result   config.Credential // set before done is closed
	err      error
}

// RejectedError means that the service rejects a credential, and that a refresh cannot help.
type RejectedError struct{}

// Error describes the problem.
func (*RejectedError) Error() string { return "the service does not accept this credential" }

// Token returns the credential of the profile for one request: an API key unchanged, an access token after a refresh if it
// is about to expire.
//
// Errors: *NotSignedInError, *SessionEndedError (also as *LostResponseError), *RefreshError, *NotSavedError,
// *config.BusyError, *config.FileError, *config.KeyringError, or ctx's.
func (s *Session) Token(ctx context.Context) (config.Secret, error) {
	c, err := s.load()
	if err == nil {
		c, err = s.fresh(ctx, c)
	}
	return c.Token, err
}

// credential implements Source. It reads the store once, unless the access token must be refreshed.
func (s *Session) credential(ctx context.Context, target string) (config.Credential, error) {
	c, err := s.load()
	if err != nil {
		return config.Credential{}, err
	}
	if c, err = restrict(c, target); err != nil || c.Token == "" {
		return config.Credential{}, err
	}
	if c, err = s.fresh(ctx, c); err != nil {
		return config.Credential{}, err
	}
	return restrict(c, target) // a sign-in to another service may have replaced the session during the refresh
}

// replace implements Source. An API key has no replacement.
func (s *Session) replace(ctx context.Context, target string, rejected config.Credential) (config.Credential, error) {
	if rejected.Kind != config.OAuth {
		return config.Credential{}, &RejectedError{}
	}
	c, err := s.force(ctx, rejected.Token)
	if err != nil {
		return config.Credential{}, err
	}
	return restrict(c, target)
}

// observe implements Source.
func (s *Session) observe(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew, s.skewed = date.Sub(now(s.Now)), true
}

// Wait waits for a background refresh to finish, for at most timeout. If the refresh request has been sent, Wait waits longer,
// because the response contains the only valid refresh token. No refresh starts after Wait.
func (s *Session) Wait(timeout time.Duration) {
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
	isSending := running != nil && running.sending
	s.mu.Unlock()
	if isSending {
		<-running.done
	}
}

// load reads the credential of the profile from the store.
func (s *Session) load() (config.Credential, error) {
	doc, err := s.Store.Load()
	if err != nil {
		return config.Credential{}, err
	}
	p, isSignedIn := doc.Profile(s.Profile)
	if !isSignedIn {
		return config.Credential{}, &NotSignedInError{Profile: s.Profile}
	}
	p, err = s.Store.Decrypt(p)
	return p.Credential, err
}

// fresh returns c, or the refreshed credential if the access token of c is about to expire.
func (s *Session) fresh(ctx context.Context, c config.Credential) (config.Credential, error) {
	if c.Kind != config.OAuth {
		return c, nil
	}
	if err := s.unusable(c); err != nil {
		return config.Credential{}, err
	}
	left, margin := s.left(c)
	switch {
	case left > margin, s.NoRefresh && left > 0:
		return c, nil
	case s.NoRefresh:
		return config.Credential{}, &RefreshError{Err: errNoRefresh}
	case left > margin/6: // long enough for this request, so it need not wait for the refresh
		if c.RefreshToken != "" {
			s.startInBackground(ctx)
		}
		return c, nil
	}
	renewed, err := s.wait(ctx, s.start(ctx, ""))
	if err != nil && left > 0 && ctx.Err() == nil {
		s.logf("using the access token, which expires in %s: %v", left.Round(time.Second), err)
		return c, nil
	}
	return renewed, err
}

// force returns another credential after the service rejected an access token with status 401. It refreshes the session
// unless the stored access token is already another one. A token from a forced refresh less than a minute ago is not
// refreshed again: the error is then *RejectedError.
func (s *Session) force(ctx context.Context, rejected config.Secret) (config.Credential, error) {
	for range 2 {
		c, err := s.load()
		if err != nil {
			return c, err
		}
		if c.Token != rejected {
			return s.fresh(ctx, c)
		}
		if c.Kind != config.OAuth || s.NoRefresh || s.isJustForced(c) {
			return config.Credential{}, &RejectedError{}
		}
		// start may join a running refresh, which may end without a new token. The second round then starts another one.
		if c, err = s.wait(ctx, s.start(ctx, rejected)); err != nil || c.Token != rejected {
			return c, err
		}
	}
	return config.Credential{}, &RejectedError{}
}

// isJustForced reports whether an unexpired token came from a forced refresh within the last minute, in this process or
// another. A further refresh would not help then.
func (s *Session) isJustForced(c config.Credential) bool {
	left, margin := s.left(c)
	age := now(s.Now).Sub(c.ForcedAt)
	return !c.ForcedAt.IsZero() && age >= 0 && age < time.Minute && left > margin
}

// left returns the time until the access token expires, and the margin before its expiry in which it is refreshed. The margin
// is the smaller of 60 s and a tenth of the lifetime. It varies so that parallel processes do not refresh at the same time.
func (s *Session) left(c config.Credential) (left, margin time.Duration) {
	now := now(s.Now)
	s.mu.Lock()
	defer s.mu.Unlock()
	life := c.Lifetime
	switch {
	case c.Lifetime > 0 && c.Token == s.own: // the monotonic clock stops while the machine sleeps, so use the wall clock too
		left = c.Lifetime - max(0, now.Sub(s.ownAt), now.Round(0).Sub(s.ownAt.Round(0)))
	case c.Lifetime > 0 && s.skewed && !c.IssuedAt.IsZero():
		left = c.Lifetime - max(0, now.Add(s.skew).Sub(c.IssuedAt)) // by the server's clock
	case c.Lifetime > 0 && !c.ObtainedAt.IsZero():
		left = c.Lifetime - max(0, now.Sub(c.ObtainedAt)) // if the clock was set back, the service will reply 401
	case !c.ExpiresAt.IsZero():
		life, left = c.ExpiresAt.Sub(c.SavedAt), c.ExpiresAt.Sub(now) // written by the Node client
	default:
		return math.MaxInt64, 0 // unknown: use the token until the service replies 401
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

// start starts a refresh, or joins the running one. The end of ctx does not end the refresh: other requests may wait for it,
// and its result must be stored.
func (s *Session) start(ctx context.Context, rejected config.Secret) *refresh {
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

// startInBackground starts a refresh and does not wait for it. It does nothing for a few seconds after a failed refresh.
func (s *Session) startInBackground(ctx context.Context) {
	s.mu.Lock()
	isEarly := now(s.Now).Before(s.retryAt) || s.closing
	s.mu.Unlock()
	if isEarly {
		return
	}
	r := s.start(ctx, "")
	go func() {
		if <-r.done; r.err != nil {
			s.logf("the background refresh of the session failed: %v", r.err)
		}
	}()
}

func (s *Session) wait(ctx context.Context, r *refresh) (config.Credential, error) {
	select {
	case <-r.done:
		return r.result, r.err
	case <-ctx.Done():
		return config.Credential{}, ctx.Err()
	}
}

// errNoRefresh means that a session that must not be refreshed needs a refresh.
var errNoRefresh = errors.New("the access token has expired, and is not refreshed for this")

// errClosing means that a refresh did not start because the program is exiting.
var errClosing = errors.New("the program is exiting")

// beginSending marks the point after which the program must not exit until r is done.
func (s *Session) beginSending(r *refresh) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errClosing
	}
	r.sending = true
	return nil
}

func (s *Session) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}
