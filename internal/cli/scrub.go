package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
)

// A scrubTransport keeps a service from giving away, in the words of an error, the secrets that it was sent: what it
// refuses is shown to people, and copied into issues.
type scrubTransport struct{ next http.RoundTripper }

// maxScrubbed bounds the error of a service, in bytes.
const maxScrubbed = 1 << 20

// RoundTrip sends one request.
func (t *scrubTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	secrets := secretsOf(req)
	resp, err := t.next.RoundTrip(req)
	if err != nil || resp.StatusCode/100 == 2 || len(secrets) == 0 {
		return resp, err
	}
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[redacted]")
	}
	scrub := strings.NewReplacer(pairs...).Replace
	resp.Status = scrub(resp.Status)
	for _, values := range resp.Header {
		for i := range values {
			values[i] = scrub(values[i])
		}
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxScrubbed))
	_ = resp.Body.Close()
	text := scrub(string(raw))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	if err != nil { // an answer that was cut off stays one
		resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(text), failingReader{err})), -1
	}
	return resp, nil
}

// A failingReader has nothing but an error.
type failingReader struct{ err error }

// Read implements io.Reader.
func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// secretFields are the fields of requests to an authorization server that are secret (RFC 6749, 7009, 7636, 8628).
var secretFields = []string{"refresh_token", "code", "code_verifier", "device_code", "token", "client_secret", "password"}

// secretsOf returns what a request carries that nobody else may see.
func secretsOf(req *http.Request) []string {
	var secrets []string
	add := func(text string) {
		if len(text) >= 8 { // what is shorter is no secret, and would be found everywhere
			secrets = append(secrets, text)
		}
	}
	add(auth.SentSecret(req.Context()).Reveal())
	for _, name := range []string{"X-Api-Key", "Authorization"} {
		add(strings.TrimPrefix(req.Header.Get(name), "Bearer "))
	}
	fields := sentFields(req)
	for _, name := range secretFields {
		add(fields.Get(name))
	}
	return secrets
}

// sentFields reads a small form, or a JSON object's texts, from the body of a request.
func sentFields(req *http.Request) url.Values {
	if req.GetBody == nil || req.ContentLength <= 0 || req.ContentLength > 64<<10 {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	raw, err := io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		form, _ := url.ParseQuery(string(raw))
		return form
	}
	var object map[string]any
	_ = json.Unmarshal(raw, &object)
	form := url.Values{}
	for name, value := range object {
		if text, isText := value.(string); isText {
			form.Set(name, text)
		}
	}
	return form
}
