package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
)

// deviceRedirect is the redirect URI of a client that uses only device codes. Some servers require one.
const deviceRedirect = "http://127.0.0.1/callback"

const (
	defaultInterval = 5 * time.Second // between two polls (RFC 8628 section 3.2)
	slowDown        = 5 * time.Second // added to the interval after slow_down (RFC 8628 section 3.5)
	maxPollDelay    = time.Minute     // between two polls while the service fails, unless the interval is longer
)

// Device signs in with a device code, which the user enters in a browser on any machine (RFC 8628). Start and Finish may run
// in different processes.
type Device struct {
	HTTP     *http.Client // nil means http.DefaultClient
	Provider provider.Provider
	BaseURL  string // the origin that the credential will belong to
	Server   Server // from Discover
	Client   Client // of an earlier sign-in, to be reused; may be zero
	// RegistrationToken is the initial access token for the registration of a client (RFC 7591 section 3); may be empty.
	RegistrationToken config.Secret

	Now   func() time.Time                                 // nil means time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil means retry.Sleep
	Logf  func(format string, args ...any)                 // nil means no log
}

// DeviceLogin is a sign-in that waits for approval. Its JSON form contains no secret; Encode returns the form to store.
type DeviceLogin struct {
	UserCode                string        `json:"userCode"`
	VerificationURI         string        `json:"verificationUri"`
	VerificationURIComplete string        `json:"verificationUriComplete,omitempty"` // contains the code, for a QR code
	ExpiresAt               time.Time     `json:"expiresAt"`
	Interval                time.Duration `json:"-"`

	BaseURL    string        `json:"baseUrl"`
	Scope      string        `json:"scope,omitempty"`
	DeviceCode config.Secret `json:"-"`
	Client     Client        `json:"-"`
	Server     Server        `json:"-"`
}

// Start requests a device code. Errors: *NotOfferedError if the service has no device codes, *UnreachableError, *StatusError,
// *OAuthError, *ResponseError, *ClientRefusedError, *RegistrationError.
func (d *Device) Start(ctx context.Context) (DeviceLogin, error) {
	if d.Server.DeviceEndpoint == "" {
		return DeviceLogin{}, &NotOfferedError{Host: hostOf(d.BaseURL), What: "a sign-in with a device code", Instead: InBrowser}
	}
	if d.Client.ID != "" && d.Client.Issuer == d.Server.Issuer {
		login, err := d.authorize(ctx, d.Client)
		if d.Client.UserProvided {
			return login, Client{ID: d.Client.ID}.describeRefusal(err, http.StatusBadRequest, http.StatusUnauthorized)
		}
		if !refusesClient(err) {
			return login, err
		}
	}
	client, err := Register(ctx, d.HTTP, d.Server, d.Provider, Registration{RedirectURI: deviceRedirect, IsDevice: true, Token: d.RegistrationToken})
	if err != nil {
		return DeviceLogin{}, err
	}
	client.Params = d.Client.paramsFor(d.Server)
	return d.authorize(ctx, client)
}

func (d *Device) authorize(ctx context.Context, client Client) (DeviceLogin, error) {
	call, cancel := newCall(ctx, d.HTTP, d.Provider.OAuth, "request a device code")
	defer cancel()
	call.as, call.extra = client, client.params()
	asked := time.Now()
	response, err := oauthConfig(d.Provider, d.Server, client.ID, "").DeviceAuth(call.context())
	if err != nil {
		return DeviceLogin{}, call.convert(hostOf(d.Server.DeviceEndpoint), err)
	}
	malformed := func(detail string) (DeviceLogin, error) {
		return DeviceLogin{}, &ResponseError{Doing: call.doing, Host: hostOf(d.Server.DeviceEndpoint), Detail: detail}
	}
	login := DeviceLogin{
		UserCode: clean(response.UserCode, 60), DeviceCode: config.Secret(response.DeviceCode),
		VerificationURI: response.VerificationURI, VerificationURIComplete: response.VerificationURIComplete,
		Interval: time.Duration(response.Interval) * time.Second, Scope: strings.Join(d.Provider.OAuth.Scopes, " "),
		BaseURL: d.BaseURL, Client: client, Server: d.Server,
	}
	if login.UserCode == "" || !isToken(response.DeviceCode) {
		return malformed("contains no code")
	}
	if _, err := safeurl.Check(login.VerificationURI); err != nil {
		return malformed("contains an invalid verification URI")
	}
	if _, err := safeurl.Check(login.VerificationURIComplete); err != nil {
		login.VerificationURIComplete = ""
	}
	life := response.Expiry.Sub(asked)
	if response.Expiry.IsZero() {
		life = signInTime
	}
	login.ExpiresAt = now(d.Now).Add(life)
	return login, nil
}

// Finish polls the token endpoint until the user has approved. It obeys the service's slow_down for all later polls, and
// continues after network and server errors until the code expires. Errors: *DeniedError, *ExpiredError, *OAuthError,
// *safeurl.Error, ctx's.
func (d *Device) Finish(ctx context.Context, login DeviceLogin) (config.Credential, error) {
	sleep := d.Sleep
	if sleep == nil {
		sleep = retry.Sleep
	}
	interval := login.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	pace := pace{interval: interval, delay: interval}
	for {
		if !now(d.Now).Add(pace.delay).Before(login.ExpiresAt) {
			return config.Credential{}, &ExpiredError{}
		}
		if err := sleep(ctx, pace.delay); err != nil {
			return config.Credential{}, err
		}
		c, err := d.poll(ctx, login)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		if err := pace.adjust(err); err != nil {
			return config.Credential{}, err
		}
		if refused := (*OAuthError)(nil); d.Logf != nil && !errors.As(err, &refused) {
			d.Logf("%v; polling again", err)
		}
	}
}

// A pace is the delay before the next poll.
type pace struct{ interval, delay time.Duration }

// adjust sets the delay after a failed poll. It returns an error if the failure is final.
func (p *pace) adjust(err error) error {
	var refused *OAuthError
	var status *StatusError
	backoff := min(2*p.delay, max(p.interval, maxPollDelay))
	switch {
	case errors.As(err, &refused) && refused.Code == "authorization_pending":
		p.delay = p.interval
	case errors.As(err, &refused) && refused.Code == "slow_down":
		p.interval += slowDown
		p.delay = p.interval
	case errors.As(err, &refused) && refused.Code == "access_denied":
		return &DeniedError{Description: refused.Description}
	case errors.As(err, &refused) && refused.Code == "expired_token":
		return &ExpiredError{}
	case IsPassing(err):
		p.delay = backoff
		if errors.As(err, &status) {
			p.delay = max(backoff, status.RetryAfter)
		}
	default:
		return err
	}
	return nil
}

func (d *Device) poll(ctx context.Context, login DeviceLogin) (config.Credential, error) {
	p := dialect(d.Provider, login.Server.ThirdParty)
	g, err := requestToken(ctx, d.HTTP, p, login.Client, "sign in", login.Server.TokenEndpoint,
		func(ctx context.Context) (*oauth2.Token, error) {
			// The polling loop of x/oauth2 ends at the first network error, so send one token request. call.prepare removes
			// the empty code.
			return oauthConfig(p, login.Server, login.Client.ID, "").Exchange(ctx, "",
				oauth2.SetAuthURLParam("grant_type", grantDevice),
				oauth2.SetAuthURLParam("device_code", login.DeviceCode.Reveal()))
		})
	if err != nil {
		return config.Credential{}, err
	}
	g.requested = login.Scope
	return g.credential(login.BaseURL, login.Server, login.Client, now(d.Now)), nil
}

// storedLogin is the stored form of a DeviceLogin. It contains the device code.
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
	Userinfo        string `json:"userinfoEndpoint,omitempty"`
	ThirdParty      bool   `json:"standard,omitempty"`
	UserProvided    bool   `json:"clientGiven,omitempty"`
	Params          string `json:"params,omitempty"`
	AuthMethod      string `json:"clientAuth,omitempty"`
	KeyFile         string `json:"clientKeyFile,omitempty"`
	Audience        string `json:"clientAudience,omitempty"`
}

// Encode returns the form that another process can decode and Finish. It contains the device code, so store it in a file that
// only its owner can read. It does not contain the secret of the client.
func (l DeviceLogin) Encode() ([]byte, error) {
	return json.Marshal(storedLogin{
		DeviceLogin: l, DeviceCode: l.DeviceCode.Reveal(), IntervalSeconds: int64(l.Interval / time.Second), ClientID: l.Client.ID,
		RedirectURI: l.Client.RedirectURI, Issuer: l.Server.Issuer, TokenEndpoint: l.Server.TokenEndpoint,
		Revocation: l.Server.RevocationEndpoint, Registration: l.Server.RegistrationEndpoint, Userinfo: l.Server.UserinfoEndpoint,
		ThirdParty: l.Server.ThirdParty, UserProvided: l.Client.UserProvided, Params: l.Client.Params,
		AuthMethod: l.Client.Auth.Method, KeyFile: l.Client.Auth.KeyFile, Audience: l.Client.Auth.Audience,
	})
}

var errStoredLogin = errors.New("the stored sign-in is not valid")

// DecodeDeviceLogin reads the form that Encode returned. Errors: *safeurl.Error if the token endpoint is not on the origin of the
// service, which is allowed only for a third-party server, and one for malformed JSON.
func DecodeDeviceLogin(raw []byte) (DeviceLogin, error) {
	var s storedLogin
	if err := json.Unmarshal(raw, &s); err != nil {
		return DeviceLogin{}, errStoredLogin
	}
	u, err := url.Parse(s.TokenEndpoint)
	if err != nil || !s.ThirdParty && !safeurl.SameOrigin(s.TokenEndpoint, s.BaseURL) {
		return DeviceLogin{}, &safeurl.Error{URL: clean(s.TokenEndpoint, 100), Detail: "it is not on " + clean(s.BaseURL, 100)}
	}
	if _, err := safeurl.Check(u.String()); err != nil {
		return DeviceLogin{}, err
	}
	l := s.DeviceLogin
	l.DeviceCode, l.Interval = config.Secret(s.DeviceCode), time.Duration(s.IntervalSeconds)*time.Second
	l.Client = Client{
		ID: s.ClientID, RedirectURI: s.RedirectURI, Issuer: s.Issuer, UserProvided: s.UserProvided, Params: s.Params,
		Auth: ClientAuth{Method: s.AuthMethod, KeyFile: s.KeyFile, Audience: s.Audience},
	}
	l.Server = Server{
		Issuer: s.Issuer, TokenEndpoint: s.TokenEndpoint, RevocationEndpoint: s.Revocation, RegistrationEndpoint: s.Registration,
		UserinfoEndpoint: s.Userinfo, ThirdParty: s.ThirdParty,
	}
	return l, nil
}
