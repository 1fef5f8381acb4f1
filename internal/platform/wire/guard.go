package wire

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

type requestIDKey struct{}

// RequestID returns the id of the request with this context. The answer has it in X-Request-Id.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Guard wraps the handler of all servers. It gives each request an id and each answer a date, and refuses requests
// with the Host header of another machine.
func Guard(clock *Clock, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := NewUUID()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Date", clock.Now().Format(http.TimeFormat)) // clients measure lifetimes by it
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		if !isLoopbackHost(r.Host) {
			WriteError(w, r, &Error{
				Status: http.StatusMisdirectedRequest, Code: "FORBIDDEN",
				Message: "The local platform answers only to localhost and loopback addresses",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopbackHost reports whether a Host header names this machine. Another name arrives here only by DNS rebinding: a
// web page makes its own name resolve to this machine, and the browser then treats this server as part of that page's
// origin.
func isLoopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return IsLoopback(strings.Trim(host, "[]")) || strings.HasSuffix(host, ".localhost")
}

// IsLoopback reports whether a host is localhost or a loopback IP address.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
