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

// Server describes an authorization server. An endpoint that it does not have is empty.
type Server struct {
	Issuer                string
	AuthorizationEndpoint string
	TokenEndpoint         string
	RegistrationEndpoint  string
	DeviceEndpoint        string   // RFC 8628
	RevocationEndpoint    string   // RFC 7009
	ThirdParty            bool     // not Lamina's own, named by its issuer: it expects forms, and its endpoints may be on other hosts
	Discovered            bool     // from the server's metadata; otherwise the endpoints are the fixed ones of the provider
	Problem               error    // why the metadata could not be read; nil if the server has none
	sendsIssuer           bool     // it names the issuer in the authorization response (RFC 9207)
	scopes                []string // that the metadata lists
}

// metadata is the part of RFC 8414 section 2 that this package uses.
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

// Discover reads the metadata of the authorization server of the service at base, a base URL. A service without metadata has
// the fixed endpoints of the provider, no device codes and no revocation.
//
// Errors: *UnreachableError, *URLError, *MetadataError if the metadata must not be trusted, *NotOfferedError if the provider
// has only API keys.
func Discover(ctx context.Context, hc *http.Client, base string, p provider.Provider) (Server, error) {
	u, err := CheckURL(base)
	if err != nil {
		return Server{}, err
	}
	if p.OAuth == nil {
		return Server{}, &NotOfferedError{Host: u.Host, What: "a sign-in in the browser, only API keys"}
	}
	fixed := fixedServer(base, p.OAuth)
	// RFC 8414 section 3.1: the well-known part is between the host and the path of the issuer.
	issuer, err := url.Parse(fixed.Issuer)
	if err != nil {
		return Server{}, &URLError{URL: shortURL(u), Detail: notURL}
	}
	address := *issuer
	address.Path = "/.well-known/oauth-authorization-server" + issuer.Path

	call, cancel := newCall(ctx, hc, p.OAuth, "sign in")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return Server{}, &URLError{URL: shortURL(u), Detail: notURL}
	}
	r, err := call.send(req)
	if err != nil {
		return Server{}, err
	}
	if r.status >= 500 || r.status == http.StatusTooManyRequests {
		fixed.Problem = call.refusal(r, "", "")
		return fixed, nil
	}
	var doc metadata
	if r.status != http.StatusOK || json.Unmarshal(r.body, &doc) != nil {
		return fixed, nil // a single-page application serves its page for every path
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

// server returns the server that a metadata document describes. It refuses a document with another issuer (RFC 8414 section
// 3.3), and one with endpoints on another origin, because a credential belongs to one origin.
func (m metadata) server(address string, fixed Server) (Server, error) {
	refuse := func(detail string) (Server, error) {
		return Server{}, &MetadataError{URL: address, Detail: detail}
	}
	switch {
	case m.Issuer != fixed.Issuer && !(fixed.ThirdParty && strings.TrimSuffix(m.Issuer, "/") == fixed.Issuer):
		return refuse("it names the issuer " + clean(m.Issuer, 100) + " instead of " + fixed.Issuer)
	case m.AuthorizationEndpoint == "" || m.TokenEndpoint == "":
		return refuse("it names no authorization endpoint or no token endpoint")
	case m.ChallengeMethods != nil && !slices.Contains(m.ChallengeMethods, "S256"):
		return refuse("it does not support PKCE with S256")
	}
	for _, endpoint := range []string{
		m.AuthorizationEndpoint, m.TokenEndpoint, m.RegistrationEndpoint, m.DeviceEndpoint, m.RevocationEndpoint,
	} {
		if endpoint == "" {
			continue
		}
		if !fixed.allows(endpoint) {
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

// allows reports whether an endpoint can belong to the server. An OpenID provider may use several hosts, but the metadata of
// an https issuer must not name an http endpoint on this machine.
func (s Server) allows(endpoint string) bool {
	u, err := CheckURL(endpoint)
	switch {
	case err != nil || u.Fragment != "":
		return false
	case s.ThirdParty:
		return u.Scheme == "https" || strings.HasPrefix(s.Issuer, "http://")
	}
	return SameOrigin(endpoint, s.Issuer)
}
