package retry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
)

// Passing reports whether an HTTP status is that of a fault which passes by itself: the server fails (5xx), or it asks for a later
// request (408, 425, 429). Every other status is the same for the same request.
func Passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// Untrusted reports whether a request failed because the certificate of the server is not trusted, or because the server does not use
// TLS. This does not pass by itself, unlike the other failures of a connection.
func Untrusted(err error) bool {
	var (
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
	)
	return errors.As(err, &cert) || errors.As(err, &unknown) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}
