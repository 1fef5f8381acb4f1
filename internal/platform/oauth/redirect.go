package oauth

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// redirectsTo reports whether uri is a redirect URI of the client: equal to a registered one, or different only in the
// port of a loopback address (RFC 8252 §7.3).
func (c *client) redirectsTo(uri string) bool {
	if checkRedirectURI(uri) != nil {
		return false
	}
	portless, isLoopback := withoutPort(uri)
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		other, otherLoopback := withoutPort(registered)
		return uri == registered || isLoopback && otherLoopback && portless == other
	})
}

// A redirectError is the reason why a redirect URI is refused.
type redirectError string

func (e redirectError) Error() string { return string(e) }

// checkRedirectURI allows only https, and http to this machine.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI || strings.ContainsFunc(uri, notURI):
		return redirectError("The redirect URI is not a correct address")
	case strings.Contains(uri, "#"):
		return redirectError("A redirect URI must not have a fragment")
	case u.User != nil:
		return redirectError("A redirect URI must not have a user name")
	case !validPort(u):
		return redirectError("The port of the redirect URI is not between 1 and 65535")
	case strings.HasPrefix(uri, "https://") && u.Hostname() != "":
		return nil
	case strings.HasPrefix(uri, "http://") && isLoopbackName(u):
		return nil
	}
	return redirectError("A redirect URI must use https, or http to 127.0.0.1, [::1] or localhost")
}

// notURI reports the characters that a browser and this program may interpret differently.
func notURI(r rune) bool {
	return r <= ' ' || r >= unicode.MaxASCII || strings.ContainsRune("\\\"<>^`{|}*", r)
}

func validPort(u *url.URL) bool {
	if !strings.HasSuffix(u.Host, ":"+u.Port()) {
		return true // no port
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func isLoopbackName(u *url.URL) bool {
	return slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
}

// withoutPort returns a loopback redirect URI without its port. It cuts the text instead of formatting the parsed URI,
// because that could make two different URIs equal.
func withoutPort(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || !strings.HasPrefix(uri, "http://"+u.Host) || !isLoopbackName(u) {
		return "", false
	}
	host := strings.TrimSuffix(u.Host, ":"+u.Port())
	return "http://" + host + strings.TrimPrefix(uri, "http://"+u.Host), true
}

// redirectTo returns the redirect URI of a request with an authorization response, which contains the issuer (RFC 9207)
// and the state of the request.
func (s *Server) redirectTo(req consent, response url.Values) string {
	response.Set("iss", s.issuer())
	if req.State != "" {
		response.Set("state", req.State)
	}
	u, _ := url.Parse(req.RedirectURI) // was parsed before
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += response.Encode()
	return u.String()
}
