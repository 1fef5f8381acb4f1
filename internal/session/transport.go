package session

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/redact"
	"github.com/uselamina/lamina/internal/textfile"
)

// Transport returns the HTTP transport of the command, without a credential: proxies and trust roots as the user set them, and the
// exchange in the --debug log.
func (m *Manager) Transport() (http.RoundTripper, error) {
	base := &http.Transport{
		DialContext:           dial,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          128,
		MaxIdleConnsPerHost:   64, // for many requests at once, as those of a batch
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		ReadBufferSize:        64 << 10,
	}
	if m.Flags.CAFile == "" {
		if err := m.RefuseBlank("LAMINA_CA_FILE"); err != nil {
			return nil, err
		}
	}
	if file := cmp.Or(m.Flags.CAFile, m.Getenv("LAMINA_CA_FILE")); file != "" {
		roots, err := trustRoots(file)
		if err != nil {
			return nil, err
		}
		base.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	proxied := m.newProxyTransport(base)
	if m.Debug == nil {
		return proxied, nil
	}
	return &debugTransport{next: proxied, log: m.Debug, secrets: m.Secrets}, nil
}

// sentOnce returns a request that net/http does not send again by itself. It takes a request with an Idempotency-Key for one that may be
// repeated when its connection is lost; a service that ignores the key would start a second run.
func sentOnce(req *http.Request) *http.Request {
	if req.GetBody == nil || req.Header.Get("Idempotency-Key") == "" {
		return req
	}
	once := *req
	once.GetBody = nil
	return &once
}

// trustRoots returns the system's certificate authorities and those in a PEM file.
func trustRoots(file string) (*x509.CertPool, error) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fail.Usage("copy the certificates into a file", "%s is not a regular file", file)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fail.Usage("", "could not read the certificate authorities: %v", err)
	}
	if textfile.IsMarked(pem) {
		if pem, err = textfile.Decode(pem); err != nil {
			return nil, fail.Usage("", "%s: %v", file, err)
		}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fail.Usage("", "%s holds no PEM certificate", file)
	}
	return roots, nil
}

// A debugTransport logs requests and responses, without bodies, query strings and credentials.
type debugTransport struct {
	next    http.RoundTripper
	log     func(line string)
	secrets *redact.Set
}

func (t *debugTransport) logf(format string, args ...any) {
	t.log(t.secrets.Text(fmt.Sprintf(format, args...)))
}

// RoundTrip sends one request.
func (t *debugTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	started := time.Now()
	t.logf("> %s %s", req.Method, bareURL(req))
	for _, name := range []string{"Content-Type", "User-Agent", "X-Workspace-Id"} {
		if value := req.Header.Get(name); value != "" {
			t.logf(">   %s: %s", name, value)
		}
	}
	for _, name := range []string{"X-Api-Key", "Authorization"} {
		if req.Header.Get(name) != "" {
			t.logf(">   %s: [redacted]", name)
		}
	}
	resp, err := t.next.RoundTrip(req)
	took := time.Since(started).Round(time.Millisecond)
	if err != nil {
		t.logf("< no answer after %s: %v", took, err)
		return nil, err
	}
	t.logf("< %s after %s", resp.Status, took)
	for _, name := range debugHeaders {
		if value := resp.Header.Get(name); value != "" {
			t.logf("<   %s: %s", name, value)
		}
	}
	return resp, nil
}

// debugHeaders are the headers of a response that help with debugging and hold no secret.
var debugHeaders = []string{"Content-Type", "Content-Length", "Date", "X-Request-Id", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After"}

// bareURL returns the URL of a request with the names of its query parameters, without their values.
func bareURL(req *http.Request) string {
	u := *req.URL
	u.User, u.Fragment = nil, ""
	var names []string
	for name := range u.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	u.RawQuery = ""
	text := u.String()
	for i, name := range names {
		text += fmt.Sprintf("%c%s=…", "?&"[min(i, 1)], name)
	}
	return text
}
