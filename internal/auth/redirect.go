package auth

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const (
	callbackPath = "/callback" // of the redirect URI, unless the user chose another one
	anyPort      = "0"         // the port of a redirect URI without a port (RFC 8252 section 7.3)
)

// A redirect is a redirect URI on this machine.
type redirect struct{ host, port, path string }

// CheckRedirectURI checks that a redirect URI leads to this machine: plain http to localhost, 127.0.0.1 or [::1], with any path
// and an optional port. Errors: *URLError.
func CheckRedirectURI(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || !isToken(raw) {
		return &URLError{URL: clean(strings.SplitN(raw, "?", 2)[0], 100), Detail: notURL}
	}
	port, portErr := strconv.Atoi(u.Port())
	switch {
	case u.User != nil:
		return &URLError{URL: shortURL(u), Detail: "it contains a user name or password"}
	case u.Scheme != "http":
		return &URLError{URL: shortURL(u), Detail: "the redirect is received on this machine, which serves only http"}
	case u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1":
		return &URLError{URL: shortURL(u), Detail: "its host must be localhost, 127.0.0.1 or [::1]"}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return &URLError{URL: shortURL(u), Detail: "a redirect URI has no query and no fragment here"}
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && (portErr != nil || port < 1 || port > 65535):
		return &URLError{URL: shortURL(u), Detail: "its port must be a number from 1 to 65535"}
	}
	return nil
}

// parseRedirect parses a redirect URI. Any text that is none stands for 127.0.0.1, any port and the default path.
func parseRedirect(uri string) redirect {
	u, err := url.Parse(uri)
	if err != nil || CheckRedirectURI(uri) != nil {
		return redirect{host: "127.0.0.1", port: anyPort, path: callbackPath}
	}
	r := redirect{host: u.Hostname(), port: u.Port(), path: u.EscapedPath()}
	if r.port == "" {
		r.port = anyPort
	}
	return r
}

// withPort returns the redirect URI with a port.
func (r redirect) withPort(port string) string {
	return "http://" + net.JoinHostPort(r.host, port) + r.path
}

// withoutPort returns the redirect URI of a client that is not bound to a port.
func (r redirect) withoutPort() string {
	return strings.Replace(r.withPort(anyPort), ":"+anyPort, "", 1)
}

// servedPath returns the path of the request that follows the redirect.
func (r redirect) servedPath() string {
	path, err := url.PathUnescape(r.path)
	if err != nil || path == "" {
		return "/"
	}
	return path
}

// listen listens on 127.0.0.1 and ::1 with the same port. The address that the redirect URI names is required, the other one is
// used if it exists. A browser may try either for localhost: no other program may have the port of an existing address then.
func (r redirect) listen(ctx context.Context, port string) ([]net.Listener, error) {
	var lc net.ListenConfig
	required, other := "127.0.0.1", "::1"
	if r.host == "::1" {
		required, other = other, required
	}
	first, err := lc.Listen(ctx, "tcp", net.JoinHostPort(required, port))
	if err != nil {
		return nil, err
	}
	second, err := lc.Listen(ctx, "tcp", net.JoinHostPort(other, portOf(first)))
	if err == nil {
		return []net.Listener{first, second}, nil
	}
	if free, missing := lc.Listen(ctx, "tcp", net.JoinHostPort(other, anyPort)); missing == nil && r.host == "localhost" {
		closeAll([]net.Listener{first, free})
		return nil, err
	} else if missing == nil {
		_ = free.Close()
	}
	return []net.Listener{first}, nil
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// loopbackHosts returns the Host headers of requests to a port of this machine.
func loopbackHosts(port string) map[string]bool {
	hosts := map[string]bool{}
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		hosts[net.JoinHostPort(host, port)] = true
	}
	if port == "80" { // a browser omits the default port
		hosts["127.0.0.1"], hosts["[::1]"], hosts["localhost"] = true, true, true
	}
	return hosts
}
