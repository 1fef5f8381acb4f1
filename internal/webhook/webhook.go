package webhook

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The headers of a delivery.
const (
	HeaderSignature = "X-Lamina-Webhook-Signature"
	HeaderTimestamp = "X-Lamina-Webhook-Timestamp"
	HeaderRequestID = "X-Lamina-Webhook-Request-Id"
	HeaderUserID    = "X-Lamina-Webhook-User-Id"
)

// Tolerance is the recommended limit for the difference between the timestamp of a delivery and the clock of the receiver.
const Tolerance = 5 * time.Minute

// ErrSignature means that the signature was made with none of the keys: the body was changed, or the delivery is not Lamina's.
var ErrSignature = errors.New("the signature of the webhook delivery does not match")

// A HeaderError means that a header of a delivery is missing, malformed or repeated.
type HeaderError struct {
	Name    string
	Missing bool // if false, the header is malformed or repeated
}

// Error names the header.
func (e *HeaderError) Error() string {
	if e.Missing {
		return "the webhook delivery has no header " + e.Name
	}
	return "the webhook delivery has a malformed header " + e.Name
}

// A StaleError means that a delivery was signed too long before or after now: it is a replay, or a clock is wrong.
type StaleError struct {
	SignedAt  time.Time
	Now       time.Time
	Tolerance time.Duration
}

// Error returns the time of signing and the clock of the receiver.
func (e *StaleError) Error() string {
	return fmt.Sprintf("the webhook delivery was signed at %s, more than %s from now (%s)",
		e.SignedAt.Format(time.RFC3339), e.Tolerance, e.Now.UTC().Format(time.RFC3339))
}

// Sign returns the values of the signature and timestamp headers for a body that is signed at the given time.
func Sign(key ed25519.PrivateKey, at time.Time, body []byte) (signature, timestamp string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	return hex.EncodeToString(ed25519.Sign(key, message(timestamp, body))), timestamp
}

// Verify checks that the body was signed with one of the keys, and at most tolerance before or after now. It returns a
// *HeaderError, ErrSignature or a *StaleError, in this order of checks: a timestamp is trusted only with a valid signature.
func Verify(keys []ed25519.PublicKey, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	timestamp, err := single(header, HeaderTimestamp)
	if err != nil {
		return err
	}
	signedAt, ok := parseTimestamp(timestamp)
	if !ok {
		return &HeaderError{Name: HeaderTimestamp}
	}
	encoded, err := single(header, HeaderSignature)
	if err != nil {
		return err
	}
	signature, err := hex.DecodeString(encoded)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return &HeaderError{Name: HeaderSignature}
	}
	if !signedByAny(keys, message(timestamp, body), signature) {
		return ErrSignature
	}
	if age := now.Sub(signedAt); age > tolerance || age < -tolerance {
		return &StaleError{SignedAt: signedAt, Now: now, Tolerance: tolerance}
	}
	return nil
}

// message returns the bytes that are signed.
func message(timestamp string, body []byte) []byte {
	return append([]byte(timestamp+"."), body...)
}

func signedByAny(keys []ed25519.PublicKey, message, signature []byte) bool {
	for _, key := range keys {
		// ed25519.Verify panics on a key of another length.
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature) {
			return true
		}
	}
	return false
}

// single returns the only value of a header. Several values are an error, because none of them can be preferred.
func single(header http.Header, name string) (string, error) {
	switch values := header.Values(name); {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", &HeaderError{Name: name, Missing: true}
	case len(values) > 1:
		return "", &HeaderError{Name: name}
	default:
		return values[0], nil
	}
}

// parseTimestamp parses Unix seconds of at most eleven digits: differences of such times fit into a time.Duration.
func parseTimestamp(s string) (time.Time, bool) {
	if len(s) > 11 {
		return time.Time{}, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}
