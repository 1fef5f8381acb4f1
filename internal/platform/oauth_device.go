package platform

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// A device is a device authorization request (RFC 8628): something that cannot open a browser here waits for a person
// who can.
type device struct {
	ClientID   string      `json:"clientId"`
	Scope      string      `json:"scope"`
	ExpiresAt  time.Time   `json:"expiresAt"`
	Interval   int64       `json:"interval"` // seconds that the client has to wait between polls
	PolledAt   time.Time   `json:"polledAt"`
	State      deviceState `json:"state"`
	GrantID    string      `json:"grantId,omitempty"`    // once approved
	UserCodeID string      `json:"userCodeId,omitempty"` // key in bucketUserCodes
}

type deviceState string

const (
	devicePending  deviceState = "pending"
	deviceApproved deviceState = "approved"
	deviceDenied   deviceState = "denied"
	deviceUsed     deviceState = "used" // its tokens were given
)

// A user code is eight letters of an alphabet without vowels, which makes no words, and without letters that look like
// digits (RFC 8628 §6.1).
const (
	userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLetters  = 8
)

// slowDownStep is by how many seconds slow_down raises the interval (RFC 8628 §3.5).
const slowDownStep = 5

// pollGrace forgives a poll that is early only because the one before it was late on the network.
const pollGrace = 500 * time.Millisecond

// guesses counts the wrong user codes from one address. Once there are maxGuesses, no code is looked up for that
// address until guessWindow is over (RFC 8628 §5.1).
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

func (s *Server) startDevice(tx *tx, c client, p params) (deviceReply, *oauthError) {
	if !c.may(grantDevice) {
		return deviceReply{}, deny("unauthorized_client", "The client did not register for this grant type")
	}
	scope, refusal := narrowScope(p["scope"], c.Scope)
	if refusal != nil {
		return deviceReply{}, refusal
	}
	s.sweepOAuth(tx)
	code, userCode := randomToken(32), s.newUserCode(tx)
	d := device{
		ClientID: c.ID, Scope: scope, ExpiresAt: s.now().Add(deviceTTL), State: devicePending,
		Interval: int64(s.opts.DeviceInterval / time.Second), UserCodeID: s.digest(userCode),
	}
	if s.opts.AutoApprove {
		s.approveDevice(tx, &d, sampleWorkspaces[0].ID)
	}
	put(tx, bucketDevices, s.digest(code), d)
	put(tx, bucketUserCodes, d.UserCodeID, s.digest(code))
	page := s.opts.BaseURL + "/device"
	return deviceReply{
		DeviceCode: code, UserCode: userCode, VerificationURI: page,
		VerificationURIComplete: page + "?" + url.Values{"user_code": {userCode}}.Encode(),
		ExpiresIn:               int64(deviceTTL / time.Second), Interval: d.Interval,
	}, nil
}

// newUserCode returns a code that no other device has, as XXXX-XXXX.
func (s *Server) newUserCode(tx *tx) string {
	for {
		var code []byte
		for _, b := range randomBytes(64) {
			// 240 is a multiple of 20, so every letter is equally likely.
			if b < 240 && len(code) < userCodeLetters {
				code = append(code, userCodeAlphabet[b%20])
			}
		}
		if len(code) < userCodeLetters {
			continue
		}
		dashed := string(code[:4]) + "-" + string(code[4:])
		if tx.bytes(bucketUserCodes, s.digest(dashed)) == nil {
			return dashed
		}
	}
}

// readUserCode reads a user code as people type it: in any case, with or without dashes and spaces.
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

func (s *Server) approveDevice(tx *tx, d *device, workspaceID string) {
	d.State = deviceApproved
	d.GrantID = s.newGrant(tx, d.ClientID, workspaceID, d.Scope, deviceTTL).ID
}

// exchangeDeviceCode answers a poll (RFC 8628 §3.4 and §3.5).
func (s *Server) exchangeDeviceCode(tx *tx, c client, p params) (tokenReply, *oauthError) {
	if refusal := p.require("device_code"); refusal != nil {
		return tokenReply{}, refusal
	}
	id := s.digest(p["device_code"])
	d, ok := get[device](tx, bucketDevices, id)
	if !ok || d.ClientID != c.ID {
		return tokenReply{}, deny("invalid_grant", "The device code is unknown or was given to another client")
	}
	defer func() { put(tx, bucketDevices, id, d) }()
	early := s.now().Sub(d.PolledAt) < time.Duration(d.Interval)*time.Second-pollGrace
	d.PolledAt = s.now()
	g, live := liveGrant(tx, d.GrantID)
	switch {
	case d.State == deviceUsed:
		s.revokeGrant(tx, d.GrantID)
		return tokenReply{}, deny("invalid_grant", "The device code was used before; what it gave is revoked")
	case d.State == deviceDenied:
		return tokenReply{}, deny("access_denied", "The person denied the request")
	case !s.now().Before(d.ExpiresAt):
		return tokenReply{}, deny("expired_token", "The device code has expired; start again")
	case early:
		d.Interval += slowDownStep
		return tokenReply{}, deny("slow_down", "Wait 5 seconds longer between polls from now on")
	case d.State == devicePending:
		return tokenReply{}, deny("authorization_pending", "The person has not answered yet")
	case !live:
		return tokenReply{}, deny("invalid_grant", "What the device code gave is revoked")
	}
	d.State = deviceUsed
	return s.issueTokens(tx, c, g, g.Scope), nil
}

// showDevice asks the person for a user code or, if the address has it, whether to allow the device that shows it.
func (s *Server) showDevice(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	if strings.TrimSpace(typed) == "" {
		render(w, http.StatusOK, deviceHTML(devicePage{}))
		return
	}
	userCode, ok := readUserCode(typed)
	if !ok {
		render(w, http.StatusBadRequest, deviceHTML(devicePage{
			Code: cleanText(typed, 20), Problem: "A code has eight letters, like BCDF-GHJK. It has no digits and no vowels.",
		}))
		return
	}
	found, err := s.guessDevice(r, userCode)
	switch {
	case err != nil:
		renderMessage(w, http.StatusInternalServerError, messageNotSaved)
	case found.locked:
		renderMessage(w, http.StatusTooManyRequests, messageTooManyGuesses)
	case !found.known:
		render(w, http.StatusNotFound, deviceHTML(devicePage{
			Code: userCode, Problem: "No device shows this code. Compare it letter by letter, or ask the device for a new one.",
		}))
	case found.page == nil:
		renderDeviceOutcome(w, found.device, s.now())
	default:
		found.page.FormToken = s.issueFormToken(w, r, "/device", userCode)
		render(w, http.StatusOK, consentHTML(*found.page))
	}
}

// A foundDevice is what a look-up of a user code brought. The page is there if the person can still answer.
type foundDevice struct {
	device device
	known  bool
	locked bool
	page   *consentPage
}

// guessDevice looks up a user code, and counts it if it is wrong.
func (s *Server) guessDevice(r *http.Request, userCode string) (found foundDevice, err error) {
	address := clientAddress(r)
	err = s.store.update(func(tx *tx) error {
		g, _ := get[guesses](tx, bucketGuesses, address)
		if s.now().Sub(g.Since) >= guessWindow {
			g = guesses{Since: s.now()}
		}
		if found.locked = g.Wrong >= maxGuesses; found.locked {
			return nil
		}
		if found.device, _, found.known = s.findDevice(tx, userCode); !found.known {
			g.Wrong++
			put(tx, bucketGuesses, address, g)
			return nil
		}
		if d := found.device; d.State == devicePending && s.now().Before(d.ExpiresAt) {
			page := newConsentPage(tx, d.ClientID, d.Scope)
			page.Action, page.Field, page.Subject, page.UserCode = "/device", "user_code", userCode, userCode
			found.page = &page
		}
		return nil
	})
	return found, err
}

// findDevice returns the device that shows a user code, and its key in bucketDevices.
func (s *Server) findDevice(tx *tx, userCode string) (d device, id string, ok bool) {
	id, ok = get[string](tx, bucketUserCodes, s.digest(userCode))
	if !ok {
		return device{}, "", false
	}
	d, ok = get[device](tx, bucketDevices, id)
	return d, id, ok
}

// answerDevice takes the person's answer about a device. The form token proves that the page with this very code was
// shown, so nobody can guess codes here.
func (s *Server) answerDevice(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readForm(w, r, "user_code")
	if !ok {
		return
	}
	var d device
	err := s.store.update(func(tx *tx) error {
		var id string
		d, id, ok = s.findDevice(tx, form.subject)
		if !ok || d.State != devicePending || !s.now().Before(d.ExpiresAt) {
			return nil
		}
		switch {
		case !form.approved:
			d.State = deviceDenied
		case isMember(tx, form.workspaceID):
			s.approveDevice(tx, &d, form.workspaceID)
		}
		put(tx, bucketDevices, id, d)
		return nil
	})
	if err != nil {
		renderMessage(w, http.StatusInternalServerError, messageNotSaved)
		return
	}
	renderDeviceOutcome(w, d, s.now())
}
