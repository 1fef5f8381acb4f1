package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/config"
)

// Transport adds the credential to requests for the one origin it belongs to. It decides at every hop, so a redirect to
// another origin takes nothing along, and neither does an upload or download elsewhere.
//
// The credential is either a Source's or a fixed Key.
type Transport struct {
	Base   http.RoundTripper // nil means http.DefaultTransport
	Header string            // the provider's KeyHeader
	Scheme string            // the provider's KeyScheme

	Source *Source

	Key     config.Secret // used when Source is nil
	BaseURL string        // where Key belongs
}

// RoundTrip implements http.RoundTripper. After a 401 an access token is refreshed once and the request repeated once,
// if its body can be sent again. Errors of the Source come back as they are.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := t.credential(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.send(req, c)
	if err != nil || t.Source == nil || c.Token == "" {
		return resp, err
	}
	t.Source.observe(resp.Header)
	if resp.StatusCode != http.StatusUnauthorized || c.Kind != config.OAuth {
		return resp, nil
	}
	renewed, err := t.Source.force(req.Context(), c.Token)
	if rejected := (*RejectedError)(nil); errors.As(err, &rejected) {
		return resp, nil
	}
	again, repeatable := req, false
	if err == nil {
		if again, repeatable = repeat(req); !repeatable {
			return resp, nil // the next request will carry the new token
		}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if !SameOrigin(renewed.BaseURL, req.URL.String()) { // somebody signed in elsewhere meanwhile
		renewed = config.Credential{}
	}
	return t.send(again, renewed)
}

// credential is what this request may carry: nothing, if it goes to another origin.
func (t *Transport) credential(req *http.Request) (config.Credential, error) {
	target := req.URL.String()
	if t.Source == nil {
		if t.Key == "" || !SameOrigin(t.BaseURL, target) {
			return config.Credential{}, nil
		}
		_, err := CheckURL(t.BaseURL)
		return config.Credential{Kind: config.APIKey, Token: t.Key}, err
	}
	c, err := t.Source.load()
	if err != nil {
		return config.Credential{}, err
	}
	if !SameOrigin(c.BaseURL, target) {
		return config.Credential{}, nil
	}
	if _, err := CheckURL(c.BaseURL); err != nil {
		return config.Credential{}, err
	}
	if c, err = t.Source.fresh(req.Context()); err != nil {
		return config.Credential{}, err
	}
	if !SameOrigin(c.BaseURL, target) {
		return config.Credential{}, nil
	}
	return c, nil
}

func (t *Transport) send(req *http.Request, c config.Credential) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	ctx := req.Context()
	if c.Token != "" {
		ctx = context.WithValue(ctx, sentSecret{}, c.Token)
	}
	out := req.Clone(ctx)
	out.Header.Del(t.Header)
	if c.Token != "" {
		out.Header.Set(t.Header, strings.TrimPrefix(t.Scheme+" "+c.Token.Reveal(), " "))
	}
	return base.RoundTrip(out)
}

type sentSecret struct{}

// SentSecret returns the credential that a Transport added to the request with this context, whatever header it is in; ""
// if it added none.
func SentSecret(ctx context.Context) config.Secret {
	secret, _ := ctx.Value(sentSecret{}).(config.Secret)
	return secret
}

// repeat returns the request with a fresh body, and whether that is possible.
func repeat(req *http.Request) (*http.Request, bool) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, true
	}
	if req.GetBody == nil {
		return again, false
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err == nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
