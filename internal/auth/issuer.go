package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
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

// isServerKnown reports whether a credential says completely which server its tokens belong to: a third-party server with its
// endpoints, or the provider's own server at the address of the credential. The tokens of any other are sent nowhere, because the
// server would have to be guessed.
func isServerKnown(o *provider.OAuth, c config.Credential) bool {
	if c.ThirdParty {
		return c.Issuer != "" && c.TokenEndpoint != ""
	}
	return c.Issuer == "" || c.Issuer == fixedServer(c.BaseURL, o).Issuer
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

// DiscoverIssuer reads the metadata of an OAuth 2.0 or OpenID authorization server (RFC 8414, OpenID Discovery). The first
// valid document of this issuer is used. Without metadata there is no sign-in.
//
// Errors: *UnreachableError, *StatusError, *safeurl.Error, *MetadataError, *NotOfferedError if there is no metadata.
func DiscoverIssuer(ctx context.Context, hc *http.Client, issuer string) (Server, error) {
	normal, err := safeurl.Normalize(issuer)
	if err != nil {
		return Server{}, err
	}
	addresses, err := metadataAddresses(normal)
	if err != nil {
		return Server{}, err
	}
	var refused *MetadataError
	var problem error
	for _, address := range addresses {
		server, err := readMetadata(ctx, hc, address, Server{Issuer: normal, ThirdParty: true})
		var unreachable *UnreachableError
		var invalid *MetadataError
		switch {
		case err == nil && server.Discovered:
			return server, nil
		case errors.As(err, &unreachable) && unreachable.Host == hostOf(normal):
			return Server{}, err
		case errors.As(err, &invalid):
			if refused == nil || refused.Issuer == "" && invalid.Issuer != "" {
				refused = invalid
			}
		case err != nil && problem == nil:
			problem = err
		}
	}
	switch {
	case refused != nil:
		return Server{}, refused
	case problem != nil:
		return Server{}, problem
	}
	return Server{}, &NotOfferedError{Host: normal, What: "metadata of an authorization server (RFC 8414 or OpenID Discovery)"}
}

// metadataAddresses returns the addresses at which the metadata of an issuer may be, the one of RFC 8414 first. If the issuer
// has a path, the well-known part is before it (RFC 8414 section 3.1) or after it (OpenID Discovery section 4.1).
func metadataAddresses(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, safeurl.NotURL(issuer)
	}
	root, path := u.Scheme+"://"+u.Host, u.EscapedPath()
	addresses := []string{root + safeurl.WellKnownOAuth + path, root + path + safeurl.WellKnownOpenID}
	if path != "" {
		addresses = append(addresses, root+safeurl.WellKnownOpenID+path, root+path+safeurl.WellKnownOAuth)
	}
	return addresses, nil
}

// readMetadata returns the server that the document at an address describes, and the zero Server if there is no document.
func readMetadata(ctx context.Context, hc *http.Client, address string, expected Server) (Server, error) {
	call, cancel := newCall(ctx, hc, provider.ThirdPartyOAuth(nil), "read the metadata of the authorization server")
	defer cancel()
	call.follows = followSecure
	r, err := call.get(address)
	if err != nil {
		return Server{}, err
	}
	if r.status >= 500 || r.status == http.StatusTooManyRequests {
		return Server{}, call.refusal(r, "", "")
	}
	var doc metadata
	if !r.decode(&doc) {
		return Server{}, nil
	}
	return doc.server(address, expected)
}

// decode decodes a document, and reports whether the response is one: a single-page application serves its page for every path.
func (r response) decode(doc any) bool {
	return r.status == http.StatusOK && bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("{")) && json.Unmarshal(r.body, doc) == nil
}
