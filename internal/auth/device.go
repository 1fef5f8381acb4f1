package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// deviceRedirect is registered for a client that only ever uses device codes: some servers insist on a redirect URI.
const deviceRedirect = "http://127.0.0.1/callback"

// Device signs in with a code that a person types in a browser elsewhere (RFC 8628). Start and Finish may happen in two
// processes.
type Device struct {
	HTTP     *http.Client // nil means http.DefaultClient
	Provider provider.Provider
	BaseURL  string // the origin the credential will belong to
	Server   Server // from Discover
	Client   Client // of an earlier sign-in, used again; may be zero

	Now   func() time.Time                                 // nil means time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil means a timer that ends with ctx
	Logf  func(format string, args ...any)                 // nil is silent
}

// DeviceLogin is a sign-in that waits for approval. Its JSON form is safe to show; Encode is the form to store.
type DeviceLogin struct {
	UserCode                string        `json:"userCode"`
	VerificationURI         string        `json:"verificationUri"`
	VerificationURIComplete string        `json:"verificationUriComplete,omitempty"` // with the code in it, for a QR code
	ExpiresAt               time.Time     `json:"expiresAt"`
	Interval                time.Duration `json:"-"`

	BaseURL    string        `json:"baseUrl"`
	Scope      string        `json:"scope,omitempty"`
	DeviceCode config.Secret `json:"-"`
	Client     Client        `json:"-"`
	Server     Server        `json:"-"`
}

// Start asks for a code. Errors: *NotOfferedError when the service has no device codes, *UnreachableError, *StatusError,
// *OAuthError, *ResponseError.
func (d *Device) Start(ctx context.Context) (DeviceLogin, error) {
	if d.Server.DeviceEndpoint == "" {
		return DeviceLogin{}, &NotOfferedError{Host: hostOf(d.BaseURL), What: "a sign-in with a device code"}
	}
	client := d.Client
	ours := client.ID != "" && client.Issuer == d.Server.Issuer
	given := ours && client.UserProvided
	reused := ours && !given
	for {
		var err error
		if !reused && !given {
			if client, err = Register(ctx, d.HTTP, d.Server, d.Provider, deviceRedirect); err != nil {
				return DeviceLogin{}, err
			}
		}
		login, err := d.authorize(ctx, client)
		var refused *OAuthError
		forgotten := errors.As(err, &refused) && (refused.Code == "invalid_client" || refused.Code == "unauthorized_client")
		if !reused || !forgotten {
			return login, err
		}
		reused = false // the server forgot the client, or it may not use device codes: register anew, once
	}
}

func (d *Device) authorize(ctx context.Context, client Client) (DeviceLogin, error) {
	call, cancel := newCall(ctx, d.HTTP, d.Provider.OAuth, "ask for a device code")
	defer cancel()
	asked := time.Now()
	reply, err := oauthConfig(d.Provider, d.Server, client.ID, "").DeviceAuth(call.context())
	if err != nil {
		return DeviceLogin{}, call.explain(hostOf(d.Server.DeviceEndpoint), err)
	}
	malformed := func(detail string) (DeviceLogin, error) {
		return DeviceLogin{}, &ResponseError{Doing: call.doing, Host: hostOf(d.Server.DeviceEndpoint), Detail: detail}
	}
	login := DeviceLogin{
		UserCode: clean(reply.UserCode, 60), DeviceCode: config.Secret(reply.DeviceCode), VerificationURI: reply.VerificationURI, Scope: strings.Join(d.Provider.OAuth.Scopes, " "),
		VerificationURIComplete: reply.VerificationURIComplete, Interval: time.Duration(reply.Interval) * time.Second,
		BaseURL: d.BaseURL, Client: client, Server: d.Server,
	}
	if login.UserCode == "" || !isToken(reply.DeviceCode) {
		return malformed("holds no code")
	}
	if _, err := CheckURL(login.VerificationURI); err != nil {
		return malformed("holds an address for the browser that is refused")
	}
	if _, err := CheckURL(login.VerificationURIComplete); err != nil {
		login.VerificationURIComplete = ""
	}
	life := reply.Expiry.Sub(asked)
	if reply.Expiry.IsZero() {
		life = signInTime
	}
	login.ExpiresAt = now(d.Now).Add(life)
	return login, nil
}

// Finish asks until the person has approved. The service's slow_down is obeyed for good; faults of the network are
// outlasted until the code expires. Errors: *DeniedError, *ExpiredError, *OAuthError, *URLError, ctx's.
func (d *Device) Finish(ctx context.Context, login DeviceLogin) (config.Credential, error) {
	interval := login.Interval
	if interval <= 0 {
		interval = 5 * time.Second // RFC 8628 section 3.2
	}
	wait := interval
	for {
		if !now(d.Now).Add(wait).Before(login.ExpiresAt) {
			return config.Credential{}, &ExpiredError{}
		}
		if err := d.sleep(ctx, wait); err != nil {
			return config.Credential{}, err
		}
		c, err := d.poll(ctx, login)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		var refused *OAuthError
		var unreachable *UnreachableError
		var status *StatusError
		switch {
		case errors.As(err, &refused) && refused.Code == "authorization_pending":
			wait = interval
		case errors.As(err, &refused) && refused.Code == "slow_down":
			interval += 5 * time.Second // for this and all later requests (RFC 8628 section 3.5)
			wait = interval
		case errors.As(err, &refused) && refused.Code == "access_denied":
			return config.Credential{}, &DeniedError{Description: refused.Description}
		case errors.As(err, &refused) && refused.Code == "expired_token":
			return config.Credential{}, &ExpiredError{}
		case errors.As(err, &unreachable):
			d.logf("%v; asking again", err)
			wait = min(2*wait, max(interval, time.Minute))
		case errors.As(err, &status) && (status.Status >= 500 || status.Status == http.StatusTooManyRequests):
			d.logf("%v; asking again", err)
			wait = max(min(2*wait, max(interval, time.Minute)), status.RetryAfter)
		default:
			return config.Credential{}, err
		}
	}
}

func (d *Device) poll(ctx context.Context, login DeviceLogin) (config.Credential, error) {
	p := speaking(d.Provider, login.Server.ThirdParty)
	g, err := requestToken(ctx, d.HTTP, p, "sign in", login.Server.TokenEndpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			// x/oauth2's own loop gives up at the first network fault. The empty code is not sent.
			return oauthConfig(p, login.Server, login.Client.ID, "").Exchange(ctx, "",
				oauth2.SetAuthURLParam("grant_type", grantDevice),
				oauth2.SetAuthURLParam("device_code", login.DeviceCode.Reveal()))
		})
	if err != nil {
		return config.Credential{}, err
	}
	g.scope = cmp.Or(g.scope, login.Scope)
	return g.credential(login.BaseURL, login.Server, login.Client, now(d.Now)), nil
}

func (d *Device) sleep(ctx context.Context, wait time.Duration) error {
	if d.Sleep != nil {
		return d.Sleep(ctx, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (d *Device) logf(format string, args ...any) {
	if d.Logf != nil {
		d.Logf(format, args...)
	}
}

// storedLogin is the stored form of a DeviceLogin, with its secret.
type storedLogin struct {
	DeviceLogin
	DeviceCode      string `json:"deviceCode"`
	IntervalSeconds int64  `json:"intervalSeconds"`
	ClientID        string `json:"clientId"`
	RedirectURI     string `json:"redirectUri"`
	Issuer          string `json:"issuer"`
	TokenEndpoint   string `json:"tokenEndpoint"`
	Revocation      string `json:"revocationEndpoint,omitempty"`
	Registration    string `json:"registrationEndpoint,omitempty"`
	Standard        bool   `json:"standard,omitempty"`
	ClientGiven     bool   `json:"clientGiven,omitempty"`
}

// Encode returns the form that another process can Finish. It holds a secret: store it where only its owner reads.
func (l DeviceLogin) Encode() ([]byte, error) {
	return json.Marshal(storedLogin{
		DeviceLogin: l, DeviceCode: l.DeviceCode.Reveal(), IntervalSeconds: int64(l.Interval / time.Second), ClientID: l.Client.ID,
		RedirectURI: l.Client.RedirectURI, Issuer: l.Server.Issuer, TokenEndpoint: l.Server.TokenEndpoint,
		Revocation: l.Server.RevocationEndpoint, Registration: l.Server.RegistrationEndpoint,
		Standard: l.Server.ThirdParty, ClientGiven: l.Client.UserProvided,
	})
}

// DecodeDeviceLogin reads what Encode wrote. Errors: *URLError when an endpoint is not on the service's own origin (a
// server that was named by its issuer may have it elsewhere), and those of a malformed record.
func DecodeDeviceLogin(raw []byte) (DeviceLogin, error) {
	var s storedLogin
	if err := json.Unmarshal(raw, &s); err != nil {
		return DeviceLogin{}, errors.New("the sign-in that was begun cannot be read: run `lamina login` again")
	}
	u, err := url.Parse(s.TokenEndpoint)
	if err != nil || !s.Standard && !SameOrigin(s.TokenEndpoint, s.BaseURL) {
		return DeviceLogin{}, &URLError{URL: clean(s.TokenEndpoint, 100), Detail: "it is not on " + clean(s.BaseURL, 100)}
	}
	if _, err := CheckURL(u.String()); err != nil {
		return DeviceLogin{}, err
	}
	l := s.DeviceLogin
	l.DeviceCode, l.Interval = config.Secret(s.DeviceCode), time.Duration(s.IntervalSeconds)*time.Second
	l.Client = Client{ID: s.ClientID, RedirectURI: s.RedirectURI, Issuer: s.Issuer, UserProvided: s.ClientGiven}
	l.Server = Server{
		Issuer: s.Issuer, TokenEndpoint: s.TokenEndpoint, RevocationEndpoint: s.Revocation, RegistrationEndpoint: s.Registration,
		ThirdParty: s.Standard,
	}
	return l, nil
}
