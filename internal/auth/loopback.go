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

// signInTime is how long a person has; an authorization code lives as long.
const signInTime = 10 * time.Minute

// Loopback signs in through a browser that is redirected to this machine (RFC 8252 section 7.3) with PKCE. A paste runs
// beside it, for a browser on another machine; whichever comes first wins.
type Loopback struct {
	HTTP     *http.Client // nil means http.DefaultClient
	Provider provider.Provider
	BaseURL  string // the origin the credential will belong to
	Server   Server // from Discover
	Client   Client // of an earlier sign-in, used again where it fits; may be zero

	ShowURL     func(address string)       // called once, before anything waits
	OpenBrowser func(address string) error // nil where there is no browser; its failure is only logged
	// Paste reads one line from the person; nil where there is no terminal. Its error, or ctx's end, ends the pasting.
	// It may still be reading when Run returns.
	Paste          func(ctx context.Context) (string, error)
	ShowPasteError func(err error) // why a paste was refused; the next Paste follows
	// Finish is given the new credential before the browser shows a result: it stores it and returns who signed in.
	Finish func(ctx context.Context, c config.Credential) (who string, err error)

	Timeout time.Duration    // for the person; 0 means 10 minutes
	Now     func() time.Time // nil means time.Now
	Logf    func(format string, args ...any)
}

// Run signs in. Errors: *PortError, *TimeoutError, *DeniedError, *OAuthError, *UnreachableError, *StatusError, *ResponseError,
// *NotOfferedError, ctx's, or what Finish returned.
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

// client uses the saved client where it was registered for exactly this redirect, and otherwise registers a new one.
// RFC 8252 lets the port differ, but not every server follows; a redirect that does not fit strands the person on an
// error page. So does a client the server has forgotten, and therefore it is tried first.
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
		l.logf("the service no longer knows our client, registering a new one")
	}
	return Register(ctx, l.HTTP, l.Server, l.Provider, redirectURI)
}

// isKnown opens the authorization page as a browser would, without a session. An unknown client or redirect gets an
// error there, and never a redirect (RFC 6749 section 4.1.2.1).
func (l *Loopback) isKnown(ctx context.Context, t *attempt) bool {
	call, cancel := newCall(ctx, l.HTTP, l.Provider.OAuth, "sign in")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, l.authorizeURL(t), nil)
	if err != nil {
		return false
	}
	r, err := call.do(req)
	return err == nil && r.status < 400
}

func (l *Loopback) authorizeURL(t *attempt) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(t.verifier)}
	if slices.Contains(l.Provider.OAuth.Scopes, scopeOpenID) {
		options = append(options, oauth2.SetAuthURLParam("nonce", randomText(16))) // some servers insist; we read no ID token
	}
	if slices.Contains(l.Provider.OAuth.Scopes, scopeOffline) {
		options = append(options, oauth2.SetAuthURLParam("prompt", "consent")) // else it is ignored (OpenID Core section 11)
	}
	return oauthConfig(l.Provider, l.Server, t.client.ID, t.client.RedirectURI).AuthCodeURL(t.state, options...)
}

// await takes the first answer that leads somewhere.
func (l *Loopback) await(ctx context.Context, t *attempt, callback *callbackServer, pastes <-chan paste) (config.Credential, error) {
	for {
		var c config.Credential
		var who string
		var err error
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case a := <-callback.answers:
			c, who, err = l.complete(ctx, t, a)
		case p := <-pastes:
			c, who, err = l.complete(ctx, t, p.answer)
			if refused := (*OAuthError)(nil); errors.As(err, &refused) && refused.Code == "invalid_grant" {
				p.refused <- &PastedError{"the service does not accept that code: approve again, and paste what it shows then"}
				continue // the browser may still bring a good one
			}
		}
		callback.conclude(who, err)
		return c, err
	}
}

// complete exchanges the code and hands the credential over.
func (l *Loopback) complete(ctx context.Context, t *attempt, a answer) (config.Credential, string, error) {
	if err := t.refusal(a); err != nil {
		return config.Credential{}, "", err
	}
	g, err := requestToken(ctx, l.HTTP, l.Provider, "sign in", l.Server.TokenEndpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			return oauthConfig(l.Provider, l.Server, t.client.ID, t.client.RedirectURI).
				Exchange(ctx, a.code, oauth2.VerifierOption(t.verifier))
		})
	if err != nil {
		return config.Credential{}, "", err
	}
	g.scope = cmp.Or(g.scope, strings.Join(l.Provider.OAuth.Scopes, " ")) // left out where it is what was asked for
	client := t.client
	if client.UserProvided && !l.Client.isBound() {
		client.RedirectURI = anyPort // the next sign-in may listen elsewhere
	}
	c := g.credential(l.BaseURL, l.Server, client, now(l.Now))
	who, err := l.Finish(ctx, c)
	return c, who, err
}

// A paste is an answer whose sender waits to hear whether it was refused.
type paste struct {
	answer  answer
	refused chan<- error
}

func (l *Loopback) readPastes(ctx context.Context, t *attempt, pastes chan<- paste) {
	for ctx.Err() == nil {
		text, err := l.Paste(ctx)
		if err != nil {
			l.logf("no more pastes: %v", err)
			return
		}
		a, err := t.readPaste(text)
		if err == nil {
			refused := make(chan error, 1)
			select {
			case pastes <- paste{a, refused}:
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

// portOf returns the port of a redirect URI that we registered earlier, or "0" for any.
func portOf(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Hostname() != "127.0.0.1" || u.Port() == "" {
		return "0"
	}
	return u.Port()
}
