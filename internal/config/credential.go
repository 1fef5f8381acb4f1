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
// Marshalling it redacts the secrets; only a Document stores them.
type Credential struct {
	Kind         Kind
	APIKey       Secret // the API key or, for OAuth, the access token
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

	// What follows describes exactly this APIKey and RefreshToken. It is forgotten when another program changes them.

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

// Account is who a credential belonged to when it was last asked.
type Account struct {
	UserID        string `json:"userId,omitempty"`
	Email         string `json:"email,omitempty"`
	WorkspaceID   string `json:"workspaceId,omitempty"`
	WorkspaceName string `json:"workspaceName,omitempty"`
	Role          string `json:"role,omitempty"`
}

// fingerprint names a pair of secrets without telling them. A program that does not know the "session" object may change
// the tokens beside it; the fingerprint then no longer matches.
func (c Credential) fingerprint() string {
	sum := sha256.Sum256([]byte(string(c.APIKey) + "\n" + string(c.RefreshToken)))
	return hex.EncodeToString(sum[:8])
}

// decodeCredential reports false when there is no usable credential: no known kind or no secret, as for the Node client.
func decodeCredential(o object) (Credential, bool) {
	c := Credential{
		Kind:                 Kind(o.text("kind")),
		APIKey:               Secret(o.text("apiKey")),
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
	if s := o.object("session"); s.text("of") == c.fingerprint() {
		c.decodeSession(s)
	}
	return c, (c.Kind == OAuth || c.Kind == APIKey) && c.APIKey != ""
}

func (c *Credential) decodeSession(s object) {
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
func (c Credential) encode(before object) object {
	o := before.clone()
	o.setText("kind", string(c.Kind))
	o.setText("apiKey", c.APIKey.Reveal())
	o.setText("baseUrl", c.BaseURL)
	o.setTime("savedAt", c.SavedAt)
	o.setText("refreshToken", c.RefreshToken.Reveal())
	o.setTime("expiresAt", c.ExpiresAt)
	o.setText("clientId", c.ClientID)
	o.setText("scope", c.Scope)
	o.setText("redirectUri", c.RedirectURI)
	o.setText("issuer", c.Issuer)
	o.setText("tokenEndpoint", c.TokenEndpoint)
	o.setText("revocationEndpoint", c.RevocationEndpoint)
	o.setText("registrationEndpoint", c.RegistrationEndpoint)
	o.setObject("session", c.encodeSession(before.object("session")))
	return o
}

func (c Credential) encodeSession(before object) object {
	s := before.clone()
	s.setText("of", c.fingerprint())
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
