package auth

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/redact"
)

// Transport adds a credential to the requests to the origin that the credential belongs to, and to no others. It checks the
// origin of every request, so a redirect, an upload or a download to another origin carries no credential.
type Transport struct {
	Base   http.RoundTripper // sends the requests; nil means http.DefaultTransport
	Header string            // the header for the credential: the provider's KeyHeader
	Scheme string            // the word before the credential, such as Bearer: the provider's KeyScheme
	Source Source
}

// The header of the access tokens of third-party servers (RFC 6750 section 2.1). They are sent in no other header, because a
// gateway may read another one as an API key.
const (
	bearerHeader = "Authorization"
	bearerScheme = "Bearer"
)

// RoundTrip implements http.RoundTripper. If the service rejects an access token with status 401, RoundTrip refreshes the
// session once and sends the request once more, provided that its body can be read again.
//
// Errors: *CredentialError if there is no valid credential, ctx's if it ends during a refresh, and those of Base.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	target := req.URL.String()
	c, err := t.Source.credential(req.Context(), target)
	if err != nil {
		closeBody(req)
		return nil, credentialError(req, err)
	}
	resp, err := t.send(req, c)
	if err != nil || c.Token == "" {
		return resp, err
	}
	t.Source.observe(resp.Header)
	if resp.StatusCode != http.StatusUnauthorized {
		return resp, nil
	}
	replacement, err := t.Source.replace(req.Context(), target, c)
	if rejected := (*RejectedError)(nil); errors.As(err, &rejected) {
		return resp, nil
	}
	if err != nil {
		discard(resp)
		return nil, credentialError(req, err)
	}
	again, isRepeatable := repeat(req)
	if !isRepeatable {
		return resp, nil // the next request will carry the new token
	}
	discard(resp)
	return t.send(again, replacement)
}

// credentialError wraps an error of the source. The end of the request's own context is returned as it is, because it is
// not a problem of the credential.
func credentialError(req *http.Request, err error) error {
	if ended := req.Context().Err(); ended != nil && errors.Is(err, ended) {
		return err
	}
	return &CredentialError{Err: err}
}

func (t *Transport) send(req *http.Request, c config.Credential) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	ctx := req.Context()
	if c.Token != "" {
		redact.Record(ctx, c.Token.Reveal())
	}
	out := req.Clone(ctx)
	header, scheme := t.Header, t.Scheme
	if c.ThirdParty {
		header, scheme = bearerHeader, bearerScheme
	}
	out.Header.Del(t.Header)
	if c.Token != "" {
		out.Header.Set(header, strings.TrimPrefix(scheme+" "+c.Token.Reveal(), " "))
	}
	return base.RoundTrip(out)
}

// repeat returns the request with a new body, and whether the body can be read a second time.
func repeat(req *http.Request) (again *http.Request, isRepeatable bool) {
	again = req.Clone(req.Context())
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

// discard reads a part of the response's body before closing it, so that the connection can be reused.
func discard(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
