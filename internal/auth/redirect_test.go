package auth

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/auth/redirecturi"
)

func TestRedirectURI(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	tests := []struct {
		name, uri, want string // want contains PORT for any port
	}{
		{"localhost with a path", "http://localhost/oidc/done", "http://localhost:PORT/oidc/done"},
		{"no path", "http://127.0.0.1", "http://127.0.0.1:PORT"},
		{"root", "http://localhost/", "http://localhost:PORT/"},
		{"escaped path", "http://localhost/a%20b", "http://localhost:PORT/a%20b"},
		{"IPv6", "http://[::1]/cb", "http://[::1]:PORT/cb"},
		{"fixed port", "http://localhost:" + port + "/cb", "http://localhost:" + port + "/cb"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(test.uri, "::1") {
				busyIPv6(t)
			}
			s := newIDServer(t)
			client := companyClient(s.discover(t), ClientAuth{}, "")
			client.RedirectURI = test.uri
			c, page := s.signIn(t, client, nil)
			sent := s.authorizations()[0].values.Get("redirect_uri")
			u, err := url.Parse(sent)
			if err != nil || sent != strings.Replace(test.want, "PORT", u.Port(), 1) {
				t.Errorf("got redirect URI %s, want %s", sent, test.want)
			}
			if page.status != http.StatusOK || c.RedirectURI != test.uri {
				t.Errorf("got page %d, stored redirect URI %s, want 200 and %s", page.status, c.RedirectURI, test.uri)
			}
		})
	}
}

// busyIPv6 listens on a port of ::1, and skips the test where there is no IPv6.
func busyIPv6(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	t.Cleanup(func() { _ = l.Close() })
	return redirecturi.PortOf(l)
}

// TestPortOfLocalhost checks that no other program receives the code: a browser may try ::1 first for localhost.
func TestPortOfLocalhost(t *testing.T) {
	t.Parallel()
	port := busyIPv6(t)
	tests := []struct {
		host string
		want bool
	}{{"localhost", false}, {"[::1]", false}, {"127.0.0.1", true}}
	for _, test := range tests {
		client := Client{ID: "c", UserProvided: true, RedirectURI: "http://" + test.host + ":" + port + "/cb"}
		listeners, _, err := listenLoopback(t.Context(), client)
		closeAll(listeners)
		var busy *PortError
		if (err == nil) != test.want || err != nil && !errors.As(err, &busy) {
			t.Errorf("%s: got %v, want success: %v, else a *PortError", test.host, err, test.want)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listeners, _, err := listenLoopback(t.Context(), Client{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	return redirecturi.PortOf(listeners[0])
}
