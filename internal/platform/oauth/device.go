package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A device is a device authorization request (RFC 8628): a device without a browser waits until a user approves it in a
// browser.
type device struct {
	ClientID   string      `json:"clientId"`
	Scope      string      `json:"scope"`
	ExpiresAt  time.Time   `json:"expiresAt"`
	Interval   int64       `json:"interval"` // seconds between polls of the client
	PolledAt   time.Time   `json:"polledAt"`
	State      deviceState `json:"state"`
	GrantID    string      `json:"grantId,omitempty"`    // once approved
	UserCodeID string      `json:"userCodeId,omitempty"` // key in bucketUserCodes
}

// A deviceState is the state of a device authorization request.
type deviceState string

const (
	devicePending  deviceState = "pending"
	deviceApproved deviceState = "approved"
	deviceDenied   deviceState = "denied"
	deviceUsed     deviceState = "used" // its tokens are issued
)

// A user code has eight letters of an alphabet without vowels, so that it forms no words, and without letters that look
// like digits (RFC 8628 §6.1).
const (
	userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLetters  = 8
)

// slowDownStep is the number of seconds that slow_down adds to the interval (RFC 8628 §3.5).
const slowDownStep = 5

// pollGrace tolerates a poll that is early because the previous poll was delayed on the network.
const pollGrace = 500 * time.Millisecond

// guesses counts the wrong user codes from an address. After maxGuesses, no code is looked up for the address until
// guessWindow has passed (RFC 8628 §5.1).
type guesses struct {
	Wrong int       `json:"wrong"`
	Since time.Time `json:"since"`
}

const (
	maxGuesses  = 10
	guessWindow = 10 * time.Minute
)

// deviceReply is the answer to a device authorization request (RFC 8628 §3.2); ExpiresIn and Interval are in seconds.
type deviceReply struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// serveDeviceAuthorization starts the device flow (RFC 8628 §3.1).
func (s *Server) serveDeviceAuthorization(w http.ResponseWriter, r *http.Request) {
	answerClient(s, w, r, s.startDevice)
}

func (s *Server) startDevice(tx *wire.Tx, c client, p params) (deviceReply, *refusal) {
	if !c.allows(grantDevice) {
		return deviceReply{}, refuse("unauthorized_client", "The client did not register for this grant type")
	}
	scope, refused := narrowScope(p["scope"], c.Scope)
	if refused != nil {
		return deviceReply{}, refused
	}
	s.sweep(tx)
	code, userCode := wire.RandomToken(32), s.newUserCode(tx)
	d := device{
		ClientID: c.ID, Scope: scope, ExpiresAt: s.Clock.Now().Add(deviceTTL), State: devicePending,
		Interval: int64(s.opts.DeviceInterval / time.Second), UserCodeID: s.Secrets.Digest(userCode),
	}
	if s.opts.AutoApprove {
		s.approveDevice(tx, &d, wire.SampleWorkspaces()[0].ID)
	}
	wire.Put(tx, bucketDevices, s.Secrets.Digest(code), d)
	wire.Put(tx, bucketUserCodes, d.UserCodeID, s.Secrets.Digest(code))
	page := s.BaseURL + "/device"
	return deviceReply{
		DeviceCode: code, UserCode: userCode, VerificationURI: page,
		VerificationURIComplete: page + "?" + url.Values{"user_code": {userCode}}.Encode(),
		ExpiresIn:               int64(deviceTTL / time.Second), Interval: d.Interval,
	}, nil
}

// newUserCode returns an unused code in the form XXXX-XXXX.
func (s *Server) newUserCode(tx *wire.Tx) string {
	for {
		var code []byte
		for _, b := range wire.RandomBytes(64) {
			// 240 is a multiple of 20, so every letter is equally likely.
			if b < 240 && len(code) < userCodeLetters {
				code = append(code, userCodeAlphabet[b%20])
			}
		}
		if len(code) < userCodeLetters {
			continue
		}
		dashed := string(code[:4]) + "-" + string(code[4:])
		if tx.Bytes(bucketUserCodes, s.Secrets.Digest(dashed)) == nil {
			return dashed
		}
	}
}

// readUserCode normalizes a typed user code: it accepts any case, dashes and spaces.
func readUserCode(typed string) (code string, ok bool) {
	var letters []rune
	for _, r := range typed {
		switch r = unicode.ToUpper(r); {
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
		case strings.ContainsRune(userCodeAlphabet, r) && len(letters) < userCodeLetters:
			letters = append(letters, r)
		default:
			return "", false
		}
	}
	if len(letters) < userCodeLetters {
		return "", false
	}
	return string(letters[:4]) + "-" + string(letters[4:]), true
}

func (s *Server) approveDevice(tx *wire.Tx, d *device, workspaceID string) {
	d.State = deviceApproved
	d.GrantID = s.newGrant(tx, d.ClientID, workspaceID, d.Scope, deviceTTL).ID
}

// exchangeDeviceCode answers a poll (RFC 8628 §3.4 and §3.5).
func (s *Server) exchangeDeviceCode(tx *wire.Tx, c client, p params) (tokenReply, *refusal) {
	if refused := p.require("device_code"); refused != nil {
		return tokenReply{}, refused
	}
	id := s.Secrets.Digest(p["device_code"])
	d, ok := wire.Get[device](tx, bucketDevices, id)
	if !ok || d.ClientID != c.ID {
		return tokenReply{}, refuse("invalid_grant", "The device code is unknown or was given to another client")
	}
	defer func() { wire.Put(tx, bucketDevices, id, d) }()
	early := s.Clock.Now().Sub(d.PolledAt) < time.Duration(d.Interval)*time.Second-pollGrace
	d.PolledAt = s.Clock.Now()
	g, isValid := validGrant(tx, d.GrantID)
	switch {
	case d.State == deviceUsed:
		s.revokeGrant(tx, d.GrantID)
		return tokenReply{}, refuse("invalid_grant", "The device code was used before; its tokens are revoked")
	case d.State == deviceDenied:
		return tokenReply{}, refuse("access_denied", "The user denied the request")
	case !s.Clock.Now().Before(d.ExpiresAt):
		return tokenReply{}, refuse("expired_token", "The device code has expired; start again")
	case early:
		d.Interval += slowDownStep
		return tokenReply{}, refuse("slow_down", "Wait 5 seconds longer between polls from now on")
	case d.State == devicePending:
		return tokenReply{}, refuse("authorization_pending", "The user has not answered yet")
	case !isValid:
		return tokenReply{}, refuse("invalid_grant", "The tokens of the device code are revoked")
	}
	d.State = deviceUsed
	return s.issueTokens(tx, c, g, g.Scope), nil
}
