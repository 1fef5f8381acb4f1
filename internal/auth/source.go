package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
)

// A Source supplies the credential of requests. StaticKey and *Session implement it.
type Source interface {
	// credential returns the credential of a request to target. Its Token is empty if it belongs to another origin.
	credential(ctx context.Context, target string) (config.Credential, error)
	// replace returns the credential that a request to target carries after the service rejected another with status 401.
	// The error is *RejectedError if there is no better one.
	replace(ctx context.Context, target string, rejected config.Credential) (config.Credential, error)
	// observe records the service's clock from the Date header of a response.
	observe(h http.Header)
}

// StaticKey is an API key, or an access token, that is never refreshed, such as a key from the environment.
type StaticKey struct {
	Key        config.Secret
	BaseURL    string // the key is sent to this origin only
	ThirdParty bool   // the key is an access token of a third-party authorization server
}

func (k StaticKey) credential(_ context.Context, target string) (config.Credential, error) {
	return restrict(config.Credential{Kind: config.APIKey, Token: k.Key, BaseURL: k.BaseURL, ThirdParty: k.ThirdParty}, target)
}

func (StaticKey) replace(context.Context, string, config.Credential) (config.Credential, error) {
	return config.Credential{}, &RejectedError{}
}

func (StaticKey) observe(http.Header) {}

// restrict returns c if a request to target may carry it, and an empty credential if target has another origin.
func restrict(c config.Credential, target string) (config.Credential, error) {
	if c.Token == "" || !safeurl.SameOrigin(c.BaseURL, target) {
		return config.Credential{}, nil
	}
	_, err := safeurl.Check(c.BaseURL)
	return c, err
}

// CredentialError means that the service did not carry out a request, because no valid credential could be obtained for
// it. The cause is an error of Session.Token, or a *safeurl.Error if the credential's own address is refused.
type CredentialError struct {
	Err error
}

// Error returns the message of the cause.
func (e *CredentialError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CredentialError) Unwrap() error { return e.Err }

// Temporary reports whether a later request may succeed without a new sign-in: the session is kept, or the store was busy.
func (e *CredentialError) Temporary() bool {
	var refresh *RefreshError
	var passing interface{ Retryable() bool }
	return errors.As(e.Err, &refresh) || errors.As(e.Err, &passing) && passing.Retryable()
}

// LacksCredential reports true. Package api, which does not import this package, recognizes the error by this method.
func (*CredentialError) LacksCredential() bool { return true }
