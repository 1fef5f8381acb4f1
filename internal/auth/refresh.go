package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/retry"
)

// renew refreshes the session, unless another process has just done so. It holds the refresh lock of the profile, which all
// processes share.
func (s *Session) renew(ctx context.Context, r *refresh) (config.Credential, error) {
	free := context.WithoutCancel(ctx)
	unlock, err := s.Store.Lock(free, config.RefreshLock(s.Profile))
	if err != nil {
		return config.Credential{}, asRefreshError(err)
	}
	defer unlock()
	const rounds = 3 // a further round follows if a program that does not take the lock has refreshed
	for range rounds {
		c, err := s.load()
		if err != nil {
			return c, err
		}
		if left, margin := s.left(c); c.Kind != config.OAuth || c.Token != r.rejected && left > margin {
			return c, nil
		}
		if err := s.ended(c); err != nil {
			return c, err
		}
		if c, err = s.rotate(ctx, r, c); !errors.Is(err, errReplaced) {
			return c, err
		}
	}
	return config.Credential{}, &RefreshError{Err: errReplaced}
}

// errReplaced means that the stored credential is no longer the one that was to be refreshed.
var errReplaced = errors.New("another program keeps changing the session")

// ended returns the error of a session that has ended, and nil for any other.
func (s *Session) ended(c config.Credential) error {
	if err := s.unusable(c); err != nil {
		return err
	}
	if c.RefreshToken == "" {
		return &SessionEndedError{Profile: s.Profile, Reason: ReasonNoRefresh}
	}
	return nil
}

// unusable returns the error of a session whose access token must not be sent either, and nil for any other.
func (s *Session) unusable(c config.Credential) error {
	if s.Provider.OAuth != nil && !isServerKnown(s.Provider.OAuth, c) {
		return &SessionEndedError{Profile: s.Profile, Reason: ReasonNoServer}
	}
	return EndedError(s.Profile, c)
}

// rotate sends the refresh token and stores the response. Signals are held until the response is stored.
func (s *Session) rotate(ctx context.Context, r *refresh, c config.Credential) (config.Credential, error) {
	endpoint, err := s.tokenEndpoint(c)
	if err != nil {
		return c, &RefreshError{Err: err}
	}
	release := holdSignals(ctx)
	defer release()
	if err := s.beginSending(r); err != nil {
		return c, err
	}
	free := context.WithoutCancel(ctx)
	before := s.sentBefore(c)
	if err := s.prepareDisk(free, c, before); err != nil {
		return c, asRefreshError(err)
	}
	s.logf("refreshing the session of profile %s at %s", profileName(s.Profile), hostOf(endpoint))
	p := dialect(s.Provider, c.ThirdParty)
	g, err := requestToken(free, s.HTTP, p, ClientOf(c), "refresh the session", endpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			conf := oauthConfig(p, Server{TokenEndpoint: endpoint}, c.ClientID, "")
			return conf.TokenSource(ctx, &oauth2.Token{RefreshToken: c.RefreshToken.Reveal()}).Token()
		})
	if err != nil {
		return s.refused(free, c, err, before)
	}
	renewed, err := s.save(free, r, c, g)
	if errors.Is(err, errReplaced) {
		s.revokeUnsaved(free, c, g)
	}
	if err == nil {
		s.clearJournal()
		s.logf("the session is refreshed; the access token expires in %s", g.lifetime)
	}
	return renewed, err
}

// revokeUnsaved revokes the result of a refresh that a sign-in with another client or a sign-out overtook: nothing else knows of that
// session. If the stored credential has the same client, another program may have refreshed the same session, and a revocation would
// end it. A failure is only logged.
func (s *Session) revokeUnsaved(ctx context.Context, c config.Credential, g grant) {
	var none *NotSignedInError
	stored, err := s.load()
	if err != nil && !errors.As(err, &none) || err == nil && stored.ClientID == c.ClientID {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	g.apply(&c, now(s.Now))
	if err := Revoke(ctx, s.HTTP, s.Provider, c); err != nil {
		s.logf("a session that was replaced during its refresh could not be revoked: %v", err)
	}
}

// prepareDisk writes the refresh journal, and checks that the response can be stored: a refresh token that is spent without
// storing the new one ends the session. It writes the journal first, because the journal may need the last free block.
func (s *Session) prepareDisk(ctx context.Context, c config.Credential, before time.Time) error {
	if before.IsZero() {
		if err := s.writeJournal(ctx, c); err != nil {
			return err
		}
	}
	err := s.Store.CheckWritable(s.Profile)
	if err != nil && before.IsZero() {
		s.clearJournal()
	}
	return err
}

// tokenEndpoint returns the stored endpoint if it has the origin of the credential, otherwise the fixed one of the provider.
func (s *Session) tokenEndpoint(c config.Credential) (string, error) {
	if s.Provider.OAuth == nil {
		return "", &NotOfferedError{Host: hostOf(c.BaseURL), What: "to refresh a session"}
	}
	if c.TokenEndpoint != "" && (c.ThirdParty || safeurl.SameOrigin(c.TokenEndpoint, c.BaseURL)) {
		return c.TokenEndpoint, nil
	}
	return fixedServer(c.BaseURL, s.Provider.OAuth).TokenEndpoint, nil
}

// save stores the new tokens in one write. It returns errReplaced if a sign-in or a sign-out has replaced the credential.
func (s *Session) save(ctx context.Context, r *refresh, spent config.Credential, g grant) (config.Credential, error) {
	received := now(s.Now)
	var stored config.Credential
	policy := retry.Policy{
		Backoff: retry.Backoff{Base: 50 * time.Millisecond}, Attempts: 5, Sleep: s.sleep,
		Retryable: func(err error) (time.Duration, bool) { return 0, !errors.Is(err, errReplaced) },
	}
	err := policy.Do(ctx, func() error {
		err := s.change(ctx, spent, func(c *config.Credential) {
			g.apply(c, received)
			if r.rejected != "" {
				c.ForcedAt = received
			}
			stored = *c
		})
		if err != nil && s.isStored(stored) {
			s.logf("the session is stored, but not everything about it: %v", err)
			return nil
		}
		return err
	})
	switch {
	case errors.Is(err, errReplaced):
		return stored, err
	case err != nil:
		return stored, &NotSavedError{Profile: s.Profile, Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own, s.ownAt = stored.Token, received
	return stored, nil
}

// isStored reports whether the store has a credential's tokens. A write that failed may have stored them: what describes them
// can be in another file.
func (s *Session) isStored(c config.Credential) bool {
	stored, err := s.load()
	return err == nil && c.Token != "" && stored.Token == c.Token
}

// change edits the stored credential, provided that its refresh token is still the known one.
func (s *Session) change(ctx context.Context, known config.Credential, edit func(*config.Credential)) error {
	return s.Store.Update(ctx, func(d *config.Document) error {
		p, isSignedIn := d.Profile(s.Profile)
		if !isSignedIn {
			return errReplaced
		}
		p, err := s.Store.Decrypt(p)
		if err != nil {
			return err
		}
		if p.Credential.RefreshToken != known.RefreshToken {
			return errReplaced
		}
		edit(&p.Credential)
		d.SetProfile(p)
		return nil
	})
}

// refused handles a failed refresh request. A definite refusal ends the session, because a retry cannot help; any other failure
// keeps it. before is the time of an earlier refresh request without a known response, or zero.
func (s *Session) refused(ctx context.Context, c config.Credential, cause error, before time.Time) (config.Credential, error) {
	if IsRefusal(cause) {
		return s.end(ctx, c, cause, before)
	}
	if before.IsZero() && !mayHaveRotated(cause) {
		s.clearJournal()
	}
	return c, &RefreshError{Err: cause}
}

// mayHaveRotated reports whether the service may have carried out a refresh although its response was not received.
func mayHaveRotated(cause error) bool {
	var unreachable *UnreachableError
	var status *StatusError
	var response *ResponseError
	switch {
	case errors.As(cause, &unreachable):
		return unreachable.sent
	case errors.As(cause, &status): // after a 500 or the response of a gateway, the state of the service is unknown
		return status.Status >= 500 && status.Status != http.StatusServiceUnavailable
	}
	return errors.As(cause, &response)
}

// end reads the store for another quarter of a second, because a program that does not take the refresh lock may be writing the
// result of its own refresh. If the store does not change, end marks the stored session as ended.
func (s *Session) end(ctx context.Context, c config.Credential, refusal error, before time.Time) (config.Credential, error) {
	for range 5 {
		if stored, err := s.load(); err == nil && stored.RefreshToken != c.RefreshToken {
			s.clearJournal()
			return stored, errReplaced
		}
		s.pause(ctx, 50*time.Millisecond)
	}
	reason, detail := reasonOf(refusal)
	switch {
	case reason != ReasonRefused:
	case !before.IsZero():
		reason, c.RotationSentAt = ReasonLostResponse, before
	case !c.RefreshExpiresAt.IsZero() && s.RemainingIdle(c) == 0:
		reason = ReasonUnused
	}
	c.EndedAt, c.EndedReason, c.EndedDetail = now(s.Now), string(reason), detail
	err := s.change(ctx, c, func(stored *config.Credential) {
		stored.EndedAt, stored.EndedReason, stored.EndedDetail = c.EndedAt, c.EndedReason, c.EndedDetail
		stored.RotationSentAt = c.RotationSentAt
	})
	if errors.Is(err, errReplaced) {
		return c, err
	}
	if err != nil {
		s.logf("the end of the session could not be stored: %v", err)
	} else {
		s.clearJournal()
	}
	return c, EndedError(s.Profile, c)
}

func (s *Session) pause(ctx context.Context, d time.Duration) {
	sleep := s.sleep
	if sleep == nil {
		sleep = retry.Sleep
	}
	_ = sleep(ctx, d) // the context of a refresh has no end
}

// asRefreshError converts an error of a file to a *RefreshError, because the session is kept. It leaves other errors.
func asRefreshError(err error) error {
	if file := (*config.FileError)(nil); errors.As(err, &file) {
		return &RefreshError{Err: err}
	}
	return err
}

func profileName(name string) string {
	if name == "" {
		return config.DefaultProfile
	}
	return name
}
