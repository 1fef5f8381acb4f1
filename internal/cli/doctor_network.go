package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/term"
)

// accountPath is asked without a credential: the API refuses with 401, and nothing else does so in its words.
const accountPath = "/v1/account"

// probePath is what is asked for without a credential, to see whether the service is there.
func (d *doctor) probePath() string {
	if d.provider.IsLamina() || len(d.provider.Checks) == 0 {
		return map[bool]string{true: accountPath}[d.provider.IsLamina()]
	}
	return d.provider.Checks[0].Path
}

// ask makes one request without a credential.
func (d *doctor) ask(ctx context.Context, method, address string) api.Probe {
	if _, err := auth.NormalizeBase(d.baseURL); err != nil {
		variable, _ := d.env.firstEnv(d.provider.BaseURLEnv)
		return api.Probe{Err: baseURLError(firstOf(variable, "the address of "+d.provider.Title), err)}
	}
	if _, err := auth.CheckURL(address); err != nil {
		return api.Probe{Err: err}
	}
	transport, err := d.env.transport()
	if err != nil {
		return api.Probe{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return api.Ask(ctx, transport, method, address, d.env.userAgent(), d.env.Now)
}

// tokenURL is where a refresh would be sent.
func (d *doctor) tokenURL() string {
	s, err := d.open()
	if err != nil || s.credential.TokenEndpoint == "" {
		return d.fixedTokenURL()
	}
	if c := s.credential; c.ThirdParty || auth.SameOrigin(c.TokenEndpoint, d.baseURL) {
		return c.TokenEndpoint
	}
	return d.fixedTokenURL()
}

func (d *doctor) fixedTokenURL() string {
	return strings.TrimRight(d.baseURL, "/") + d.provider.OAuth.TokenPath
}

// host is the name of the service's machine, with the port if it is an unusual one.
func (d *doctor) host() string {
	u, err := url.Parse(d.baseURL)
	if err != nil {
		return ""
	}
	return term.Line(u.Host)
}

// proxyOf returns the proxy for the service, nil for none.
func (d *doctor) proxyOf() (*url.URL, error) {
	u, err := url.Parse(d.baseURL)
	if err != nil {
		return nil, nil //nolint:nilerr // the check of the API says it
	}
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

// bareAddress is a URL without what may be secret in it.
func bareAddress(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "[not a URL]"
	}
	return term.Line((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// checkProxy says through what requests go.
func checkProxy(ctx context.Context, d *doctor) verdict {
	proxy, err := d.proxyOf()
	if err != nil {
		return failed(codeUnreachable, "env | grep -i proxy", "the proxy's address in the environment is none")
	}
	if proxy == nil {
		return ok("none: requests to %s go there directly", d.host())
	}
	port := firstOf(proxy.Port(), map[string]string{"https": "443", "socks5": "1080"}[proxy.Scheme], "80")
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(proxy.Hostname(), port))
	if err != nil {
		return failed(codeUnreachable, "env | grep -i proxy", "the proxy %s cannot be reached: %v", bareAddress(proxy.String()), shortCause(err))
	}
	_ = conn.Close()
	return ok("requests to %s go through %s, which answers", d.host(), bareAddress(proxy.String()))
}

// checkDNS looks up the service's name.
func checkDNS(ctx context.Context, d *doctor) verdict {
	u, err := url.Parse(d.baseURL)
	if err != nil || u.Hostname() == "" {
		return skip("the address of the service is none")
	}
	if proxy, err := d.proxyOf(); proxy != nil || err != nil {
		return skip("the proxy looks up names")
	}
	if net.ParseIP(u.Hostname()) != nil {
		return skip("%s is an address, not a name", term.Line(u.Hostname()))
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	started := d.env.Now()
	addresses, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err != nil {
		return failed(codeUnreachable, "getent hosts "+quoteArg(u.Hostname()), "%s has no address here: %v", term.Line(u.Hostname()), shortCause(err))
	}
	return ok("%s is %s (%s)", term.Line(u.Hostname()), strings.Join(addresses[:min(2, len(addresses))], ", "), milliseconds(d.env.Now().Sub(started)))
}

// checkTLS says who vouches for the service.
func checkTLS(_ context.Context, d *doctor) verdict {
	if isLoopbackURL(d.baseURL) {
		return skip("plain http, which is for this machine only")
	}
	p := d.api()
	if p.Err != nil {
		return d.tlsFailure(p.Err)
	}
	if p.TLS == nil || len(p.TLS.VerifiedChains) == 0 {
		return skip("there was no TLS to look at")
	}
	chain := p.TLS.VerifiedChains[0]
	leaf, root := chain[0], chain[len(chain)-1]
	if left := leaf.NotAfter.Sub(d.env.Now()); left < 7*24*time.Hour {
		return warn("", "the certificate of %s ends on %s; its owner has to renew it", d.host(), leaf.NotAfter.Format("2 January 2006"))
	}
	return ok("the certificate of %s is vouched for by %s", d.host(), certificateName(root))
}

func (d *doctor) tlsFailure(err error) verdict {
	var unreachable *api.UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Kind != api.TLS {
		return skip("the service was not reached")
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && unknown.Cert != nil {
		return failed(codeUnreachable, "export LAMINA_CA_FILE=FILE",
			"the certificate is signed by %q, which is not trusted here; if that is your company's proxy, name its certificate", term.Line(unknown.Cert.Issuer.String()))
	}
	return d.unreached(err)
}

func certificateName(c *x509.Certificate) string {
	return term.Line(firstOf(c.Subject.CommonName, strings.Join(c.Subject.Organization, " "), c.Subject.String()))
}

// checkAPI asks whether the API is there, and how fast.
func checkAPI(_ context.Context, d *doctor) verdict {
	p := d.api()
	isJSON := strings.HasPrefix(p.ContentType, "application/json")
	switch {
	case p.Err != nil:
		return d.unreached(p.Err)
	case p.Status >= 500:
		return failed(codeServer, "lamina doctor", "%s fails (%d %s)", d.host(), p.Status, http.StatusText(p.Status))
	case p.Status == http.StatusTooManyRequests:
		return warn("", "%s is reached, but asks for fewer requests", d.host())
	case !d.provider.IsLamina() && p.Status < 300, !d.provider.IsLamina() && isJSON: // not every service knows what is asked
		return ok("%s answers in %s (%s to connect)", d.host(), milliseconds(p.Took), milliseconds(p.Connect))
	case p.Status >= 300 && p.Status < 400, !isJSON, p.Status == http.StatusNotFound:
		return failed(codeUnexpected, "unset "+strings.Join(d.provider.BaseURLEnv, " "), "something answers at %s (%d, %s), but it is not the API: a login page of the network, or another web site",
			d.host(), p.Status, firstOf(term.Line(p.ContentType), "no type"))
	}
	return ok("%s answers in %s (%s to connect)", d.host(), milliseconds(p.Took), milliseconds(p.Connect))
}

// unreached makes a verdict of an answer that did not come, with a command that mends it, or tells more.
func (d *doctor) unreached(err error) verdict {
	v := failedBy(err)
	if v.failure == codeUnreachable || v.failure == codeTimeout {
		v.Mend = "curl -v " + quoteArg(bareAddress(d.baseURL))
	}
	var unreachable *api.UnreachableError
	switch {
	case !errors.As(err, &unreachable):
	case unreachable.Kind == api.Timeout:
		v.Finding = fmt.Sprintf("%s did not answer in %s", bareAddress(unreachable.BaseURL), checkTime)
	case unreachable.Kind == api.TLS:
		v.Mend = "export LAMINA_CA_FILE=FILE"
	case unreachable.Kind == api.Refused && isLoopbackURL(d.baseURL):
		v.Mend = "lamina dev"
	}
	return v
}

// checkTokenEndpoint asks whether the place answers where sessions are renewed.
func checkTokenEndpoint(_ context.Context, d *doctor) verdict {
	if d.provider.OAuth == nil {
		return skip("%s knows only keys, and nothing is renewed", d.provider.Title)
	}
	if d.api().Err != nil {
		return skip("the service was not reached")
	}
	p := d.token()
	switch {
	case p.Err != nil:
		return d.unreached(p.Err)
	case p.Status >= 500:
		return failed(codeServer, "lamina doctor", "%s fails (%d %s); the session is kept until it is back", bareAddress(d.tokenURL()), p.Status, http.StatusText(p.Status))
	}
	return ok("%s answers in %s", bareAddress(d.tokenURL()), milliseconds(p.Took))
}

// How far a clock may be off: sessions do not depend on it, certificates do, and so do signatures of webhooks.
const (
	clockWarn = time.Minute
	clockFail = 10 * time.Minute
)

// checkClock compares this machine's clock with the service's.
func checkClock(_ context.Context, d *doctor) verdict {
	p := d.api()
	if p.Err != nil || p.Date.IsZero() {
		return skip("the service did not tell the time")
	}
	off := d.env.Now().Sub(p.Date).Round(time.Second)
	side := "ahead of"
	if off < 0 {
		off, side = -off, "behind"
	}
	switch {
	case off >= clockFail:
		return failed(codeCheckFailed, clockCommand(), "this clock is %s %s the service's", off, side)
	case off >= clockWarn:
		return warn(clockCommand(), "this clock is %s %s the service's", off, side)
	}
	return ok("right, compared with the service's")
}

func clockCommand() string {
	switch runtime.GOOS {
	case "darwin":
		return "sudo sntp -sS time.apple.com"
	case "windows":
		return "w32tm /resync"
	}
	return "sudo timedatectl set-ntp true"
}

// milliseconds shows a short time.
func milliseconds(d time.Duration) string {
	if d < time.Millisecond {
		return "less than 1 ms"
	}
	return strings.Replace(d.Round(time.Millisecond).String(), "ms", " ms", 1)
}

// shortCause is what went wrong, without the addresses that net repeats.
func shortCause(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New(term.Line(dns.Err))
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
