package auth

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// notURL is the detail of a *URLError for an address that cannot be parsed.
const notURL = "it is not a URL"

// CheckURL parses an address that secrets may be sent to. It must be absolute, must have no user name and password, and must
// use https; http is allowed for this machine. Errors: *URLError.
func CheckURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, &URLError{URL: clean(strings.SplitN(raw, "?", 2)[0], 100), Detail: notURL}
	case u.Host == "" || u.Hostname() == "":
		return nil, &URLError{URL: shortURL(u), Detail: "it has no host; the form is https://HOST"}
	case u.User != nil:
		return nil, &URLError{URL: shortURL(u), Detail: "it contains a user name or password"}
	case u.Scheme == "https":
		return u, nil
	case u.Scheme != "http":
		return nil, &URLError{URL: shortURL(u), Detail: "only https is supported"}
	case !isLoopback(u.Hostname()):
		return nil, &URLError{URL: shortURL(u), Detail: "credentials are sent over https only; http is allowed for this machine"}
	}
	return u, nil
}

// NormalizeBase returns the base URL of a service in the form in which it is stored and compared: the host in lower case, no
// slash at the end. Errors: *URLError.
func NormalizeBase(raw string) (string, error) {
	u, err := CheckURL(strings.TrimSpace(raw))
	if err != nil {
		return "", err
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", &URLError{URL: shortURL(u), Detail: "a base URL has no query and no fragment"}
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

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// shortURL returns scheme, host and path, because the other parts may be secret.
func shortURL(u *url.URL) string {
	return clean((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), 200)
}
