package api

import (
	"errors"
	"net/http"
	"syscall"
	"testing"
)

// credentialProblem stands for auth.CredentialError, which this package does not import.
type credentialProblem struct {
	cause       error
	isTemporary bool
}

func (e *credentialProblem) Error() string         { return "session expired: " + e.cause.Error() }
func (e *credentialProblem) Unwrap() error         { return e.cause }
func (e *credentialProblem) LacksCredential() bool { return true }
func (e *credentialProblem) Temporary() bool       { return e.isTemporary }

// countingTransport fails and counts the requests.
type countingTransport struct {
	err      error
	requests int
}

func (c *countingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	c.requests++
	return nil, c.err
}

// TestCredentialErrors checks that an error of the credential source reaches the caller as it is, so that it cannot be taken
// for an unreachable service, and that it is repeated only if the cause is a transient fault of the network.
func TestCredentialErrors(t *testing.T) {
	t.Parallel()
	ended := errors.New("it was revoked")
	tests := []struct {
		name     string
		err      error
		local    bool // the error of a credential
		attempts int
	}{
		{"session ended", &credentialProblem{cause: ended}, true, 1},
		{"refresh found nothing listening", &credentialProblem{syscall.ECONNREFUSED, true}, true, 3},
		{"refresh was cut off", &credentialProblem{syscall.ECONNRESET, true}, true, 3},
		{"another error of a transport", ended, false, 1},
	}
	calls := []struct {
		name string
		call Call
	}{
		{"GET", Call{Method: http.MethodGet, Path: "/v1/account"}},
		{"POST that is not repeatable", Call{Method: http.MethodPost, Path: "/v1/apps/a1/runs"}},
	}
	for _, test := range tests {
		for _, c := range calls {
			t.Run(test.name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				transport := &countingTransport{err: test.err}
				client := &Client{BaseURL: "http://127.0.0.1:1", HTTP: &http.Client{Transport: transport}, Sleep: newClock().sleep}
				_, err := client.Do(t.Context(), c.call)
				var unreachable *UnreachableError
				if got := !errors.As(err, &unreachable); got != test.local {
					t.Errorf("got %T %v, want an unwrapped error: %v", err, err, test.local)
				}
				if test.local && err != test.err { //nolint:errorlint // the very error is wanted, not one that wraps it
					t.Errorf("got %T %v, want %v as it is", err, err, test.err)
				}
				if transport.requests != test.attempts {
					t.Errorf("got %d attempts, want %d", transport.requests, test.attempts)
				}
			})
		}
	}
}

func TestFollowEndsWithoutCredential(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		err         error
		isPermanent bool
	}{
		{"session ended", &credentialProblem{cause: errors.New("it was revoked")}, true},
		{"refresh found nothing listening", &credentialProblem{syscall.ECONNREFUSED, true}, false},
		{"no such service", &UnreachableError{Kind: Refused, Err: syscall.ECONNREFUSED}, false},
		{"certificate not trusted", &UnreachableError{Kind: TLS, Err: errors.New("unknown authority")}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := isPermanent(test.err); got != test.isPermanent {
				t.Errorf("isPermanent(%v) = %v, want %v", test.err, got, test.isPermanent)
			}
		})
	}
}
