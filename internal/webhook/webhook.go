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

// Tolerance is how far a delivery's timestamp may be from the receiver's clock, in either direction.
const Tolerance = 5 * time.Minute

// ErrSignature means that no key made the signature: the body was changed, or the sender is somebody else.
var ErrSignature = errors.New("the signature of the webhook delivery does not match")

// A HeaderError means that a delivery lacks a header, or has one that cannot be read.
type HeaderError struct {
	Name    string
	Missing bool // else malformed, or there more than once
}

func (e *HeaderError) Error() string {
	if e.Missing {
		return "the webhook delivery has no header " + e.Name
	}
	return "the webhook delivery has a malformed header " + e.Name
}

// A StaleError means that a delivery was signed too far from now: it is a replay, or one of the clocks is wrong.
type StaleError struct {
	SignedAt  time.Time
	Now       time.Time
	Tolerance time.Duration
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("the webhook delivery was signed at %s, more than %s from now (%s)",
		e.SignedAt.Format(time.RFC3339), e.Tolerance, e.Now.UTC().Format(time.RFC3339))
}

// Sign returns the values of the signature and timestamp headers for a body that is sent at the given time.
func Sign(key ed25519.PrivateKey, at time.Time, body []byte) (signature, timestamp string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	return hex.EncodeToString(ed25519.Sign(key, message(timestamp, body))), timestamp
}

// Verify reports whether one of the keys signed the body, within the tolerance of now. It fails with a *HeaderError, a
// *StaleError or ErrSignature. A timestamp is believed only together with its signature, so a delivery that is stale
// and forged is reported as forged.
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

// single returns the only value of a header. Two values are refused: which one counts would be a guess.
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

// parseTimestamp reads Unix seconds: up to eleven digits and nothing else, which keeps the time within what
// time.Time can subtract.
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
