package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/provider"
)

// Server is what is known of an authorization server. Endpoints it does not have are empty.
type Server struct {
	Issuer                string
	AuthorizationEndpoint string
	TokenEndpoint         string
	RegistrationEndpoint  string
	DeviceEndpoint        string   // RFC 8628
	RevocationEndpoint    string   // RFC 7009
	ThirdParty            bool     // found by its issuer: it takes forms, and its endpoints may be on other hosts
	Discovered            bool     // from the server's own metadata; else the fixed endpoints of the provider's table
	Problem               error    // why there is no metadata when it is not simply absent; nil otherwise
	sendsIssuer           bool     // RFC 9207
	scopes                []string // that it says it has
}

// metadata is the part of RFC 8414 section 2 that we use.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	Scopes                []string `json:"scopes_supported"`
	SendsIssuer           bool     `json:"authorization_response_iss_parameter_supported"`
}

// Discover asks the service at base (a base URL) what its authorization server can do. A service without a metadata
// document has the fixed endpoints, no device code and no revocation.
//
// Errors: *UnreachableError, *URLError, *MetadataError when there is a document that must not be believed,
// *NotOfferedError when the provider knows only API keys.
func Discover(ctx context.Context, hc *http.Client, base string, p provider.Provider) (Server, error) {
	u, err := CheckURL(base)
	if err != nil {
		return Server{}, err
	}
	if p.OAuth == nil {
		return Server{}, &NotOfferedError{Host: u.Host, What: "a sign-in in the browser, only API keys"}
	}
	fixed := fixedServer(base, p.OAuth)
	// RFC 8414 section 3.1: the well-known part goes between the host and the issuer's path.
	issuer, err := url.Parse(fixed.Issuer)
	if err != nil {
		return Server{}, &URLError{URL: shortURL(u), Detail: "it is not a URL"}
	}
	address := *issuer
	address.Path = "/.well-known/oauth-authorization-server" + issuer.Path

	call, cancel := newCall(ctx, hc, p.OAuth, "sign in")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return Server{}, &URLError{URL: shortURL(u), Detail: "it is not a URL"}
	}
	r, err := call.do(req)
	if err != nil {
		return Server{}, err
	}
	if r.status >= 500 || r.status == http.StatusTooManyRequests {
		fixed.Problem = call.refusal(r, "", "")
		return fixed, nil
	}
	var doc metadata
	if r.status != http.StatusOK || json.Unmarshal(r.body, &doc) != nil {
		return fixed, nil // 404, or the page that a single-page application serves for every path
	}
	return doc.server(address.String(), fixed)
}

func fixedServer(base string, o *provider.OAuth) Server {
	if normal, err := NormalizeBase(base); err == nil {
		base = normal
	}
	return Server{
		Issuer:                base + o.IssuerPath,
		AuthorizationEndpoint: base + o.AuthorizePath,
		TokenEndpoint:         base + o.TokenPath,
		RegistrationEndpoint:  base + o.RegisterPath,
	}
}

// server believes a document only where RFC 8414 section 3.3 allows it, and no endpoint elsewhere: our credentials
// belong to one origin.
func (m metadata) server(address string, fixed Server) (Server, error) {
	refuse := func(detail string) (Server, error) {
		return Server{}, &MetadataError{URL: address, Detail: detail}
	}
	switch {
	case m.Issuer != fixed.Issuer && !(fixed.ThirdParty && strings.TrimSuffix(m.Issuer, "/") == fixed.Issuer):
		return refuse("it names the issuer " + clean(m.Issuer, 100) + " instead of " + fixed.Issuer)
	case m.AuthorizationEndpoint == "" || m.TokenEndpoint == "":
		return refuse("it names no authorization or token endpoint")
	case m.ChallengeMethods != nil && !slices.Contains(m.ChallengeMethods, "S256"):
		return refuse("it does not support PKCE with S256")
	}
	for _, endpoint := range []string{
		m.AuthorizationEndpoint, m.TokenEndpoint, m.RegistrationEndpoint, m.DeviceEndpoint, m.RevocationEndpoint,
	} {
		if endpoint == "" {
			continue
		}
		if !fixed.mayHave(endpoint) {
			return refuse("its endpoint " + clean(endpoint, 100) + " is not on " + fixed.Issuer)
		}
	}
	return Server{
		Issuer:                m.Issuer,
		AuthorizationEndpoint: m.AuthorizationEndpoint,
		TokenEndpoint:         m.TokenEndpoint,
		RegistrationEndpoint:  m.RegistrationEndpoint,
		DeviceEndpoint:        m.DeviceEndpoint,
		RevocationEndpoint:    m.RevocationEndpoint,
		ThirdParty:            fixed.ThirdParty,
		Discovered:            true,
		sendsIssuer:           m.SendsIssuer,
		scopes:                m.Scopes,
	}, nil
}

// mayHave reports whether an endpoint can be this server's. OpenID providers spread theirs over hosts, but none that is
// reached over https leads to http on this machine.
func (s Server) mayHave(endpoint string) bool {
	u, err := CheckURL(endpoint)
	switch {
	case err != nil || u.Fragment != "":
		return false
	case s.ThirdParty:
		return u.Scheme == "https" || strings.HasPrefix(s.Issuer, "http://")
	}
	return SameOrigin(endpoint, s.Issuer)
}
