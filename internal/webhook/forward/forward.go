// Package forward sends deliveries to other receivers.
package forward

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/uselamina/lamina/internal/retry"
	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// timeout limits one attempt. Lamina waits as long.
const timeout = 15 * time.Second

// attempts is the number of requests for one delivery: together they wait about 20 seconds, in which a receiver can restart.
const attempts = 8

// A RefusedError means that a receiver answered with a status of 300 or above.
type RefusedError struct {
	Status int
	after  time.Duration
}

// Error names the status.
func (e *RefusedError) Error() string { return fmt.Sprintf("the receiver answered %d", e.Status) }

// A Message is a request with a body.
type Message struct {
	Header http.Header
	Body   []byte
}

// Original returns a delivery with the headers that it came with.
func Original(d inbox.Delivery) Message {
	m := Message{Header: http.Header{}, Body: d.Body}
	for name, value := range d.Headers {
		m.Header.Set(name, value)
	}
	return m
}

// Signed returns a delivery that is signed with a key at the given time.
func Signed(key ed25519.PrivateKey, at time.Time, id string, body []byte) Message {
	signature, timestamp := webhook.Sign(key, at, body)
	return WithSignature(signature, timestamp, id, body)
}

// WithSignature returns a delivery with a signature and the time of it. An id that cannot be in a header is left out.
func WithSignature(signature, timestamp, id string, body []byte) Message {
	m := Message{Header: http.Header{}, Body: body}
	m.Header.Set(webhook.HeaderSignature, signature)
	m.Header.Set(webhook.HeaderTimestamp, timestamp)
	if !strings.ContainsFunc(id, unicode.IsControl) {
		m.Header.Set(webhook.HeaderRequestID, id)
	}
	return m
}

// A Sender sends messages to receivers.
type Sender struct {
	// HTTP sends the requests; it adds no credential.
	HTTP      *http.Client
	UserAgent string
	// OnRetry, if set, is called before each repetition.
	OnRetry func(url string, err error, after time.Duration)
	// Sleep waits between attempts; nil means retry.Sleep.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Once sends a message to a URL and returns the status of the response. Redirects are not followed: they could lead to another host.
func (s *Sender) Once(ctx context.Context, url string, m Message) (status int, header http.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(m.Body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = m.Header.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.UserAgent)
	client := *s.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, cause(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, resp.Header, nil
}

// cause returns the error below those of the client and the connection: the first contains the URL with all its parts.
func cause(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in %s", timeout)
	}
	if broken := (*net.OpError)(nil); errors.As(err, &broken) {
		err = broken // its cause follows
	}
	if system := (*os.SyscallError)(nil); errors.As(err, &system) {
		err = system
	}
	return cmp.Or(errors.Unwrap(err), err)
}

// Send sends a message to a URL until a receiver accepts it. It repeats what failed for a reason that may pass: no connection, 408, 429 and
// 5xx. Errors: *RefusedError, and those of the connection.
func (s *Sender) Send(ctx context.Context, url string, m Message) error {
	policy := retry.Policy{
		Backoff: retry.Network(), Attempts: attempts, MaxWait: time.Minute, Retryable: retryable, Sleep: s.Sleep,
		OnRetry: func(err error, after time.Duration) {
			if s.OnRetry != nil {
				s.OnRetry(url, err, after)
			}
		},
	}
	return policy.Do(ctx, func() error {
		status, header, err := s.Once(ctx, url, m)
		if err == nil && (status < 200 || status > 299) {
			err = &RefusedError{Status: status, after: retry.After(header, time.Now())}
		}
		return err
	})
}

func retryable(err error) (after time.Duration, ok bool) {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.after, refused.Status == http.StatusRequestTimeout || refused.Status == http.StatusTooManyRequests || refused.Status >= 500
	}
	return 0, true
}
