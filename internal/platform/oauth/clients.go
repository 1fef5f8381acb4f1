package oauth

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A client is a registered OAuth client: the metadata of RFC 7591 §2. All clients are public and have no secret.
type client struct {
	ID                      string   `json:"client_id"`
	IssuedAt                int64    `json:"client_id_issued_at"` // seconds since 1970
	Name                    string   `json:"client_name,omitempty"`
	URI                     string   `json:"client_uri,omitempty"`
	RedirectURIs            []string `json:"redirect_uris,omitempty"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	Scope                   string   `json:"scope"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
}

// Limits of the metadata.
const (
	maxClientName   = 64 // characters; the rest is cut off
	maxRedirectURIs = 16
	maxURI          = 2048 // bytes
)

// serveRegister registers a client (RFC 7591 §3).
func (s *Server) serveRegister(w http.ResponseWriter, r *http.Request) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		refuse("invalid_client_metadata", "Send the metadata as application/json").write(w)
		return
	}
	var c client
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&c); err != nil {
		refuse("invalid_client_metadata", "The body is not a JSON object of client metadata").write(w)
		return
	}
	if refused := c.complete(); refused != nil {
		refused.write(w)
		return
	}
	c.ID, c.IssuedAt = "lmc_"+wire.RandomToken(16), s.Clock.Now().Unix()
	isAdded := false
	err := s.Store.Update(func(tx *wire.Tx) error {
		isAdded = s.addClient(tx, c)
		return nil
	})
	switch {
	case err != nil:
		writeNotSaved(w)
	case !isAdded:
		w.Header().Set("Retry-After", "60")
		writeJSON(w, http.StatusTooManyRequests, refuse("temporarily_unavailable", "Too many clients are registered, and all of them are in use"))
	default:
		writeJSON(w, http.StatusCreated, c)
	}
}

// complete sets defaults and validates the metadata. The defaults of token_endpoint_auth_method and grant_types are those
// of Lamina instead of RFC 7591; §3.2.1 allows this, and the answer contains them.
func (c *client) complete() *refusal {
	c.Name = wire.CleanText(c.Name, maxClientName)
	if c.TokenEndpointAuthMethod == "" {
		c.TokenEndpointAuthMethod = "none"
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{grantCode, grantRefresh}
	}
	if len(c.ResponseTypes) == 0 && c.allows(grantCode) {
		c.ResponseTypes = []string{"code"}
	}
	var refused *refusal
	if c.Scope, refused = narrowScope(c.Scope, allScopes()); refused != nil {
		return refuse("invalid_client_metadata", refused.Description)
	}
	return c.check()
}

func (c *client) check() *refusal {
	if c.TokenEndpointAuthMethod != "none" {
		return refuse("invalid_client_metadata", "Only public clients are supported: set token_endpoint_auth_method to none")
	}
	for _, t := range c.GrantTypes {
		if !slices.Contains(GrantTypes(), t) {
			return refuse("invalid_client_metadata", "A grant type is not one of authorization_code, refresh_token and device_code")
		}
	}
	if !c.allows(grantCode) && !c.allows(grantDevice) {
		return refuse("invalid_client_metadata", "A client needs the grant type authorization_code or device_code")
	}
	if slices.ContainsFunc(c.ResponseTypes, func(t string) bool { return t != "code" }) ||
		c.allows(grantCode) != (len(c.ResponseTypes) > 0) {
		return refuse("invalid_client_metadata", "The response type code goes with authorization_code, and is the only one")
	}
	u, err := url.Parse(c.URI)
	if err != nil || len(c.URI) > maxURI || c.URI != "" && u.Scheme != "https" && u.Scheme != "http" {
		return refuse("invalid_client_metadata", "The client_uri is not the address of a web page")
	}
	return c.checkRedirects()
}

func (c *client) checkRedirects() *refusal {
	if c.allows(grantCode) && len(c.RedirectURIs) == 0 {
		return refuse("invalid_redirect_uri", "At least one redirect URI is needed for the grant type authorization_code")
	}
	if len(c.RedirectURIs) > maxRedirectURIs {
		return refuse("invalid_redirect_uri", fmt.Sprintf("At most %d redirect URIs can be registered", maxRedirectURIs))
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return refuse("invalid_redirect_uri", err.Error())
		}
	}
	return nil
}

// allows reports whether the client registered for a grant type.
func (c *client) allows(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// identify returns the client of a request. Clients are public: they send their id without a secret. A request with a
// secret is refused (RFC 6749 §5.2).
func identify(tx *wire.Tx, r *http.Request, p params) (client, *refusal) {
	if r.Header.Get("Authorization") != "" || p["client_secret"] != "" {
		return client{}, refuse("invalid_client", "Clients are public here: send client_id in the body and no secret")
	}
	if refused := p.require("client_id"); refused != nil {
		return client{}, refused
	}
	c, ok := wire.Get[client](tx, bucketClients, p["client_id"])
	if !ok {
		return client{}, refuse("invalid_client", "The client is not registered here")
	}
	return c, nil
}

// clientName returns the name of a client for users.
func clientName(tx *wire.Tx, id string) string {
	c, _ := wire.Get[client](tx, bucketClients, id)
	if c.Name == "" {
		return "An app without a name"
	}
	return c.Name
}
