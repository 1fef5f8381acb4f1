package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// Fixes of network failures that several checks suggest.
const (
	showProxy = "env | grep -i proxy"
	setCAFile = "export LAMINA_CA_FILE=FILE"
)

// certificateNotice is the remaining lifetime of a certificate below which checkTLS warns.
const certificateNotice = 7 * 24 * time.Hour

// host returns the host of the service's address, with the port if the address names one.
func (e *examination) host() string {
	u, err := url.Parse(e.baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// proxy returns the proxy that requests to the service use, and the variable that names it; nil for none.
func (e *examination) proxy() (proxy *url.URL, variable string, err error) {
	u, err := url.Parse(e.baseURL)
	if err != nil {
		return nil, "", nil //nolint:nilerr // checkAPI reports an invalid address
	}
	return e.sessions.Proxy(u)
}

// bareURL returns an address without the parts that may hold secrets: user name, password, query and fragment.
func bareURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "[not a URL]"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// checkProxy connects to the proxy that requests to the service use.
func checkProxy(ctx context.Context, e *examination) Finding {
	proxy, variable, err := e.proxy()
	if err != nil {
		return e.describe(err)
	}
	if proxy == nil {
		return ok("none: requests to %s go there directly", e.host())
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime(e.sessions))
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(proxy.Hostname(), proxyPort(proxy)))
	if err != nil {
		return failed(fail.Unreachable, showProxy, "the proxy %s cannot be reached: %v; it is set in %s", bareURL(proxy.String()), withoutAddress(err), variable)
	}
	_ = conn.Close()
	return ok("requests to %s go through the proxy of %s, %s, which answers", e.host(), variable, bareURL(proxy.String()))
}

// proxyPort returns the port of a proxy: the one in its address, else the default of its scheme.
func proxyPort(proxy *url.URL) string {
	port := "80"
	switch proxy.Scheme {
	case "https":
		port = "443"
	case "socks5", "socks5h":
		port = "1080"
	}
	return cmp.Or(proxy.Port(), port)
}

// checkDNS looks up the host name of the service.
func checkDNS(ctx context.Context, e *examination) Finding {
	u, err := url.Parse(e.baseURL)
	if err != nil || u.Hostname() == "" {
		return skip("the address of the service has no host")
	}
	if proxy, _, err := e.proxy(); proxy != nil || err != nil {
		return skip("the proxy looks up names")
	}
	name := u.Hostname()
	if net.ParseIP(name) != nil {
		return skip("%s is an address, not a name", name)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime(e.sessions))
	defer cancel()
	started := e.sessions.Now()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return failed(fail.Unreachable, "getent hosts "+fail.Quote(name), "%s has no address here: %v", name, withoutAddress(err))
	}
	took := e.sessions.Now().Sub(started)
	return ok("%s is %s (%s)", name, strings.Join(addresses[:min(2, len(addresses))], ", "), milliseconds(took))
}

// checkTLS examines the certificate of the service.
func checkTLS(_ context.Context, e *examination) Finding {
	if session.IsLoopback(e.baseURL) {
		return skip("not used: plain http is allowed on this machine")
	}
	p := e.probeAPI()
	if p.Err != nil {
		return e.tlsFailure(p.Err)
	}
	if p.TLS == nil || len(p.TLS.VerifiedChains) == 0 {
		return skip("the connection has no verified certificate")
	}
	chain := p.TLS.VerifiedChains[0]
	leaf, root := chain[0], chain[len(chain)-1]
	if left := leaf.NotAfter.Sub(e.sessions.Now()); left < certificateNotice {
		return warn("", "the certificate of %s expires on %s; the owner of the service must renew it", e.host(), output.Day(leaf.NotAfter))
	}
	return ok("the certificate of %s is trusted; its root is %s", e.host(), certificateName(root))
}

// tlsFailure returns the finding for a probe that got no answer.
func (e *examination) tlsFailure(err error) Finding {
	var unreachable *api.UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Kind != api.TLS {
		return skip("the service was not reached")
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && unknown.Cert != nil {
		return failed(fail.Unreachable, setCAFile,
			"the certificate is signed by %q, which is not trusted here; if that is the proxy of your company, set its certificate as the CA file",
			unknown.Cert.Issuer.String())
	}
	return e.unreached(err)
}

// certificateName returns the subject of a certificate in a few words.
func certificateName(c *x509.Certificate) string {
	return cmp.Or(c.Subject.CommonName, strings.Join(c.Subject.Organization, " "), c.Subject.String())
}

// unreached returns the finding for a request without a response, with a command that fixes the cause or shows more about it.
func (e *examination) unreached(err error) Finding {
	f := e.describe(err)
	if f.failure == fail.Unreachable || f.failure == fail.Timeout {
		f.Fix = "curl -v " + fail.Quote(bareURL(e.baseURL))
	}
	var unreachable *api.UnreachableError
	var proxy *fail.ProxyError
	if errors.As(err, &proxy) {
		f.Fix = showProxy
		return f
	}
	if !errors.As(err, &unreachable) {
		return f
	}
	switch {
	case unreachable.Kind == api.Timeout:
		f.Text = fmt.Sprintf("%s did not answer in %s", bareURL(unreachable.BaseURL), stepTime(e.sessions))
	case unreachable.Kind == api.TLS:
		f.Fix = setCAFile
	case unreachable.Kind == api.Refused && session.IsLoopback(e.baseURL):
		f.Fix = "lamina dev"
	}
	return f
}

// withoutAddress returns the cause of a network error, without the addresses that package net repeats.
func withoutAddress(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New(dns.Err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
