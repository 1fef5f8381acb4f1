// Package redirecturi holds the redirect URIs of sign-ins on this machine (RFC 8252 section 7.3): it checks them, and listens
// where they lead to.
package redirecturi

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/auth/safeurl"
)

const (
	defaultPath = "/callback" // unless the user chose another one
	maxLength   = 16 << 10    // bytes
)

// AnyPort is the port of a redirect URI without a port (RFC 8252 section 7.3).
const AnyPort = "0"

// A URI is a redirect URI on this machine.
type URI struct{ host, port, path string }

// Check checks that a redirect URI leads to this machine: plain http to localhost, 127.0.0.1 or [::1], with any path
// and an optional port. Errors: *safeurl.Error.
func Check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || raw == "" || len(raw) > maxLength || strings.ContainsFunc(raw, isInvisible) {
		return safeurl.NotURL(raw)
	}
	port, portErr := strconv.Atoi(u.Port())
	switch {
	case u.User != nil:
		return &safeurl.Error{URL: safeurl.Short(u), Detail: "it contains a user name or password"}
	case u.Scheme != "http":
		return &safeurl.Error{URL: safeurl.Short(u), Detail: "the redirect is received on this machine, which serves only http"}
	case u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1":
		return &safeurl.Error{URL: safeurl.Short(u), Detail: "its host must be localhost, 127.0.0.1 or [::1]"}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return &safeurl.Error{URL: safeurl.Short(u), Detail: "a redirect URI has no query and no fragment here"}
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && (portErr != nil || port < 1 || port > 65535):
		return &safeurl.Error{URL: safeurl.Short(u), Detail: "its port must be a number from 1 to 65535"}
	}
	return nil
}

func isInvisible(r rune) bool { return r <= ' ' || r > '~' } // in RFC 6749 appendix A

// Parse parses a redirect URI. Any text that is none stands for 127.0.0.1, any port and the default path.
func Parse(uri string) URI {
	u, err := url.Parse(uri)
	if err != nil || Check(uri) != nil {
		return URI{host: "127.0.0.1", port: AnyPort, path: defaultPath}
	}
	r := URI{host: u.Hostname(), port: u.Port(), path: u.EscapedPath()}
	if r.port == "" {
		r.port = AnyPort
	}
	return r
}

// Port returns the port, which may be AnyPort.
func (r URI) Port() string { return r.port }

// WithPort returns the redirect URI with a port.
func (r URI) WithPort(port string) string {
	return "http://" + net.JoinHostPort(r.host, port) + r.path
}

// WithoutPort returns the redirect URI of a client that is not bound to a port.
func (r URI) WithoutPort() string {
	return strings.Replace(r.WithPort(AnyPort), ":"+AnyPort, "", 1)
}

// ServedPath returns the path of the request that follows the redirect.
func (r URI) ServedPath() string {
	path, err := url.PathUnescape(r.path)
	if err != nil || path == "" {
		return "/"
	}
	return path
}

// Listen listens on 127.0.0.1 and ::1 with the same port. The address that the redirect URI names is required, the other one is
// used if it exists. A browser may try either for localhost: no other program may have the port of an existing address then.
func (r URI) Listen(ctx context.Context, port string) ([]net.Listener, error) {
	var lc net.ListenConfig
	required, other := "127.0.0.1", "::1"
	if r.host == "::1" {
		required, other = other, required
	}
	first, err := lc.Listen(ctx, "tcp", net.JoinHostPort(required, port))
	if err != nil {
		return nil, err
	}
	second, err := lc.Listen(ctx, "tcp", net.JoinHostPort(other, PortOf(first)))
	if err == nil {
		return []net.Listener{first, second}, nil
	}
	if free, missing := lc.Listen(ctx, "tcp", net.JoinHostPort(other, AnyPort)); missing == nil && r.host == "localhost" {
		_, _ = first.Close(), free.Close()
		return nil, err
	} else if missing == nil {
		_ = free.Close()
	}
	return []net.Listener{first}, nil
}

// PortOf returns the port of a listener.
func PortOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// Hosts returns the Host headers of requests to a port of this machine.
func Hosts(port string) map[string]bool {
	hosts := map[string]bool{}
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		hosts[net.JoinHostPort(host, port)] = true
	}
	if port == "80" { // a browser omits the default port
		hosts["127.0.0.1"], hosts["[::1]"], hosts["localhost"] = true, true, true
	}
	return hosts
}
