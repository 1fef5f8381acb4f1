package platform

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A client is a registered OAuth client: the metadata of RFC 7591 §2 as it is received, kept and answered. There are
// only public clients, so none has a secret.
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

// Bounds of what a client may register.
const (
	maxClientName   = 64 // characters; the rest is cut off
	maxRedirectURIs = 16
	maxURI          = 2048 // bytes
)

// serveRegister registers a client (RFC 7591 §3).
func (s *Server) serveRegister(w http.ResponseWriter, r *http.Request) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		deny("invalid_client_metadata", "Send the metadata as application/json").write(w)
		return
	}
	var c client
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOAuthBody)).Decode(&c); err != nil {
		deny("invalid_client_metadata", "The body is not a JSON object of client metadata").write(w)
		return
	}
	if refusal := c.complete(); refusal != nil {
		refusal.write(w)
		return
	}
	c.ID, c.IssuedAt = "lmc_"+randomToken(16), s.now().Unix()
	err := s.store.update(func(tx *tx) error {
		put(tx, bucketClients, c.ID, c)
		return nil
	})
	if err != nil {
		serverError(w)
		return
	}
	writeOAuth(w, http.StatusCreated, c)
}

// complete checks the metadata and fills in what was left out. The default of token_endpoint_auth_method and
// grant_types is not that of RFC 7591 but that of Lamina, which §3.2.1 allows and the answer shows.
func (c *client) complete() *oauthError {
	c.Name = cleanText(c.Name, maxClientName)
	if c.TokenEndpointAuthMethod == "" {
		c.TokenEndpointAuthMethod = "none"
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{grantCode, grantRefresh}
	}
	if len(c.ResponseTypes) == 0 && c.may(grantCode) {
		c.ResponseTypes = []string{"code"}
	}
	var refusal *oauthError
	if c.Scope, refusal = narrowScope(c.Scope, allScopes()); refusal != nil {
		return deny("invalid_client_metadata", refusal.Description)
	}
	return c.check()
}

func (c *client) check() *oauthError {
	if c.TokenEndpointAuthMethod != "none" {
		return deny("invalid_client_metadata", "Only public clients are supported: set token_endpoint_auth_method to none")
	}
	for _, t := range c.GrantTypes {
		if !slices.Contains([]string{grantCode, grantRefresh, grantDevice}, t) {
			return deny("invalid_client_metadata", "A grant type is not one of authorization_code, refresh_token and device_code")
		}
	}
	if !c.may(grantCode) && !c.may(grantDevice) {
		return deny("invalid_client_metadata", "A client needs the grant type authorization_code or device_code")
	}
	if slices.ContainsFunc(c.ResponseTypes, func(t string) bool { return t != "code" }) ||
		c.may(grantCode) != (len(c.ResponseTypes) > 0) {
		return deny("invalid_client_metadata", "The response type code goes with authorization_code, and is the only one")
	}
	u, err := url.Parse(c.URI)
	if err != nil || len(c.URI) > maxURI || c.URI != "" && u.Scheme != "https" && u.Scheme != "http" {
		return deny("invalid_client_metadata", "The client_uri is not the address of a web page")
	}
	return c.checkRedirects()
}

func (c *client) checkRedirects() *oauthError {
	if c.may(grantCode) && len(c.RedirectURIs) == 0 {
		return deny("invalid_redirect_uri", "At least one redirect URI is needed for the grant type authorization_code")
	}
	if len(c.RedirectURIs) > maxRedirectURIs {
		return deny("invalid_redirect_uri", fmt.Sprintf("At most %d redirect URIs can be registered", maxRedirectURIs))
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return deny("invalid_redirect_uri", err.Error())
		}
	}
	return nil
}

// may reports whether the client registered for a grant type.
func (c *client) may(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// redirectsTo reports whether the client may be answered at uri: one that it registered, or one that differs from it
// only in the port of a loopback address (RFC 8252 §7.3).
func (c *client) redirectsTo(uri string) bool {
	if checkRedirectURI(uri) != nil {
		return false
	}
	portless, isLoopback := withoutPort(uri)
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		other, otherLoopback := withoutPort(registered)
		return uri == registered || isLoopback && otherLoopback && portless == other
	})
}

// A redirectError says why a redirect URI cannot be used.
type redirectError string

func (e redirectError) Error() string { return string(e) }

// checkRedirectURI refuses what an answer must never be sent to: anything but https, or http to this very machine.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI || strings.ContainsFunc(uri, notURI):
		return redirectError("The redirect URI is not a correct address")
	case strings.Contains(uri, "#"):
		return redirectError("A redirect URI must not have a fragment")
	case u.User != nil:
		return redirectError("A redirect URI must not have a user name")
	case !validPort(u):
		return redirectError("The port of the redirect URI is not between 1 and 65535")
	case strings.HasPrefix(uri, "https://") && u.Hostname() != "":
		return nil
	case strings.HasPrefix(uri, "http://") && isLoopbackName(u):
		return nil
	}
	return redirectError("A redirect URI must use https, or http to 127.0.0.1, [::1] or localhost")
}

// notURI reports characters that browsers and this program might read differently.
func notURI(r rune) bool {
	return r <= ' ' || r >= unicode.MaxASCII || strings.ContainsRune("\\\"<>^`{|}*", r)
}

func validPort(u *url.URL) bool {
	if !strings.HasSuffix(u.Host, ":"+u.Port()) {
		return true // no port and no colon for one
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func isLoopbackName(u *url.URL) bool {
	return slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
}

// withoutPort returns a loopback redirect URI without its port. It cuts the text and does not put the URI together
// again, which could make two different ones equal.
func withoutPort(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || !strings.HasPrefix(uri, "http://"+u.Host) || !isLoopbackName(u) {
		return "", false
	}
	host := strings.TrimSuffix(u.Host, ":"+u.Port())
	return "http://" + host + strings.TrimPrefix(uri, "http://"+u.Host), true
}

// identify finds the client that makes a request. Public clients say who they are and prove nothing; one that tries to
// authenticate is mistaken about itself (RFC 6749 §5.2).
func identify(tx *tx, r *http.Request, p params) (client, *oauthError) {
	if r.Header.Get("Authorization") != "" || p["client_secret"] != "" {
		return client{}, deny("invalid_client", "Clients are public here: send client_id in the body and no secret")
	}
	if refusal := p.require("client_id"); refusal != nil {
		return client{}, refusal
	}
	c, ok := get[client](tx, bucketClients, p["client_id"])
	if !ok {
		return client{}, deny("invalid_client", "The client is not registered here")
	}
	return c, nil
}

// cleanText makes foreign text fit to be shown in one line: without control characters, invisible characters and
// characters that turn the direction of writing, with few marks on one letter, and at most limit characters long.
func cleanText(text string, limit int) string {
	var out []rune
	marks := 0
	for _, r := range strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ") {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) || !unicode.IsGraphic(r) {
			continue
		}
		if marks++; !unicode.IsMark(r) {
			marks = 0
		}
		if marks <= 2 {
			out = append(out, r)
		}
		if len(out) > limit {
			return strings.TrimSpace(string(out[:limit-1])) + "…"
		}
	}
	return strings.TrimSpace(string(out))
}
