package platform

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

type requestIDKey struct{}

// requestID returns the id of the request whose context this is, as it is answered in X-Request-Id.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// guard stands before every handler: it refuses foreign hosts, gives the request an id, remembers it, and adds latency
// and planned faults. What is below /dev only gets the id.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := newUUID()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Date", s.now().Format(http.TimeFormat)) // clients measure lifetimes by it
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		if !isLoopbackHost(r.Host) {
			writeError(w, r, &apiError{
				status: http.StatusMisdirectedRequest, code: "FORBIDDEN",
				message: "The local platform answers only to localhost and loopback addresses",
			})
			return
		}
		if isControl(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		clientID, grantType := peekOAuth(r)
		s.control.requests.serve(w, r, receivedRequest{
			Method: r.Method, Path: shownPath(r.URL.Path), GrantType: grantType, Time: s.now(), RequestID: id,
			Client: cleanText(cmp.Or(clientID, r.UserAgent()), 200),
		}, func(w http.ResponseWriter, r *http.Request) {
			pause(r.Context(), s.opts.Latency)
			if plan, ok := s.control.faults.take(r, grantType); ok {
				plan.serve(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
}

// isLoopbackHost reports whether a Host header names this machine. Any other name leads here only by DNS rebinding: a
// foreign page that made its own name resolve to us, and so counts as one of ours in the browser.
func isLoopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return isLoopback(strings.Trim(host, "[]")) || strings.HasSuffix(host, ".localhost")
}

// isLoopback reports whether an address, or the name localhost, is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// clientAddress is the IP address that a request came from.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func isControl(path string) bool { return path == "/dev" || strings.HasPrefix(path, "/dev/") }

// peekOAuth returns the client id and the kind of grant in a request to the authorization server, and leaves its body
// as it was.
func peekOAuth(r *http.Request) (clientID, grantType string) {
	endpoint, ok := strings.CutPrefix(r.URL.Path, "/cli/oauth/")
	if !ok {
		return "", ""
	}
	if r.Method != http.MethodPost {
		return r.URL.Query().Get("client_id"), ""
	}
	head, _ := io.ReadAll(io.LimitReader(r.Body, maxOAuthBody+1)) // whoever reads on meets the error again
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	p, _ := parseParams(r.Header.Get("Content-Type"), head)
	if endpoint == "token" {
		grantType = p["grant_type"]
	}
	return p["client_id"], grantType
}
