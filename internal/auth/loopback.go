package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

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

	ShowURL     func(address string)       // called once, before Run waits
	OpenBrowser func(address string) error // nil means that there is no browser; an error is only logged
	// Paste reads one line from the user. Nil means that there is no terminal. After an error there is no further call. A call
	// may still be running when Run returns.
	Paste          func(ctx context.Context) (string, error)
	ShowPasteError func(err error) // receives a *PastedError or *PastedSecretError; the next Paste follows
	// Finish stores the new credential and returns the name of its account. The browser shows the result of Finish.
	Finish func(ctx context.Context, c config.Credential) (account string, err error)

	Timeout time.Duration    // of the whole sign-in; 0 means 10 minutes
	Now     func() time.Time // nil means time.Now
	Logf    func(format string, args ...any)
}

// Run signs in. Errors: *PortError, *ListenError, *TimeoutError, *DeniedError, *OAuthError, *UnreachableError, *StatusError,
// *ResponseError, *NotOfferedError, *RegistrationError, ctx's, or what Finish returned.
func (l *Loopback) Run(ctx context.Context) (config.Credential, error) {
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
	if t.client, err = l.client(ctx, t, redirectURI); err != nil {
		closeAll(listeners)
		return config.Credential{}, err
	}
	callback := serveCallback(listeners, t)
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
		go l.readPastes(ctx, t, pastes)
	}
	return l.await(ctx, t, callback, pastes)
}

// client returns the saved client if it was registered with exactly this redirect URI, and otherwise registers a new one. RFC
// 8252 allows another port, but not every server does. The user would see only an error page if the redirect URI did not
// match, or if the server had forgotten the client; therefore client checks a saved client first.
func (l *Loopback) client(ctx context.Context, t *attempt, redirectURI string) (Client, error) {
	saved := l.Client
	if saved.UserProvided && saved.Issuer == l.Server.Issuer {
		saved.RedirectURI = redirectURI
		return saved, nil
	}
	if saved.ID != "" && saved.Issuer == l.Server.Issuer && saved.RedirectURI == redirectURI {
		t.client = saved
		if l.isKnown(ctx, t) {
			return saved, nil
		}
		l.logf("the service no longer knows the saved client; registering a new one")
	}
	return Register(ctx, l.HTTP, l.Server, l.Provider, redirectURI)
}

// isKnown requests the authorization page as a browser would. A server reports an unknown client or redirect URI on that page
// and does not redirect (RFC 6749 section 4.1.2.1).
func (l *Loopback) isKnown(ctx context.Context, t *attempt) bool {
	call, cancel := newCall(ctx, l.HTTP, l.Provider.OAuth, "sign in")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, l.authorizeURL(t), nil)
	if err != nil {
		return false
	}
	r, err := call.send(req)
	return err == nil && r.status < 400
}

func (l *Loopback) authorizeURL(t *attempt) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(t.verifier)}
	if slices.Contains(l.Provider.OAuth.Scopes, scopeOpenID) {
		options = append(options, oauth2.SetAuthURLParam("nonce", randomText(16))) // some servers require it; this package reads no ID token
	}
	if slices.Contains(l.Provider.OAuth.Scopes, scopeOffline) {
		options = append(options, oauth2.SetAuthURLParam("prompt", "consent")) // required by OpenID Core section 11
	}
	return oauthConfig(l.Provider, l.Server, t.client.ID, t.client.RedirectURI).AuthCodeURL(t.state, options...)
}

// await completes the sign-in with the first authorization response. A pasted code that the service does not accept is not
// final.
func (l *Loopback) await(ctx context.Context, t *attempt, callback *callbackServer, pastes <-chan paste) (config.Credential, error) {
	for {
		var c config.Credential
		var account string
		var err error
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case r := <-callback.responses:
			c, account, err = l.complete(ctx, t, r)
		case p := <-pastes:
			c, account, err = l.complete(ctx, t, p.response)
			if refused := (*OAuthError)(nil); errors.As(err, &refused) && refused.Code == "invalid_grant" {
				p.refused <- &PastedError{"the service does not accept that code: approve again, and paste the new code"}
				continue
			}
		}
		callback.finish(account, err)
		return c, err
	}
}

// complete exchanges the code for tokens and calls Finish.
func (l *Loopback) complete(ctx context.Context, t *attempt, r authResponse) (c config.Credential, account string, err error) {
	if err := t.check(r); err != nil {
		return config.Credential{}, "", err
	}
	g, err := requestToken(ctx, l.HTTP, l.Provider, "sign in", l.Server.TokenEndpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			return oauthConfig(l.Provider, l.Server, t.client.ID, t.client.RedirectURI).
				Exchange(ctx, r.code, oauth2.VerifierOption(t.verifier))
		})
	if err != nil {
		return config.Credential{}, "", err
	}
	g.scope = cmp.Or(g.scope, strings.Join(l.Provider.OAuth.Scopes, " ")) // a server may omit it if it granted what was requested
	client := t.client
	if client.UserProvided && !l.Client.isBound() {
		client.RedirectURI = anyPort // the next sign-in may use another port
	}
	c = g.credential(l.BaseURL, l.Server, client, now(l.Now))
	account, err = l.Finish(ctx, c)
	return c, account, err
}

// A paste is a pasted authorization response.
type paste struct {
	response authResponse
	refused  chan<- error // receives an error if the service does not accept the code
}

func (l *Loopback) readPastes(ctx context.Context, t *attempt, pastes chan<- paste) {
	for ctx.Err() == nil {
		text, err := l.Paste(ctx)
		if err != nil {
			l.logf("reading pasted text ended: %v", err)
			return
		}
		response, err := t.readPaste(text)
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
		if l.ShowPasteError != nil {
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

// portOf returns the port of a redirect URI on 127.0.0.1, and "0", which means any port, if it names none.
func portOf(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Hostname() != "127.0.0.1" || u.Port() == "" {
		return "0"
	}
	return u.Port()
}
