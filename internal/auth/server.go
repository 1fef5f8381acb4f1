package auth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth/safeurl"
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
	UserinfoEndpoint      string   // OpenID Connect Core section 5.3
	ThirdParty            bool     // not Lamina's own, named by its issuer: it expects forms, and its endpoints may be on other hosts
	Discovered            bool     // from the server's metadata; otherwise the endpoints are the fixed ones of the provider
	Problem               error    // why the metadata could not be read; nil if the server has none
	authMethods           []string // of clients at the token endpoint; nil if the metadata does not list them
	sendsIssuer           bool     // it names the issuer in the authorization response (RFC 9207)
	scopes                []string // that the metadata lists
	issuerTemplate        string   // the issuer in the metadata if it contains a placeholder for the tenant
}

// metadata is the part of RFC 8414 section 2 that this package uses.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	Scopes                []string `json:"scopes_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	SendsIssuer           bool     `json:"authorization_response_iss_parameter_supported"`
}

// Discover reads the metadata of the authorization server of the service at base, a base URL. A service without metadata has
// the fixed endpoints of the provider, no device codes and no revocation.
//
// Errors: *UnreachableError, *safeurl.Error, *MetadataError if the metadata must not be trusted, *NotOfferedError if the provider
// has only API keys.
func Discover(ctx context.Context, hc *http.Client, base string, p provider.Provider) (Server, error) {
	u, err := safeurl.Check(base)
	if err != nil {
		return Server{}, err
	}
	if p.OAuth == nil {
		return Server{}, &NotOfferedError{Host: u.Host, What: "a sign-in in the browser, only API keys", Instead: WithKey}
	}
	fixed := fixedServer(base, p.OAuth)
	// RFC 8414 section 3.1: the well-known part is between the host and the path of the issuer.
	issuer, err := url.Parse(fixed.Issuer)
	if err != nil {
		return Server{}, safeurl.NotURL(safeurl.Short(u))
	}
	address := *issuer
	address.Path = "/.well-known/oauth-authorization-server" + issuer.Path

	call, cancel := newCall(ctx, hc, p.OAuth, "sign in")
	defer cancel()
	call.follows = followSameOrigin
	r, err := call.get(address.String())
	if err != nil {
		return Server{}, err
	}
	if r.status >= 500 || r.status == http.StatusTooManyRequests {
		fixed.Problem = call.refusal(r, "", "")
		return fixed, nil
	}
	var doc metadata
	if !r.decode(&doc) {
		return fixed, nil
	}
	return doc.server(address.String(), fixed)
}

func fixedServer(base string, o *provider.OAuth) Server {
	if normal, err := safeurl.Normalize(base); err == nil {
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
// 3.3), and one of Lamina with endpoints on another origin, because a credential belongs to one origin.
func (m metadata) server(address string, expected Server) (Server, error) {
	refuse := func(detail string) (Server, error) {
		return Server{}, &MetadataError{URL: address, Detail: detail}
	}
	issuer, template, ok := m.issuerOf(expected)
	switch {
	case m.Issuer == "":
		return refuse("it names no issuer")
	case !ok:
		e := &MetadataError{URL: address, Detail: "it names the issuer " + clean(m.Issuer, 100) + " instead of " + expected.Issuer}
		if found, err := safeurl.Normalize(m.Issuer); err == nil && expected.ThirdParty && !strings.Contains(m.Issuer, safeurl.TenantPlaceholder) {
			e.Issuer = found
		}
		return Server{}, e
	case m.TokenEndpoint == "":
		return refuse("it names no token endpoint")
	case m.AuthorizationEndpoint == "" && m.DeviceEndpoint == "":
		return refuse("it names neither an authorization endpoint nor a device authorization endpoint")
	case m.AuthorizationEndpoint != "" && m.ChallengeMethods != nil && !slices.Contains(m.ChallengeMethods, "S256"):
		return refuse("it does not support PKCE with S256")
	}
	for _, endpoint := range []string{
		m.AuthorizationEndpoint, m.TokenEndpoint, m.RegistrationEndpoint, m.DeviceEndpoint, m.RevocationEndpoint, m.UserinfoEndpoint,
	} {
		if endpoint == "" {
			continue
		}
		if !expected.allows(endpoint) {
			return refuse("its endpoint " + clean(endpoint, 100) + " is not on " + expected.Issuer)
		}
	}
	return Server{
		Issuer:                issuer,
		AuthorizationEndpoint: m.AuthorizationEndpoint,
		TokenEndpoint:         m.TokenEndpoint,
		RegistrationEndpoint:  m.RegistrationEndpoint,
		DeviceEndpoint:        m.DeviceEndpoint,
		RevocationEndpoint:    m.RevocationEndpoint,
		UserinfoEndpoint:      m.UserinfoEndpoint,
		ThirdParty:            expected.ThirdParty,
		Discovered:            true,
		authMethods:           m.AuthMethods,
		sendsIssuer:           m.SendsIssuer,
		scopes:                m.Scopes,
		issuerTemplate:        template,
	}, nil
}

// issuerOf returns the issuer of the document as it is stored, and the template in the document if it has one. ok is false if
// the document belongs to another server.
func (m metadata) issuerOf(expected Server) (issuer, template string, ok bool) {
	switch {
	case m.Issuer == expected.Issuer, expected.ThirdParty && strings.TrimSuffix(m.Issuer, "/") == expected.Issuer:
		return m.Issuer, "", true
	case expected.ThirdParty && safeurl.IsTenantOf(strings.TrimSuffix(m.Issuer, "/"), expected.Issuer, safeurl.IsSegment):
		return expected.Issuer, m.Issuer, true
	}
	return "", "", false
}

// isIssuer reports whether an authorization response with this iss comes from the server. Without metadata only the origin of
// the issuer is known.
func (s Server) isIssuer(iss string) bool {
	switch {
	case s.issuerTemplate != "":
		return safeurl.IsTenantOf(s.issuerTemplate, iss, safeurl.IsGUID)
	case !s.Discovered:
		return safeurl.SameOrigin(iss, s.Issuer)
	}
	return iss == s.Issuer
}

// allows reports whether an endpoint can belong to the server. An OpenID provider may use several hosts, but the metadata of
// an https issuer must not name an http endpoint on this machine.
func (s Server) allows(endpoint string) bool {
	u, err := safeurl.Check(endpoint)
	switch {
	case err != nil || u.Fragment != "":
		return false
	case s.ThirdParty:
		return u.Scheme == "https" || strings.HasPrefix(s.Issuer, "http://")
	}
	return safeurl.SameOrigin(endpoint, s.Issuer)
}
