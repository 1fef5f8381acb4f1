package doctor

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// withProbe returns an examination of Lamina, or of another service, with an answer of its API.
func withProbe(t *testing.T, p provider.Provider, probe api.Probe) *examination {
	t.Helper()
	e := examine(t, newSessions(t))
	e.provider, e.baseURL = p, "https://service.example"
	e.probeAPI = func() api.Probe { return probe }
	return e
}

func TestCheckAPI(t *testing.T) {
	t.Parallel()
	const asJSON, html = "application/json; charset=utf-8", "text/html"
	tests := []struct {
		name     string
		provider provider.Provider
		probe    api.Probe
		status   Status
		text     string
	}{
		{"refused without a key", provider.Lamina(), api.Probe{Status: 401, ContentType: asJSON, Took: 30 * time.Millisecond}, OK, "service.example answers in 30 ms"},
		{"failing", provider.Lamina(), api.Probe{Status: 503, ContentType: asJSON}, Failed, "fails (503 Service Unavailable)"},
		{"rate limit", provider.Lamina(), api.Probe{Status: 429, ContentType: asJSON}, Warning, "limits the rate"},
		{"web page", provider.Lamina(), api.Probe{Status: 200, ContentType: html}, Failed, "not the API"},
		{"redirect", provider.Lamina(), api.Probe{Status: 302, ContentType: asJSON}, Failed, "not the API"},
		{"unknown path", provider.Lamina(), api.Probe{Status: 404, ContentType: asJSON}, Failed, "not the API"},
		{"no content type", provider.Lamina(), api.Probe{Status: 200}, Failed, "no content type"},
		{"other service, unknown path", provider.Laghav(), api.Probe{Status: 404, ContentType: asJSON}, OK, "answers"},
		{"other service, web page", provider.Laghav(), api.Probe{Status: 404, ContentType: html}, Failed, "not the API"},
		{"no answer", provider.Lamina(), api.Probe{Err: &api.UnreachableError{BaseURL: "https://service.example", Kind: api.Timeout}}, Failed, "did not answer in 4s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, checkAPI(t.Context(), withProbe(t, tt.provider, tt.probe)), tt.status, tt.text)
		})
	}
}

func TestUnreached(t *testing.T) {
	t.Parallel()
	lost := func(kind api.Kind) error {
		return &api.UnreachableError{BaseURL: "https://service.example", Kind: kind, Err: errors.New("lost")}
	}
	tests := []struct {
		name    string
		baseURL string
		err     error
		code    fail.Code
		fix     string
	}{
		{"unknown host", "https://service.example", lost(api.DNS), fail.Unreachable, "curl -v https://service.example"},
		{"timeout", "https://sam:secret@service.example/v1?key=secret", lost(api.Timeout), fail.Timeout, "curl -v https://service.example/v1"},
		{"certificate", "https://service.example", lost(api.TLS), fail.Unreachable, setCAFile},
		{"nothing listens on this machine", "http://127.0.0.1:8799", lost(api.Refused), fail.Unreachable, "lamina dev"},
		{"nothing listens elsewhere", "https://service.example", lost(api.Refused), fail.Unreachable, "curl -v https://service.example"},
		{"not of the network", "https://service.example", fail.Usage("do this", "wrong"), fail.InvalidArgument, "do this"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := examine(t, newSessions(t))
			e.baseURL = tt.baseURL
			if got := e.unreached(tt.err); got.failure != tt.code || got.Fix != tt.fix {
				t.Errorf("got code %q and fix %q, want %q and %q", got.failure.Name, got.Fix, tt.code.Name, tt.fix)
			}
		})
	}
}

func TestAddressError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		provider string
		settings []string
		text     string
		fix      string
	}{
		{"of the environment", "", []string{"LAMINA_BASE_URL=nonsense"}, "LAMINA_BASE_URL", "export LAMINA_BASE_URL=https://HOST"},
		{"missing", "lamatic", nil, "LAMATIC_", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sessions := newSessions(t, tt.settings...)
			sessions.Flags.Provider = tt.provider
			got := checkAPI(t.Context(), examine(t, sessions))
			expect(t, got, Failed, tt.text)
			if tt.fix != "" && got.Fix != tt.fix {
				t.Errorf("got the fix %q, want %q", got.Fix, tt.fix)
			}
		})
	}
}

func TestCheckTLS(t *testing.T) {
	t.Parallel()
	service := httptest.NewUnstartedServer(http.NotFoundHandler())
	service.Config.ErrorLog = log.New(io.Discard, "", 0)
	service.StartTLS()
	defer service.Close()
	got := checkTLS(t.Context(), examine(t, newSessions(t, "LAMINA_BASE_URL="+service.URL)))
	expect(t, got, Failed, "Acme Co") // the issuer of the certificate of httptest
	if got.Fix != setCAFile {
		t.Errorf("got the fix %q, want %q", got.Fix, setCAFile)
	}
	expect(t, checkTLS(t.Context(), examine(t, newSessions(t, "LAMINA_BASE_URL=http://127.0.0.1:1"))), Skipped, "plain http")
}

func TestCompareClocks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		ahead  time.Duration // of the local clock
		status Status
		text   string
	}{
		{"equal", 0, OK, "agrees"},
		{"little", -59 * time.Second, OK, "agrees"},
		{"ahead", 2 * time.Minute, Warning, "2m0s ahead of"},
		{"behind", -2 * time.Minute, Warning, "2m0s behind"},
		{"far behind", -2 * time.Hour, Failed, "2h0m0s behind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, compareClocks(now.Add(tt.ahead), now), tt.status, tt.text)
		})
	}
}

func TestCheckTokenEndpoint(t *testing.T) {
	t.Parallel()
	reached := api.Probe{Status: 401, ContentType: "application/json"}
	tests := []struct {
		name     string
		provider provider.Provider
		api      api.Probe
		token    api.Probe
		status   Status
		text     string
	}{
		{"answers", provider.Lamina(), reached, api.Probe{Status: 400}, OK, "https://service.example/cli/oauth/token answers"},
		{"fails", provider.Lamina(), reached, api.Probe{Status: 502}, Failed, "the session is kept"},
		{"no service", provider.Lamina(), api.Probe{Err: io.EOF}, api.Probe{}, Skipped, "not reached"},
		{"only keys", provider.Laghav(), reached, api.Probe{}, Skipped, "only keys"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := withProbe(t, tt.provider, tt.api)
			e.probeToken = func() api.Probe { return tt.token }
			expect(t, checkTokenEndpoint(t.Context(), e), tt.status, tt.text)
		})
	}
}

func TestProxyPort(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, proxy, want string }{
		{"named", "http://proxy.example:3128", "3128"},
		{"http", "http://proxy.example", "80"},
		{"https", "https://proxy.example", "443"},
		{"socks5", "socks5://proxy.example", "1080"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.proxy)
			if err != nil {
				t.Fatal(err)
			}
			if got := proxyPort(u); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCheckDNS(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, baseURL, text string }{
		{"address", "http://127.0.0.1:8799", "is an address"},
		{"no host", "nonsense", "has no host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, checkDNS(t.Context(), examine(t, newSessions(t, "LAMINA_BASE_URL="+tt.baseURL))), Skipped, tt.text)
		})
	}
}

func TestWithoutAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"lookup", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "lamina.invalid"}}, "no such host"},
		{"connection", &net.OpError{Op: "dial", Addr: &net.TCPAddr{}, Err: errors.New("connection refused")}, "connection refused"},
		{"other", errors.New("other"), "other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := withoutAddress(tt.err).Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
