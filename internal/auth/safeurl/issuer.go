package safeurl

import (
	"net"
	"net/url"
	"strings"
)

// The well-known parts of metadata addresses (RFC 8414 section 3, OpenID Discovery section 4).
const (
	WellKnownOAuth  = "/.well-known/oauth-authorization-server"
	WellKnownOpenID = "/.well-known/openid-configuration"
)

// ParseIssuer returns the issuer that a user typed, without a slash at the end. The user may leave out the scheme, which is
// then https, and http on this machine, or may give the address of the issuer's metadata. Errors: *Error.
func ParseIssuer(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") && text != "" {
		host, _, _ := strings.Cut(strings.TrimPrefix(text, "//"), "/")
		scheme := "https://"
		if name, _, err := net.SplitHostPort(host); IsLoopback(strings.Trim(host, "[]")) || err == nil && IsLoopback(name) {
			scheme = "http://"
		}
		text = scheme + strings.TrimPrefix(text, "//")
	}
	for _, part := range []string{WellKnownOAuth, WellKnownOpenID} {
		if before, after, ok := strings.Cut(text, part); ok && (after == "" || after[0] == '/') {
			text = before + after
		}
	}
	return Normalize(text)
}

// TenantPlaceholder is the part of an issuer that a server with several tenants leaves open in metadata that all of them
// share, as Microsoft Entra does for common and organizations.
const TenantPlaceholder = "{tenantid}"

// IsTenantOf reports whether an issuer matches a template with a placeholder in place of one segment of its path. fits checks
// the segment.
func IsTenantOf(template, issuer string, fits func(segment string) bool) bool {
	before, after, ok := strings.Cut(template, TenantPlaceholder)
	u, err := url.Parse(before)
	if !ok || err != nil || u.Host == "" || !strings.HasSuffix(u.Path, "/") || after != "" && after[0] != '/' {
		return false
	}
	rest, ok := strings.CutPrefix(issuer, before)
	if !ok {
		return false
	}
	segment, ok := strings.CutSuffix(rest, after)
	return ok && fits(segment)
}

// IsSegment reports whether s has the form of one segment of a path.
func IsSegment(s string) bool { return s != "" && !strings.ContainsAny(s, "/?#") }

// IsGUID reports whether s has the form of a tenant id, such as 9188040d-6c67-4c5b-b112-36a304b66dad.
func IsGUID(s string) bool {
	groups := strings.Split(s, "-")
	lengths := []int{8, 4, 4, 4, 12}
	if len(groups) != len(lengths) {
		return false
	}
	for i, group := range groups {
		if len(group) != lengths[i] || strings.Trim(strings.ToLower(group), "0123456789abcdef") != "" {
			return false
		}
	}
	return true
}
