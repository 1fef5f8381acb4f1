package session

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http/httpproxy"

	"github.com/uselamina/lamina/internal/fail"
)

// Proxy returns the proxy for requests to an address, and the environment variable that names it; nil for none. The variables are
// those of curl: HTTPS_PROXY or HTTP_PROXY by the scheme of the address, else ALL_PROXY, except for the hosts in NO_PROXY. In upper
// case they win over lower case. This machine is never reached through a proxy. The error does not quote the variable.
func (m *Manager) Proxy(address *url.URL) (proxy *url.URL, variable string, err error) {
	names := []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}
	if address.Scheme == "http" {
		names = []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}
	}
	variable, text := m.firstOf(names...)
	if text == "" {
		return nil, "", nil
	}
	_, exceptions := m.firstOf("NO_PROXY", "no_proxy")
	settings := httpproxy.Config{HTTPProxy: "http://proxy.invalid", HTTPSProxy: "http://proxy.invalid", NoProxy: exceptions}
	if used, err := settings.ProxyFunc()(address); used == nil || err != nil {
		return nil, "", err
	}
	if proxy, err = parseProxy(text); err != nil {
		return nil, variable, fail.Usage("export "+variable+"=http://HOST:PORT, or unset it", "%s is not the address of a proxy: %v", variable, err)
	}
	if password, isSet := proxy.User.Password(); isSet {
		m.Secrets.Add(password)
	}
	return proxy, variable, nil
}

// firstOf returns the first variable of the environment that is set, and its value.
func (m *Manager) firstOf(names ...string) (name, value string) {
	for _, name := range names {
		if value := strings.TrimSpace(m.Getenv(name)); value != "" {
			return name, value
		}
	}
	return "", ""
}

// parseProxy parses the address of a proxy. The scheme may be missing. The error quotes nothing but the scheme.
func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("it must look like http://HOST:PORT")
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		return nil, errors.New("only http, https, socks5 and socks5h are supported, not " + u.Scheme)
	}
	return u, nil
}

// A proxyTransport names the proxy in the errors of requests that fail on their way to it, so that the service is not blamed.
type proxyTransport struct {
	next    *http.Transport
	manager *Manager
}

// newProxyTransport makes a transport use the proxy of the environment.
func (m *Manager) newProxyTransport(next *http.Transport) *proxyTransport {
	next.Proxy = func(req *http.Request) (*url.URL, error) {
		proxy, _, err := m.Proxy(req.URL)
		return proxy, err
	}
	next.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return &fail.ProxyError{Status: resp.StatusCode}
	}
	return &proxyTransport{next, m}
}

// RoundTrip sends one request. Errors: *fail.ProxyError, and those of http.Transport.
func (t *proxyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = sentOnce(req)
	proxy, variable, err := t.manager.Proxy(req.URL)
	if proxy == nil || err != nil {
		return t.next.RoundTrip(req)
	}
	var isConnected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { isConnected.Store(true) }}
	ctx := req.Context()
	resp, err := t.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err == nil || errors.Is(ctx.Err(), context.Canceled) {
		return resp, err
	}
	failed := &fail.ProxyError{Err: err}
	var refused *fail.ProxyError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		failed = refused
	case errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks")):
	case errors.Is(err, context.DeadlineExceeded) && !isConnected.Load():
	default:
		return nil, err
	}
	failed.Proxy, failed.Variable, failed.Host = proxy.Scheme+"://"+proxy.Host, variable, req.URL.Host
	return nil, failed
}
