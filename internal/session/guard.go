package session

import (
	"net/http"
	"strings"
	"sync"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// A guardTransport refuses requests to a service that carry a key of another service in a header, wherever the value comes from: a
// variable, a setting, a stored credential, or a flag.
type guardTransport struct {
	next     http.RoundTripper
	provider provider.Provider
	others   func() []provider.Provider
}

// guard returns a transport for requests to a service.
func (m *Manager) guard(p provider.Provider, next http.RoundTripper) http.RoundTripper {
	return &guardTransport{next: next, provider: p, others: sync.OnceValue(m.usableProviders)}
}

// RoundTrip sends one request. Errors: *auth.CredentialError, those of the next transport.
func (t *guardTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	for name, values := range req.Header {
		for _, word := range strings.FieldsFunc(strings.Join(values, " "), isSeparator) {
			if other, isForeign := t.provider.OtherOwner(word, t.others()); isForeign && other.IsKey(word) {
				if req.Body != nil {
					_ = req.Body.Close()
				}
				return nil, &auth.CredentialError{Err: fail.Usage("remove the key from the variable, the setting or the flag that holds it",
					"the header %s holds a key of %s, and the request is to %s; nothing was sent", name, other.Title, t.provider.Title)}
			}
		}
	}
	return t.next.RoundTrip(req)
}

// isSeparator reports whether a character may stand next to a key in a header.
func isSeparator(r rune) bool { return strings.ContainsRune(" \t,;=:\"'", r) }
