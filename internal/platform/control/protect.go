package control

import (
	"crypto/subtle"
	"net/http"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Protect wraps the handler of all servers: requests to the controls and the pages must carry a token. Programs send it as a bearer token (RFC
// 6750). Browsers ask the user for it, as the password of HTTP basic authentication (RFC 7617): unlike a cookie, a browser does not
// send it to other ports of this machine. An empty token protects nothing.
func Protect(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		sent := wire.BearerToken(r)
		if !isControl(r.URL.Path) && !isPage(r.URL.Path) || isEqual(sent, token) || isEqual(password, token) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="lamina dev: the token is the password", charset="UTF-8"`)
		wire.WriteError(w, r, &wire.Error{
			Status: http.StatusUnauthorized, Code: "UNAUTHORIZED",
			Message: "This platform protects /dev and its pages: send its token as Authorization: Bearer",
		})
	})
}

func isEqual(sent, token string) bool {
	return subtle.ConstantTimeCompare([]byte(sent), []byte(token)) == 1
}
