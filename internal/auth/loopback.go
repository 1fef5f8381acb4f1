package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/auth/redirecturi"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// signInTime is the default time limit of a sign-in. It is also the usual lifetime of an authorization code.
const signInTime = 10 * time.Minute

// Loopback signs in with a browser that is redirected to this machine (RFC 8252 section 7.3) and PKCE. At the same time the
// user may paste the authorization response, from a browser on another machine. The first response is used.
type Loopback struct {
	HTTP     *http.Client // nil means http.DefaultClient
	Provider provider.Provider
	BaseURL  string // the origin that the credential will belong to
	Server   Server // from Discover
	Client   Client // of an earlier sign-in, to be reused if its redirect URI fits; may be zero
	// RegistrationToken is the initial access token for the registration of a client (RFC 7591 section 3); may be empty.
	RegistrationToken config.Secret

	ShowURL     func(address string)       // called once, before Run waits
	ShowConsent func(address string)       // called if the user must approve again, so that there is a refresh token; may be nil
	OpenBrowser func(address string) error // nil means that there is no browser; an error is only logged
	// Paste reads one line from the user. Nil means that there is no terminal. After an error there is no further call. A call
	// may still be running when Run returns.
	Paste          func(ctx context.Context) (string, error)
	ShowPasteError func(err error)      // receives a *PastedError or *PastedSecretError; the next Paste follows
	Warn           func(message string) // tells the user about what the browser may show and this program does not receive; may be nil
	// Finish stores the new credential and returns the name of its account. The browser shows the result of Finish.
	Finish func(ctx context.Context, c config.Credential) (account string, err error)

	Timeout time.Duration    // of the whole sign-in; 0 means 10 minutes
	Now     func() time.Time // nil means time.Now
	Logf    func(format string, args ...any)

	current atomic.Pointer[attempt] // that a pasted response must match
}

// Run signs in. Errors: *PortError, *ListenError, *TimeoutError, *DeniedError, *OAuthError, *UnreachableError, *StatusError,
// *ResponseError, *NotOfferedError, *RegistrationError, *ClientRefusedError, *clientkey.Error, ctx's, or what Finish returned.
func (l *Loopback) Run(ctx context.Context) (config.Credential, error) {
	if l.Server.AuthorizationEndpoint == "" {
		return config.Credential{}, &NotOfferedError{Host: hostOf(l.Server.Issuer), What: "a sign-in in the browser, only with a device code", Instead: WithDevice}
	}
	limit := l.Timeout
	if limit == 0 {
		limit = signInTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &TimeoutError{After: limit})
	defer cancel()
	var earlier Client
	if l.Client.Issuer == l.Server.Issuer {
		earlier = l.Client
	}
	listeners, redirectURI, err := listenLoopback(ctx, earlier)
	if err != nil {
		return config.Credential{}, err
	}
	t := &attempt{provider: l.Provider, server: l.Server, state: randomText(32), verifier: randomText(64)}
	if t.client, err = l.client(ctx, redirectURI); err != nil {
		closeAll(listeners)
		return config.Credential{}, err
	}
	l.current.Store(t)
	callback := serveCallback(listeners, t, l.Warn)
	defer callback.close()

	address := l.authorizeURL(t)
	l.ShowURL(address)
	if l.OpenBrowser != nil {
		go func() {
			if err := l.OpenBrowser(address); err != nil {
				l.logf("the browser could not be opened: %v", err)
			}
		}()
	}
	pastes := make(chan paste)
	if l.Paste != nil {
		go l.readPastes(ctx, pastes)
	}
	return l.await(ctx, t, callback, pastes)
}

// client returns the client that the user named, the saved client if it was registered with exactly this redirect URI, or a new
// one. RFC 8252 allows another port, but not every server does. The user would see only an error page if the redirect URI did
// not match, or if the server had forgotten the client; therefore client checks an existing client first.
func (l *Loopback) client(ctx context.Context, redirectURI string) (Client, error) {
	saved := l.Client
	isOfServer := saved.ID != "" && saved.Issuer == l.Server.Issuer
	switch {
	case isOfServer && saved.UserProvided:
		saved.RedirectURI = redirectURI
		return saved, l.checkGiven(ctx, saved)
	case isOfServer && saved.RedirectURI == redirectURI:
		if l.isKnown(ctx, saved) {
			return saved, nil
		}
		l.logf("the service no longer knows the saved client; registering a new one")
	}
	client, err := Register(ctx, l.HTTP, l.Server, l.Provider, Registration{RedirectURI: redirectURI, Token: l.RegistrationToken})
	client.Params = saved.paramsFor(l.Server)
	return client, err
}

func (l *Loopback) authorizeURL(t *attempt) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(t.verifier)}
	if slices.Contains(l.Provider.OAuth.Scopes, scopeOpenID) {
		options = append(options, oauth2.SetAuthURLParam("nonce", randomText(16))) // some servers require it; this package reads no ID token
	}
	address := oauthConfig(l.Provider, l.Server, t.client.ID, t.client.RedirectURI).AuthCodeURL(t.state, options...)
	return withParams(address, t.client.params())
}

// await completes the sign-in with the first authorization response. A pasted code that the service does not accept is not
// final.
func (l *Loopback) await(ctx context.Context, t *attempt, callback *callbackServer, pastes <-chan paste) (config.Credential, error) {
	for {
		var c config.Credential
		var account string
		var err error
		var pasted chan<- error
		select {
		case <-ctx.Done():
			c, account, err = l.timeOut(ctx, t)
		case r := <-callback.responses:
			c, account, err = l.complete(ctx, t, r)
		case p := <-pastes:
			c, account, err = l.complete(ctx, t, p.response)
			if refused := (*OAuthError)(nil); errors.As(err, &refused) && refused.Code == "invalid_grant" {
				p.refused <- &PastedError{"the service does not accept that code: approve again, and paste the new code"}
				continue
			}
			pasted = p.refused
		}
		if needed := (*consentError)(nil); errors.As(err, &needed) {
			t, callback = l.askConsent(t, callback, needed)
			if pasted != nil {
				close(pasted) // the user may paste the next response
			}
			continue
		}
		callback.finish(account, err)
		return c, err
	}
}

// complete exchanges the code for tokens and calls Finish. The error is a *consentError if the user must approve again first.
func (l *Loopback) complete(ctx context.Context, t *attempt, r authResponse) (c config.Credential, account string, err error) {
	g, err := t.orFirst(l.exchange(ctx, t, r))
	if err != nil {
		return config.Credential{}, "", l.describe(t, err)
	}
	if l.needsConsent(t, g) {
		return config.Credential{}, "", &consentError{first: g}
	}
	return l.save(ctx, t, g)
}

// exchange exchanges the code of a response for tokens.
func (l *Loopback) exchange(ctx context.Context, t *attempt, r authResponse) (grant, error) {
	if err := t.check(r); err != nil {
		return grant{}, err
	}
	return requestToken(ctx, l.HTTP, l.Provider, t.client, "sign in", l.Server.TokenEndpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			return oauthConfig(l.Provider, l.Server, t.client.ID, t.client.RedirectURI).
				Exchange(ctx, r.code, oauth2.VerifierOption(t.verifier))
		})
}

// save calls Finish with the credential of a grant. It remembers promptConsent if that brought a refresh token.
func (l *Loopback) save(ctx context.Context, t *attempt, g grant) (c config.Credential, account string, err error) {
	g.requested = strings.Join(l.Provider.OAuth.Scopes, " ")
	client := t.client
	if client.UserProvided && !l.Client.isBound() {
		client.RedirectURI = redirecturi.Parse(client.RedirectURI).WithoutPort() // the next sign-in may use another port
	}
	if t.first != nil && g.refresh == "" {
		client.Params = l.Client.Params
	}
	c = g.credential(l.BaseURL, l.Server, client, now(l.Now))
	account, err = l.Finish(ctx, c)
	return c, account, err
}

// describe returns the error of a sign-in. At a third-party server the user can register another client than the refused one.
func (l *Loopback) describe(t *attempt, err error) error {
	if !l.Server.ThirdParty {
		return err
	}
	return t.client.describeRefusal(err)
}

// A paste is a pasted authorization response.
type paste struct {
	response authResponse
	refused  chan<- error // receives an error if the service does not accept the code; closed if another response is needed
}

func (l *Loopback) readPastes(ctx context.Context, pastes chan<- paste) {
	for ctx.Err() == nil {
		text, err := l.Paste(ctx)
		if err != nil {
			l.logf("reading pasted text ended: %v", err)
			return
		}
		response, err := l.current.Load().readPaste(text)
		if err == nil {
			refused := make(chan error, 1)
			select {
			case pastes <- paste{response, refused}:
			case <-ctx.Done():
				return
			}
			select {
			case err = <-refused:
			case <-ctx.Done():
				return
			}
		}
		if err != nil && l.ShowPasteError != nil {
			l.ShowPasteError(err)
		}
	}
}

func (l *Loopback) logf(format string, args ...any) {
	if l.Logf != nil {
		l.Logf(format, args...)
	}
}

// randomText returns n random bytes in unpadded base64url.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

func now(clock func() time.Time) time.Time {
	if clock == nil {
		return time.Now()
	}
	return clock()
}
