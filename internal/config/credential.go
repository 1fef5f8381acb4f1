package config

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Kind is the kind of a credential.
type Kind string

// The kinds of the version 1 format.
const (
	OAuth  Kind = "oauth"
	APIKey Kind = "apikey"
)

// Credential is the result of a sign-in. It belongs to the host of BaseURL and is never sent to another host.
//
// JSON marshalling redacts the secrets; only a Document stores them. The secrets of an encrypted profile are empty until
// Store.Decrypt.
type Credential struct {
	Kind     Kind
	Provider string            // the name of the service; empty means Lamina
	Settings map[string]string // what the service needs in addition to the key, by name

	Token        Secret // the API key, or the access token of a session
	BaseURL      string
	SavedAt      time.Time // the time of the sign-in
	RefreshToken Secret
	ExpiresAt    time.Time // of the access token, by this machine's clock; zero if unknown
	ClientID     string
	Scope        string // the granted scopes, separated by spaces

	RequestedScope string // the scopes that the sign-in requested; empty in older records

	RedirectURI          string // that ClientID was registered with
	Issuer               string
	TokenEndpoint        string
	RevocationEndpoint   string
	RegistrationEndpoint string
	UserinfoEndpoint     string

	Params         string // further parameters of authorization requests, encoded as a query
	ClientAuth     string // the client's token_endpoint_auth_method (RFC 7591); empty for a public client
	ClientSecret   Secret
	ClientKeyFile  string // the path of the private key of private_key_jwt
	ClientAudience string // of the assertions of private_key_jwt; empty means Issuer

	// ThirdParty means that the session belongs to an authorization server other than Lamina's own, which the user named by
	// its issuer. Requests to it are forms (RFC 6749), and its endpoints are the stored ones, on any host.
	ThirdParty bool

	// The following fields describe this Token and RefreshToken. They are discarded if another program changes the two.

	ObtainedAt       time.Time     // when the access token was received, by this machine's clock
	IssuedAt         time.Time     // when the access token was received, by the server's Date header; zero if it sent none
	Lifetime         time.Duration // of the access token, from expires_in
	RefreshExpiresAt time.Time     // when the refresh token expires if it is not used
	ForcedAt         time.Time     // when the access token was refreshed because the service had rejected the previous one
	EndedAt          time.Time     // when the service refused to refresh the session
	EndedReason      string
	EndedDetail      string    // the service's words; may be empty
	RotationSentAt   time.Time // if the session ended because a response was lost: when that refresh request was sent
	Account          Account
}

// thirdPartyProtocol is the stored protocol of a ThirdParty credential.
const thirdPartyProtocol = "oauth2"

// Account is the account of a credential, as the service last described it.
type Account struct {
	UserID        string `json:"userId,omitempty"`
	Email         string `json:"email,omitempty"`
	Name          string `json:"name,omitempty"` // from the userinfo endpoint of a third-party authorization server
	WorkspaceID   string `json:"workspaceId,omitempty"`
	WorkspaceName string `json:"workspaceName,omitempty"`
	Role          string `json:"role,omitempty"`
}

// fingerprint identifies the secrets of a stored credential without revealing them. A program that does not know the
// "session" object may change the tokens; the stored fingerprint then no longer matches.
func fingerprint(o object) string {
	text := o.text("apiKey") + "\n" + o.text("refreshToken")
	if o.text("apiKey") == "" {
		text = o.object("vault").text("box")
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// decodeCredential reads a stored credential. isUsable is false if it has an unknown kind or no secret; the Node client has
// the same rule. That client does not know "vault": if there are both a vault and an apiKey, the apiKey is the newer sign-in.
func decodeCredential(o object) (c Credential, e Encryption, isUsable bool) {
	c = Credential{
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
		RequestedScope:       o.text("requestedScope"),
		Params:               o.text("params"),
		ClientAuth:           o.text("clientAuth"),
		ClientSecret:         Secret(o.text("clientSecret")),
		ClientKeyFile:        o.text("clientKeyFile"),
		ClientAudience:       o.text("clientAudience"),
		UserinfoEndpoint:     o.text("userinfoEndpoint"),
		ThirdParty:           protocolOf(o) == thirdPartyProtocol,
	}
	if s := o.object("session"); s.text("of") == fingerprint(o) {
		c.decodeSession(s)
	} else if c.ThirdParty && o.text("protocol") == "" {
		// In the one file of earlier versions, another program has changed the tokens: they may be Lamina's.
		c.TokenEndpoint, c.RevocationEndpoint, c.RegistrationEndpoint = "", "", ""
	}
	if vault := o.object("vault"); c.Token == "" {
		e = Encryption{entry: vault.text("key"), ciphertext: vault.text("box")}
	}
	return c, e, (c.Kind == OAuth || c.Kind == APIKey) && (c.Token != "" || e.entry != "" && e.ciphertext != "")
}

// protocolOf returns the protocol of the authorization server. Earlier versions stored it in the session. It identifies
// the server of the refresh token, so it does not depend on the fingerprint.
func protocolOf(o object) string {
	if protocol := o.text("protocol"); protocol != "" {
		return protocol
	}
	return o.object("session").text("protocol")
}

func (c *Credential) decodeSession(s object) {
	c.ObtainedAt = s.time("obtainedAt")
	c.IssuedAt = s.time("issuedAt")
	c.Lifetime = s.seconds("lifetime")
	c.RefreshExpiresAt = s.time("refreshExpiresAt")
	c.ForcedAt = s.time("forcedAt")
	c.EndedAt = s.time("endedAt")
	c.EndedReason = s.text("endedReason")
	c.EndedDetail = s.text("endedDetail")
	c.RotationSentAt = s.time("rotationSentAt")
	a := s.object("account")
	c.Account = Account{
		UserID:        a.text("userId"),
		Email:         a.text("email"),
		Name:          a.text("name"),
		WorkspaceID:   a.text("workspaceId"),
		WorkspaceName: a.text("workspaceName"),
		Role:          a.text("role"),
	}
}

// encode returns the stored form. It starts from the previous one, to keep the unknown fields.
func (c Credential) encode(before object, e Encryption) object {
	o := before.clone()
	c.encodeSecrets(o, e)
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
	o.setText("requestedScope", c.RequestedScope)
	o.setText("params", c.Params)
	o.setText("clientAuth", c.ClientAuth)
	o.setText("clientKeyFile", c.ClientKeyFile)
	o.setText("clientAudience", c.ClientAudience)
	o.setText("userinfoEndpoint", c.UserinfoEndpoint)
	o.setText("protocol", "")
	if c.ThirdParty {
		o.setText("protocol", thirdPartyProtocol)
	}
	o.setObject("session", c.encodeSession(before.object("session"), fingerprint(o)))
	return o
}

// encodeSecrets stores the secrets in the clear or encrypted. It keeps the ciphertext if the secrets were never decrypted.
func (c Credential) encodeSecrets(o object, e Encryption) {
	for _, name := range []string{"apiKey", "refreshToken", "clientSecret", "vault"} {
		delete(o, name)
	}
	if e.entry == "" {
		o.setText("apiKey", c.Token.Reveal())
		o.setText("refreshToken", c.RefreshToken.Reveal())
		o.setText("clientSecret", c.ClientSecret.Reveal())
		return
	}
	if e.key != "" {
		e.ciphertext = e.encrypt(c)
	}
	vault := object{}
	vault.setText("key", e.entry)
	vault.setText("box", e.ciphertext)
	o.setObject("vault", vault)
}

func (c Credential) encodeSession(before object, of string) object {
	s := before.clone()
	s.setText("of", of)
	delete(s, "protocol")
	s.setTime("obtainedAt", c.ObtainedAt)
	s.setTime("issuedAt", c.IssuedAt)
	s.setSeconds("lifetime", c.Lifetime)
	s.setTime("refreshExpiresAt", c.RefreshExpiresAt)
	s.setTime("forcedAt", c.ForcedAt)
	s.setTime("endedAt", c.EndedAt)
	s.setText("endedReason", c.EndedReason)
	s.setText("endedDetail", c.EndedDetail)
	s.setTime("rotationSentAt", c.RotationSentAt)
	a := s.object("account").clone()
	a.setText("userId", c.Account.UserID)
	a.setText("email", c.Account.Email)
	a.setText("name", c.Account.Name)
	a.setText("workspaceId", c.Account.WorkspaceID)
	a.setText("workspaceName", c.Account.WorkspaceName)
	a.setText("role", c.Account.Role)
	s.setObject("account", a)
	return s
}
