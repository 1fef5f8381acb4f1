package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/uselamina/lamina/internal/config"
)

// promptConsent is the prompt parameter that OpenID Connect Core section 11 requires for a refresh token. Most servers issue one
// without it, and at some of them it fails for users if an administrator has consented for them. Therefore the first
// authorization request has no prompt; a second one with promptConsent follows only if there was no refresh token.
const promptConsent = "consent"

// consentError means that an authorization request must be repeated with promptConsent.
type consentError struct{ first grant }

// Error describes the problem.
func (*consentError) Error() string { return "the authorization server issued no refresh token" }

// needsConsent reports whether an OpenID server may issue a refresh token only after promptConsent.
func (l *Loopback) needsConsent(t *attempt, g grant) bool {
	scopes := l.Provider.OAuth.Scopes
	isOpenID := slices.Contains(scopes, scopeOpenID) || slices.Contains(l.Server.scopes, scopeOpenID)
	return g.refresh == "" && isOpenID && slices.Contains(scopes, scopeOffline) && !t.client.params().Has("prompt")
}

// askConsent begins the second authorization request, in the browser that waits for the result of the first one. It reuses the
// redirect URI.
func (l *Loopback) askConsent(t *attempt, callback *callbackServer, needed *consentError) (*attempt, *callbackServer) {
	next := &attempt{
		provider: t.provider, server: t.server, client: t.client, state: randomText(32), verifier: randomText(64), first: &needed.first,
	}
	params := t.client.params()
	params.Set("prompt", promptConsent)
	next.client.Params = params.Encode()
	l.current.Store(next)
	address := l.authorizeURL(next)
	l.logf("%v; asking again with prompt=%s", needed, promptConsent)
	if l.ShowConsent != nil {
		l.ShowConsent(address)
	}
	return next, callback.restart(next, address)
}

// orFirst returns the grant of the first authorization request if the second one was refused. The user's refusal is final.
func (t *attempt) orFirst(g grant, err error) (grant, error) {
	var refused *OAuthError
	if t.first != nil && errors.As(err, &refused) && refused.Code != "invalid_grant" {
		return *t.first, nil
	}
	return g, err
}

// timeOut ends the wait for a response. The session of the first authorization request is kept if there is one.
func (l *Loopback) timeOut(ctx context.Context, t *attempt) (c config.Credential, account string, err error) {
	err = context.Cause(ctx)
	if late := (*TimeoutError)(nil); t.first == nil || !errors.As(err, &late) {
		return config.Credential{}, "", err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestLimit(l.HTTP))
	defer cancel()
	return l.save(ctx, t, *t.first)
}
