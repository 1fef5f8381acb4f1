package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/config"
)

// renew refreshes under the lock that all processes share, unless another process has just done it.
func (s *Source) renew(ctx context.Context, r *refresh) (config.Credential, error) {
	free := context.WithoutCancel(ctx)
	unlock, err := s.Store.Lock(free, config.RefreshLock(s.Profile))
	if err != nil {
		return config.Credential{}, asRefreshError(err)
	}
	defer unlock()
	const rounds = 3 // each beyond the first follows a program that refreshed without our lock
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

// errReplaced means that the record in the store is no longer the one that was being refreshed.
var errReplaced = errors.New("another program keeps changing the session")

// ended is the error of a session that is known to be over.
func (s *Source) ended(c config.Credential) error {
	switch {
	case !c.EndedAt.IsZero():
		return s.sessionEnded(c, Reason(c.EndedReason), "")
	case c.RefreshToken == "":
		return s.sessionEnded(c, ReasonNoRefresh, "")
	}
	return nil
}

func (s *Source) sessionEnded(c config.Credential, reason Reason, description string) error {
	ended := &SessionEndedError{Profile: s.Profile, Reason: reason, Description: description}
	if reason == ReasonLostResponse && !c.RotationSentAt.IsZero() {
		return &LostResponseError{SentAt: c.RotationSentAt, Ended: ended}
	}
	return ended
}

// rotate spends the refresh token and stores what comes back. From here to the rename signals wait.
func (s *Source) rotate(ctx context.Context, r *refresh, c config.Credential) (config.Credential, error) {
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
	s.logf("renewing the session of profile %s at %s", profileName(s.Profile), hostOf(endpoint))
	p := speaking(s.Provider, c.ThirdParty)
	g, err := requestToken(free, s.HTTP, p, "renew the session", endpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			conf := oauthConfig(p, Server{TokenEndpoint: endpoint}, c.ClientID, "")
			return conf.TokenSource(ctx, &oauth2.Token{RefreshToken: c.RefreshToken.Reveal()}).Token()
		})
	if err != nil {
		return s.refused(free, c, err, before)
	}
	renewed, err := s.save(free, r, c, g)
	if err == nil {
		s.forgetSending()
		s.logf("the session is renewed for %s", g.lifetime)
	}
	return renewed, err
}

// prepareDisk notes that the refresh token is about to be sent, and makes sure that the answer can be stored: a token that
// is spent and cannot be stored is a session lost. The note comes first, because it may take the last room there is.
func (s *Source) prepareDisk(ctx context.Context, c config.Credential, before time.Time) error {
	if before.IsZero() {
		if err := s.noteSending(ctx, c); err != nil {
			return err
		}
	}
	err := s.Store.CheckWritable()
	if err != nil && before.IsZero() {
		s.forgetSending()
	}
	return err
}

// tokenEndpoint is the one that was discovered at sign-in, if it is where the credential belongs, else the fixed one.
func (s *Source) tokenEndpoint(c config.Credential) (string, error) {
	if s.Provider.OAuth == nil {
		return "", &NotOfferedError{Host: hostOf(c.BaseURL), What: "to renew a session"}
	}
	if c.TokenEndpoint != "" && (c.ThirdParty || SameOrigin(c.TokenEndpoint, c.BaseURL)) {
		return c.TokenEndpoint, nil
	}
	return fixedServer(c.BaseURL, s.Provider.OAuth).TokenEndpoint, nil
}

// save stores the new tokens in one write, unless the record was replaced meanwhile by a new sign-in or a sign-out.
func (s *Source) save(ctx context.Context, r *refresh, spent config.Credential, g grant) (config.Credential, error) {
	received := now(s.Now)
	var stored config.Credential
	for delay := 50 * time.Millisecond; ; delay *= 2 {
		err := s.change(ctx, spent, func(c *config.Credential) {
			g.apply(c, received)
			if r.rejected != "" {
				c.ForcedAt = received
			}
			stored = *c
		})
		if err == nil {
			s.mu.Lock()
			s.own, s.ownAt = stored.Token, received
			s.mu.Unlock()
		}
		if err == nil || errors.Is(err, errReplaced) {
			return stored, err
		}
		if delay > 400*time.Millisecond {
			return stored, &NotSavedError{Profile: s.Profile, Err: err}
		}
		s.Store.Pause(delay)
	}
}

// change edits the record only if it still holds the refresh token that we know.
func (s *Source) change(ctx context.Context, known config.Credential, edit func(*config.Credential)) error {
	return s.Store.Update(ctx, func(d *config.Document) error {
		p, ok := d.Profile(s.Profile)
		if !ok {
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

// refused decides what a failed refresh means. Only invalid_grant, and only if nobody else has refreshed, ends the
// session. Everything else keeps it. before is when the refresh token was sent by an earlier refresh, if it was.
func (s *Source) refused(ctx context.Context, c config.Credential, cause error, before time.Time) (config.Credential, error) {
	if refusal := (*OAuthError)(nil); errors.As(cause, &refusal) && refusal.Code == "invalid_grant" {
		return s.invalidGrant(ctx, c, refusal, before)
	}
	if before.IsZero() && !mayHaveRotated(cause) {
		s.forgetSending()
	}
	return c, &RefreshError{Err: cause}
}

// mayHaveRotated reports whether the service may have carried out a refresh whose answer we do not have.
func mayHaveRotated(cause error) bool {
	var unreachable *UnreachableError
	var status *StatusError
	var reply *ResponseError
	switch {
	case errors.As(cause, &unreachable):
		return unreachable.sent
	case errors.As(cause, &status): // a 500 or a gateway's answer says nothing about how far the service got
		return status.Status >= 500 && status.Status != http.StatusServiceUnavailable
	}
	return errors.As(cause, &reply)
}

// invalidGrant looks again for a quarter of a second, because a program that does not know our lock may be writing
// what it got for the same refresh token. If nothing changes, the record is marked, not deleted.
func (s *Source) invalidGrant(
	ctx context.Context, c config.Credential, refusal *OAuthError, before time.Time,
) (config.Credential, error) {
	for range 5 {
		if stored, err := s.load(); err == nil && stored.RefreshToken != c.RefreshToken {
			s.forgetSending()
			return stored, errReplaced
		}
		s.Store.Pause(50 * time.Millisecond)
	}
	reason := ReasonRefused
	switch {
	case !before.IsZero():
		reason, c.RotationSentAt = ReasonLostResponse, before
	case !c.RefreshExpiresAt.IsZero() && s.RemainingIdle(c) == 0:
		reason = ReasonUnused
	}
	err := s.change(ctx, c, func(stored *config.Credential) {
		stored.EndedAt, stored.EndedReason, stored.RotationSentAt = now(s.Now), string(reason), c.RotationSentAt
	})
	if errors.Is(err, errReplaced) {
		return c, err
	}
	if err != nil {
		s.logf("the end of the session could not be noted: %v", err)
	} else {
		s.forgetSending()
	}
	return c, s.sessionEnded(c, reason, refusal.Description)
}

// asRefreshError leaves errors that say enough as they are.
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
