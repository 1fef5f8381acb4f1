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

// dialect returns the provider with the form of requests that the server expects: a third-party server expects forms.
func dialect(p provider.Provider, isThirdParty bool) provider.Provider {
	if isThirdParty && p.OAuth != nil {
		p.OAuth = provider.ThirdPartyOAuth(p.OAuth.Scopes)
	}
	return p
}

// DefaultScopes returns the scopes to request from a third-party server if the user names none: those of the server that are
// needed to refresh the session and to identify the user.
func (s Server) DefaultScopes() []string {
	var scopes []string
	for _, scope := range []string{scopeOpenID, scopeOffline} {
		if slices.Contains(s.scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// DiscoverIssuer reads the metadata of an OAuth 2.0 or OpenID authorization server (RFC 8414, OpenID Discovery). Without
// metadata there is no sign-in.
//
// Errors: *UnreachableError, *StatusError, *URLError, *MetadataError, *NotOfferedError if there is no metadata.
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
		problem = &NotOfferedError{Host: normal, What: "metadata of an authorization server (RFC 8414 or OpenID Discovery)"}
	}
	return Server{}, problem
}

// metadataAddresses returns the addresses at which the metadata of an issuer may be, the one of RFC 8414 first. If the issuer
// has a path, the well-known part is before it (RFC 8414 section 3.1) or after it (OpenID Discovery section 4.1).
func metadataAddresses(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, &URLError{URL: clean(issuer, 100), Detail: notURL}
	}
	root, path := u.Scheme+"://"+u.Host, u.EscapedPath()
	const oauth, openID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	addresses := []string{root + oauth + path, root + path + openID}
	if path != "" {
		addresses = append(addresses, root+openID+path, root+path+oauth)
	}
	return addresses, nil
}

// fetchMetadata returns nil if there is no document at an address.
func fetchMetadata(ctx context.Context, hc *http.Client, address string) (*metadata, error) {
	call, cancel := newCall(ctx, hc, provider.ThirdPartyOAuth(nil), "read the metadata of the authorization server")
	defer cancel()
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &URLError{URL: clean(address, 100), Detail: notURL}
	}
	r, err := call.send(req)
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
