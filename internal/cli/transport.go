package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/transfer"
)

// transport returns the way to the network: proxies and trust roots as the person set them, and the exchange shown on
// stderr with --debug. It adds no credentials.
func (e *Env) transport() (http.RoundTripper, error) {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          16,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		ReadBufferSize:        64 << 10,
	}
	if file := firstOf(e.flags.caFile, e.Getenv("LAMINA_CA_FILE")); file != "" {
		roots, err := trustRoots(file)
		if err != nil {
			return nil, err
		}
		base.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	if e.flags.debug || e.Getenv("LAMINA_DEBUG") != "" {
		return &debugTransport{next: &scrubTransport{next: base}, printer: e.printer}, nil
	}
	return &scrubTransport{next: base}, nil
}

// trustRoots returns the system's certificate authorities and those in a PEM file.
func trustRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("", "could not read the certificate authorities: %v", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, usage("", "%s holds no PEM certificate", file)
	}
	return roots, nil
}

// downloader returns what fetches files from wherever they are. It shares nothing with the API's client, so it has no
// credential to lose.
func (e *Env) downloader() (*transfer.Downloader, error) {
	transport, err := e.transport()
	if err != nil {
		return nil, err
	}
	return &transfer.Downloader{HTTP: &http.Client{Transport: transport}, AllowLoopback: isLoopbackURL(e.session.baseURL)}, nil
}

// A debugTransport shows requests and answers, without bodies, query strings and credentials.
type debugTransport struct {
	next    http.RoundTripper
	printer *output.Printer
}

// RoundTrip sends one request.
func (t *debugTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	started := time.Now()
	t.printer.Verbatim("> %s %s", req.Method, bareURL(req))
	for _, name := range []string{"Content-Type", "User-Agent", "X-Workspace-Id"} {
		if value := req.Header.Get(name); value != "" {
			t.printer.Verbatim(">   %s: %s", name, term.Line(value))
		}
	}
	for _, name := range []string{"X-Api-Key", "Authorization"} {
		if req.Header.Get(name) != "" {
			t.printer.Verbatim(">   %s: [redacted]", name)
		}
	}
	resp, err := t.next.RoundTrip(req)
	took := time.Since(started).Round(time.Millisecond)
	if err != nil {
		t.printer.Verbatim("< no answer after %s: %v", took, err)
		return nil, err
	}
	t.printer.Verbatim("< %s after %s", term.Line(resp.Status), took)
	for _, name := range debugHeaders {
		if value := resp.Header.Get(name); value != "" {
			t.printer.Verbatim("<   %s: %s", name, term.Line(value))
		}
	}
	return resp, nil
}

// debugHeaders are the headers of an answer that help and hold no secret.
var debugHeaders = []string{"Content-Type", "Content-Length", "Date", "X-Request-Id", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After"}

// bareURL is where a request goes, with the names of its query and not the values.
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
	return term.Line(text)
}
