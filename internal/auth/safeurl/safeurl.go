// Package safeurl checks the addresses that credentials belong to and are sent to: their scheme, host, origin and issuer.
package safeurl

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Error means that an address is malformed, or that secrets must not be sent to it.
type Error struct {
	URL    string // bounded, without user name, password and query
	Detail string
}

// Error describes the problem.
func (e *Error) Error() string { return fmt.Sprintf("%q cannot be used: %s", e.URL, e.Detail) }

// NotURL returns the error of an address that cannot be parsed.
func NotURL(raw string) *Error {
	before, _, _ := strings.Cut(raw, "?")
	return &Error{URL: bound(before, 100), Detail: "it is not a URL"}
}

// Check parses an address that secrets may be sent to. It must be absolute, must have no user name and password, and must
// use https; http is allowed for this machine. Errors: *Error.
func Check(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, NotURL(raw)
	case u.Host == "" || u.Hostname() == "":
		return nil, &Error{URL: Short(u), Detail: "it has no host; the form is https://HOST"}
	case u.User != nil:
		return nil, &Error{URL: Short(u), Detail: "it contains a user name or password"}
	case u.Scheme == "https":
		return u, nil
	case u.Scheme != "http":
		return nil, &Error{URL: Short(u), Detail: "only https is supported"}
	case !IsLoopback(u.Hostname()):
		return nil, &Error{URL: Short(u), Detail: "credentials are sent over https only; http is allowed for this machine"}
	}
	return u, nil
}

// Normalize returns the base URL of a service in the form in which it is stored and compared: the host in lower case, no
// slash at the end. Errors: *Error.
func Normalize(raw string) (string, error) {
	u, err := Check(strings.TrimSpace(raw))
	if err != nil {
		return "", err
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", &Error{URL: Short(u), Detail: "a base URL has no query and no fragment"}
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/"), nil
}

// SameOrigin reports whether two addresses have the same scheme, host and port (RFC 6454).
func SameOrigin(a, b string) bool {
	first, err := url.Parse(a)
	if err != nil {
		return false
	}
	second, err := url.Parse(b)
	return err == nil && first.Host != "" && origin(first) == origin(second)
}

func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// IsLoopback reports whether a host without a port is this machine.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Short returns scheme, host and path, because the other parts may be secret.
func Short(u *url.URL) string {
	return bound((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), 200)
}

// bound limits a text in runes. The error quotes it, which escapes control characters.
func bound(s string, limit int) string {
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "..."
	}
	return s
}
