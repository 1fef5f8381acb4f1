package auth

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/provider"
)

// wellKnownResource is the well-known part of the address of protected resource metadata (RFC 9728 section 3).
const wellKnownResource = "/.well-known/oauth-protected-resource"

// resourceMetadata is the part of RFC 9728 section 2 that this package uses.
type resourceMetadata struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers"`
}

// ResourceIssuers returns the issuers that the protected resource metadata (RFC 9728) of the API at base, a base URL, names: the API
// accepts their access tokens. The result is nil if there is no metadata. path is a path of the API that needs a credential: the response to a request
// without one may name the address of the metadata. Errors: *UnreachableError, *StatusError, *safeurl.Error.
func ResourceIssuers(ctx context.Context, hc *http.Client, base, path string) ([]string, error) {
	u, err := safeurl.Check(base)
	if err != nil {
		return nil, err
	}
	root, prefix := u.Scheme+"://"+u.Host, strings.TrimRight(u.EscapedPath(), "/")
	addresses := []string{root + wellKnownResource + prefix}
	if prefix != "" {
		addresses = append(addresses, root+wellKnownResource)
	}
	for _, address := range addresses {
		if issuers, err := readResource(ctx, hc, u, address, path); err != nil || issuers != nil {
			return issuers, err
		}
	}
	challenge, err := fetchResource(ctx, hc, root+prefix+path)
	if err != nil || challenge.status != http.StatusUnauthorized {
		return nil, err
	}
	for _, header := range challenge.header.Values("WWW-Authenticate") {
		address, ok := resourceAddress(header)
		if target, err := url.Parse(address); ok && err == nil && followSecure(u, target) {
			return readResource(ctx, hc, u, address, path)
		}
	}
	return nil, nil
}

// fetchResource sends a request without a credential.
func fetchResource(ctx context.Context, hc *http.Client, address string) (response, error) {
	call, cancel := newCall(ctx, hc, provider.ThirdPartyOAuth(nil), "read the metadata of the service")
	defer cancel()
	call.follows = followSecure
	return call.get(address)
}

// readResource returns the issuers that the metadata at an address names; nil if it is not that of the API at base. An API that
// is reached over https must not name an issuer without.
func readResource(ctx context.Context, hc *http.Client, base *url.URL, address, path string) ([]string, error) {
	r, err := fetchResource(ctx, hc, address)
	if err != nil {
		return nil, err
	}
	var doc resourceMetadata
	if !r.decode(&doc) || !isResourceOf(doc.Resource, base, path) {
		return nil, nil
	}
	var issuers []string
	for _, text := range doc.Servers {
		issuer, err := safeurl.Normalize(text)
		u, _ := url.Parse(issuer)
		if err == nil && followSecure(base, u) && !slices.Contains(issuers, issuer) {
			issuers = append(issuers, issuer)
		}
	}
	return issuers, nil
}

// isResourceOf reports whether a resource identifier (RFC 9728 section 1.2) is that of the API at base, or of a part of it that
// contains path.
func isResourceOf(resource string, base *url.URL, path string) bool {
	u, err := safeurl.Check(resource)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || !safeurl.SameOrigin(resource, base.String()) {
		return false
	}
	whole := strings.TrimRight(base.EscapedPath(), "/") + path + "/"
	return strings.HasPrefix(whole, strings.TrimRight(u.EscapedPath(), "/")+"/")
}

// resourceAddress returns the resource_metadata parameter of a WWW-Authenticate header (RFC 9728 section 5.1).
func resourceAddress(header string) (address string, ok bool) {
	match := regexp.MustCompile(`(?i)(?:^|[ ,\t])resource_metadata\s*=\s*(?:"([^"]*)"|([^\s,"]+))`).FindStringSubmatch(header)
	if match == nil {
		return "", false
	}
	return match[1] + match[2], true
}
