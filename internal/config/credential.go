package config

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Kind tells the two credentials apart.
type Kind string

// The kinds of the version 1 shape.
const (
	OAuth  Kind = "oauth"
	APIKey Kind = "apikey"
)

// Credential is one sign-in. It belongs to the host of BaseURL and is never sent to another.
//
// Marshalling it redacts the secrets; only a Document stores them. Before Store.Decrypt an encrypted profile has none.
type Credential struct {
	Kind Kind
	// Provider names the service; empty is Lamina. Settings are what its sign-in needs beside the key, by name.
	Provider string
	Settings map[string]string

	Token        Secret // the API key or, for OAuth, the access token
	BaseURL      string
	SavedAt      time.Time // when the person signed in
	RefreshToken Secret
	ExpiresAt    time.Time // end of the access token by this machine's clock; zero when unknown
	ClientID     string
	Scope        string // space-separated, as granted

	RedirectURI          string // what ClientID was registered with
	Issuer               string
	TokenEndpoint        string
	RevocationEndpoint   string
	RegistrationEndpoint string

	// What follows describes exactly this Token and RefreshToken. It is forgotten when another program changes them.

	// ThirdParty means a session with a server that was named by its issuer: requests to it are forms (RFC 6749), and its
	// endpoints are the recorded ones, whatever their host.
	ThirdParty bool

	ObtainedAt       time.Time     // when the access token arrived, by this machine's clock
	IssuedAt         time.Time     // the same moment by the server's Date header; zero when it sent none
	Lifetime         time.Duration // of the access token, from expires_in
	RefreshExpiresAt time.Time     // when the refresh token dies if it stays unused
	ForcedAt         time.Time     // when a refresh brought it because the service had rejected the one before
	EndedAt          time.Time     // the service refused to refresh: the session is over
	EndedReason      string
	RotationSentAt   time.Time // of a session that ended so: when the refresh was sent whose answer was lost
	Account          Account
}

// standardProtocol marks a Standard credential in the file.
const standardProtocol = "oauth2"

// Account is who a credential belonged to when it was last asked.
type Account struct {
	UserID        string `json:"userId,omitempty"`
	Email         string `json:"email,omitempty"`
	WorkspaceID   string `json:"workspaceId,omitempty"`
	WorkspaceName string `json:"workspaceName,omitempty"`
	Role          string `json:"role,omitempty"`
}

// fingerprint names the secrets of a record without telling them. A program that does not know the "session" object may
// change the tokens beside it; the fingerprint then no longer matches.
func fingerprint(o object) string {
	text := o.text("apiKey") + "\n" + o.text("refreshToken")
	if o.text("apiKey") == "" {
		text = o.object("vault").text("box")
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// decodeCredential reports false when there is no usable credential: no known kind or no secret, as for the Node client.
// That client knows no vault; a key that it wrote beside one is the newer sign-in.
func decodeCredential(o object) (Credential, Encryption, bool) {
	c := Credential{
		Kind:                 Kind(o.text("kind")),
		Provider:             o.text("provider"),
		Settings:             o.object("settings").texts(),
		Token:                Secret(o.text("apiKey")),
		BaseURL:              o.text("baseUrl"),
		SavedAt:              o.time("savedAt"),
		RefreshToken:         Secret(o.text("refreshToken")),
		ExpiresAt:            o.time("expiresAt"),
		ClientID:             o.text("clientId"),
		Scope:                o.text("scope"),
		RedirectURI:          o.text("redirectUri"),
		Issuer:               o.text("issuer"),
		TokenEndpoint:        o.text("tokenEndpoint"),
		RevocationEndpoint:   o.text("revocationEndpoint"),
		RegistrationEndpoint: o.text("registrationEndpoint"),
	}
	if s := o.object("session"); s.text("of") == fingerprint(o) {
		c.decodeSession(s)
	}
	var v Encryption
	if sealed := o.object("vault"); c.Token == "" {
		v = Encryption{entry: sealed.text("key"), ciphertext: sealed.text("box")}
	}
	return c, v, (c.Kind == OAuth || c.Kind == APIKey) && (c.Token != "" || v.entry != "" && v.ciphertext != "")
}

func (c *Credential) decodeSession(s object) {
	c.ThirdParty = s.text("protocol") == standardProtocol
	c.ObtainedAt = s.time("obtainedAt")
	c.IssuedAt = s.time("issuedAt")
	c.Lifetime = s.seconds("lifetime")
	c.RefreshExpiresAt = s.time("refreshExpiresAt")
	c.ForcedAt = s.time("forcedAt")
	c.EndedAt = s.time("endedAt")
	c.EndedReason = s.text("endedReason")
	c.RotationSentAt = s.time("rotationSentAt")
	a := s.object("account")
	c.Account = Account{
		UserID:        a.text("userId"),
		Email:         a.text("email"),
		WorkspaceID:   a.text("workspaceId"),
		WorkspaceName: a.text("workspaceName"),
		Role:          a.text("role"),
	}
}

// encode writes the credential over the object that was stored before, and so keeps its unknown fields.
func (c Credential) encode(before object, v Encryption) object {
	o := before.clone()
	c.encodeSecrets(o, v)
	o.setText("kind", string(c.Kind))
	o.setText("provider", c.Provider)
	o.setTexts("settings", c.Settings)
	o.setText("baseUrl", c.BaseURL)
	o.setTime("savedAt", c.SavedAt)
	o.setTime("expiresAt", c.ExpiresAt)
	o.setText("clientId", c.ClientID)
	o.setText("scope", c.Scope)
	o.setText("redirectUri", c.RedirectURI)
	o.setText("issuer", c.Issuer)
	o.setText("tokenEndpoint", c.TokenEndpoint)
	o.setText("revocationEndpoint", c.RevocationEndpoint)
	o.setText("registrationEndpoint", c.RegistrationEndpoint)
	o.setObject("session", c.encodeSession(before.object("session"), fingerprint(o)))
	return o
}

// encodeSecrets puts the secrets where they belong. A vault that was never opened keeps its box.
func (c Credential) encodeSecrets(o object, v Encryption) {
	for _, name := range []string{"apiKey", "refreshToken", "vault"} {
		delete(o, name)
	}
	if v.entry == "" {
		o.setText("apiKey", c.Token.Reveal())
		o.setText("refreshToken", c.RefreshToken.Reveal())
		return
	}
	if v.key != "" {
		v.ciphertext = v.encrypt(c)
	}
	sealed := object{}
	sealed.setText("key", v.entry)
	sealed.setText("box", v.ciphertext)
	o.setObject("vault", sealed)
}

func (c Credential) encodeSession(before object, of string) object {
	s := before.clone()
	s.setText("of", of)
	s.setText("protocol", map[bool]string{true: standardProtocol}[c.ThirdParty])
	s.setTime("obtainedAt", c.ObtainedAt)
	s.setTime("issuedAt", c.IssuedAt)
	s.setSeconds("lifetime", c.Lifetime)
	s.setTime("refreshExpiresAt", c.RefreshExpiresAt)
	s.setTime("forcedAt", c.ForcedAt)
	s.setTime("endedAt", c.EndedAt)
	s.setText("endedReason", c.EndedReason)
	s.setTime("rotationSentAt", c.RotationSentAt)
	a := s.object("account").clone()
	a.setText("userId", c.Account.UserID)
	a.setText("email", c.Account.Email)
	a.setText("workspaceId", c.Account.WorkspaceID)
	a.setText("workspaceName", c.Account.WorkspaceName)
	a.setText("role", c.Account.Role)
	s.setObject("account", a)
	return s
}
