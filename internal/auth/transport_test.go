package auth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

func (s *session) client() *http.Client {
	return &http.Client{Transport: &Transport{Header: "x-api-key", Source: s.source}}
}

func get(t *testing.T, hc *http.Client, address string) int {
	t.Helper()
	resp, err := hc.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestTransportSendsTheToken(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	if status := get(t, s.client(), s.URL+"/v1/account"); status != 200 {
		t.Errorf("status %d", status)
	}
	s.clock.add(2 * time.Hour)
	s.source.skewed = false
	if status := get(t, s.client(), s.URL+"/v1/account"); status != 200 || s.refreshes() != 1 {
		t.Errorf("status %d after %d refreshes", status, s.refreshes())
	}
}

func TestTransportAfter401(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body      io.Reader
		status    int
		requests  int
		refreshes int
	}{
		"no body":     {nil, 200, 2, 1},
		"repeatable":  {strings.NewReader("x"), 200, 2, 1},
		"once only":   {io.MultiReader(strings.NewReader("x")), 401, 1, 1},
		"empty body":  {http.NoBody, 200, 2, 1},
		"still wrong": {nil, 401, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t)
			s.locked(func() { clear(s.access) })
			if name == "still wrong" {
				s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/v1/account" {
						w.WriteHeader(http.StatusUnauthorized)
					}
					return r.URL.Path == "/v1/account"
				})
			}
			resp, err := s.client().Post(s.URL+"/v1/account", "text/plain", c.body)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != c.status || s.count("/v1/account") != c.requests || s.refreshes() != c.refreshes {
				t.Errorf("status %d, %d requests, %d refreshes", resp.StatusCode, s.count("/v1/account"), s.refreshes())
			}
			if name == "still wrong" { // and it does not refresh again and again
				if status := get(t, s.client(), s.URL+"/v1/account"); status != 401 || s.refreshes() != 1 {
					t.Errorf("status %d, %d refreshes", status, s.refreshes())
				}
			}
		})
	}
	t.Run("session over", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		s.locked(func() { clear(s.access); clear(s.refresh) })
		_, err := s.client().Get(s.URL + "/v1/account")
		wantEnded(t, err, ReasonRefused)
	})
	t.Run("API key", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		s.put(config.Credential{Kind: config.APIKey, Token: "lma_bad", BaseURL: s.URL})
		if status := get(t, s.client(), s.URL+"/v1/account"); status != 401 || s.count("/v1/account") != 1 {
			t.Errorf("status %d, %d requests", status, s.count("/v1/account"))
		}
	})
}

// A credential goes to its own origin, however a request gets anywhere else.
func TestTransportNeverLeaks(t *testing.T) {
	t.Parallel()
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			seen = append(seen, fmt.Sprintln(name, values))
		}
		seen = append(seen, r.URL.String())
	}))
	defer other.Close()
	s := newSession(t)
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/there":
			http.Redirect(w, r, "/v1/account", http.StatusFound)
		default:
			return false
		}
		return true
	})
	fixed := &http.Client{Transport: &Transport{Header: "x-api-key", Source: StaticKey{Key: "lma_mcp_at_a-0", BaseURL: s.URL}}}
	for name, hc := range map[string]*http.Client{"source": s.client(), "key": fixed} {
		get(t, hc, s.URL+"/away")
		get(t, hc, other.URL+"/asset.png")
		get(t, hc, strings.Replace(other.URL, "127.0.0.1", "localhost", 1))
		req, _ := http.NewRequest(http.MethodGet, other.URL, nil)
		req.Header.Set("x-api-key", "lma_mcp_at_a-0") // even when a caller set it
		resp, err := hc.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if text := strings.Join(seen, ""); strings.Contains(text, "lma_mcp") || len(seen) == 0 {
			t.Errorf("%s: another origin saw %s", name, text)
		}
		if status := get(t, hc, s.URL+"/there"); status != 200 {
			t.Errorf("%s: a redirect on the same origin lost the credential: %d", name, status)
		}
	}
}

// While the service rejects a token somebody signs in to another one: what they got there does not go here.
func TestSignInElsewhereDuringA401(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	var keys []string
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/account" {
			return false
		}
		keys = append(keys, r.Header.Get("X-Api-Key"))
		s.put(config.Credential{Kind: config.APIKey, Token: "lma_of_another", BaseURL: "https://other.example"})
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	if status := get(t, s.client(), s.URL+"/v1/account"); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	if len(keys) != 2 || keys[0] == "" || keys[1] != "" {
		t.Errorf("the service saw the keys %q, want its own and none", keys)
	}
}

func TestTransportRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.put(config.Credential{Kind: config.APIKey, Token: "lma_key", BaseURL: "http://example.com"})
	fixed := &http.Client{Transport: &Transport{Header: "x-api-key", Source: StaticKey{Key: "lma_key", BaseURL: "http://example.com"}}}
	for _, hc := range []*http.Client{s.client(), fixed} {
		var refused *URLError
		if _, err := hc.Get("http://example.com/v1/account"); !errors.As(err, &refused) {
			t.Errorf("got %v", err)
		}
	}
}

// A session of another issuer has endpoints on other hosts; what was stored of them is not believed blindly either.
func TestEndpointsRefusePlainHTTP(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	c := s.stored()
	c.ThirdParty, c.TokenEndpoint, c.RevocationEndpoint = true, "http://id.example/token", "http://id.example/revoke"
	s.put(c)
	s.clock.add(2 * time.Hour)
	wire := &countingTransport{}
	source := s.newSource()
	source.HTTP = &http.Client{Transport: wire}
	_, err := source.Token(t.Context())
	var refused *URLError
	if !errors.As(err, &refused) {
		t.Errorf("renewed: %v", err)
	}
	if err := Revoke(t.Context(), source.HTTP, source.Provider, c); !errors.As(err, &refused) {
		t.Errorf("revoked: %v", err)
	}
	if n := wire.requests.Load(); n != 0 {
		t.Errorf("%d requests went out in the clear", n)
	}
}

// A countingTransport answers nothing.
type countingTransport struct{ requests atomic.Int32 }

// RoundTrip implements http.RoundTripper.
func (c *countingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return nil, errors.New("nobody is there")
}

func TestTransportLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	req, _ := http.NewRequest(http.MethodGet, s.URL+"/v1/account", nil)
	resp, err := s.client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(req.Header) != 0 {
		t.Errorf("the caller's request now has %v", req.Header)
	}
}
