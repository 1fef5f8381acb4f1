package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/provider"
)

// Scopes of OpenID Connect (Core sections 3.1.2.1 and 11).
const (
	scopeOpenID  = "openid"
	scopeOffline = "offline_access"
)

// speaking returns the provider as it is spoken to: standard servers take forms, whatever the provider's own take.
func speaking(p provider.Provider, standard bool) provider.Provider {
	if standard && p.OAuth != nil {
		p.OAuth = provider.ThirdPartyOAuth(p.OAuth.Scopes)
	}
	return p
}

// DefaultScopes are the scopes to ask a standard server for when the person names none: those that keep a session alive,
// where the server has them.
func (s Server) DefaultScopes() []string {
	var scopes []string
	for _, scope := range []string{scopeOpenID, scopeOffline} {
		if slices.Contains(s.scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// DiscoverIssuer asks an OAuth 2.0 or OpenID authorization server what it can do (RFC 8414, OpenID Discovery). Unlike
// Discover it assumes nothing: without metadata there is no sign-in.
//
// Errors: *UnreachableError, *StatusError, *URLError, *MetadataError, *NotOfferedError when there is no metadata.
func DiscoverIssuer(ctx context.Context, hc *http.Client, issuer string) (Server, error) {
	normal, err := NormalizeBase(issuer)
	if err != nil {
		return Server{}, err
	}
	addresses, err := metadataAddresses(normal)
	if err != nil {
		return Server{}, err
	}
	var problem error
	for _, address := range addresses {
		doc, err := fetchMetadata(ctx, hc, address)
		unreachable := (*UnreachableError)(nil)
		switch {
		case errors.As(err, &unreachable):
			return Server{}, err
		case err != nil && problem == nil:
			problem = err
		case err == nil && doc != nil:
			return doc.server(address, Server{Issuer: normal, ThirdParty: true})
		}
	}
	if problem == nil {
		problem = &NotOfferedError{Host: normal, What: "a description of its authorization server (RFC 8414 or OpenID Discovery): is it the issuer?"}
	}
	return Server{}, problem
}

// metadataAddresses lists where the metadata of an issuer may be, the standard's own place first. With a path in the
// issuer the well-known part goes before it (RFC 8414 section 3.1) or after it (OpenID Discovery section 4.1).
func metadataAddresses(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, &URLError{URL: clean(issuer, 100), Detail: "it is not a URL"}
	}
	root, path := u.Scheme+"://"+u.Host, u.EscapedPath()
	const oauth, openID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	addresses := []string{root + oauth + path, root + path + openID}
	if path != "" {
		addresses = append(addresses, root+openID+path, root+path+oauth)
	}
	return addresses, nil
}

// fetchMetadata returns nil when there is no document at an address.
func fetchMetadata(ctx context.Context, hc *http.Client, address string) (*metadata, error) {
	call, cancel := newCall(ctx, hc, provider.ThirdPartyOAuth(nil), "learn about the authorization server")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &URLError{URL: clean(address, 100), Detail: "it is not a URL"}
	}
	r, err := call.do(req)
	if err != nil {
		return nil, err
	}
	if r.status >= 500 || r.status == http.StatusTooManyRequests {
		return nil, call.refusal(r, "", "")
	}
	var doc metadata
	if r.status != http.StatusOK || !strings.HasPrefix(strings.TrimSpace(string(r.body)), "{") || json.Unmarshal(r.body, &doc) != nil {
		return nil, nil
	}
	return &doc, nil
}
