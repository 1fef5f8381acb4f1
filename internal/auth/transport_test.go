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

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/config/configtest"
)

func (s *rig) client() *http.Client {
	return &http.Client{Transport: &Transport{Header: "x-api-key", Source: s.session}}
}

func (s *rig) keyClient() *http.Client {
	return &http.Client{Transport: &Transport{Header: "x-api-key", Source: StaticKey{Key: "lma_mcp_at_a-0", BaseURL: s.URL}}}
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

func (s *rig) wantStatus(hc *http.Client, want int) {
	s.t.Helper()
	if got := get(s.t, hc, s.URL+"/v1/account"); got != want {
		s.t.Errorf("got status %d, want %d", got, want)
	}
}

func (s *rig) wantCounts(requests, refreshes int) {
	s.t.Helper()
	if got := s.count("/v1/account"); got != requests {
		s.t.Errorf("got %d requests, want %d", got, requests)
	}
	if got := s.refreshes(); got != refreshes {
		s.t.Errorf("got %d refreshes, want %d", got, refreshes)
	}
}

func TestTransportSendsToken(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.wantStatus(s.client(), http.StatusOK)
	s.clock.add(2 * time.Hour)
	s.session.skewed = false
	s.wantStatus(s.client(), http.StatusOK)
	s.wantCounts(2, 1)
}

// countingDisk counts the reads of config.json.
type countingDisk struct {
	configtest.System
	reads *atomic.Int32
}

// Read implements configtest.Disk.
func (d countingDisk) Read(path string) ([]byte, error) {
	if strings.HasSuffix(path, "config.json") {
		d.reads.Add(1)
	}
	return d.System.Read(path)
}

// A request reads config.json once, unless it refreshes the session.
func TestTransportReadsStoreOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		credential func(s *rig) config.Credential
		url        string // "" means the fake server
	}{
		{"session", func(s *rig) config.Credential { return s.stored() }, ""},
		{"API key", func(s *rig) config.Credential {
			return config.Credential{Kind: config.APIKey, Token: "lma_mcp_at_a-0", BaseURL: s.URL}
		}, ""},
		{"another origin", func(s *rig) config.Credential { return s.stored() }, "http://localhost:1/x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.put(test.credential(s))
			reads := new(atomic.Int32)
			s.session.Store = configtest.NewStore(s.store.Dir, countingDisk{reads: reads})
			client := s.client()
			for n := range int32(3) {
				if test.url != "" {
					_, _ = client.Get(test.url) // nothing listens there
				} else {
					s.wantStatus(client, http.StatusOK)
				}
				if got, want := reads.Load(), n+1; got != want {
					t.Errorf("got %d reads after %d requests, want %d", got, n+1, want)
				}
			}
		})
	}
}

func TestTransportAfter401(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		body      io.Reader
		always401 bool
		status    int
		requests  int
	}{
		{name: "no body", status: 200, requests: 2},
		{name: "repeatable body", body: strings.NewReader("x"), status: 200, requests: 2},
		{name: "body that can be read once", body: io.MultiReader(strings.NewReader("x")), status: 401, requests: 1},
		{name: "empty body", body: http.NoBody, status: 200, requests: 2},
		{name: "new token rejected", always401: true, status: 401, requests: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.locked(func() { clear(s.access) })
			if test.always401 {
				s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/v1/account" {
						w.WriteHeader(http.StatusUnauthorized)
					}
					return r.URL.Path == "/v1/account"
				})
			}
			resp, err := s.client().Post(s.URL+"/v1/account", "text/plain", test.body)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, test.status)
			}
			s.wantCounts(test.requests, 1)
			if test.always401 { // the next request does not refresh again
				s.wantStatus(s.client(), http.StatusUnauthorized)
				s.wantCounts(test.requests+1, 1)
			}
		})
	}
	t.Run("ended session", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		s.locked(func() { clear(s.access); clear(s.refresh) })
		_, err := s.client().Get(s.URL + "/v1/account")
		wantEnded(t, err, ReasonRefused)
	})
	t.Run("API key", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		s.put(config.Credential{Kind: config.APIKey, Token: "lma_bad", BaseURL: s.URL})
		s.wantStatus(s.client(), http.StatusUnauthorized)
		s.wantCounts(1, 0)
	})
	t.Run("static key", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		s.locked(func() { clear(s.access) })
		s.wantStatus(s.keyClient(), http.StatusUnauthorized)
		s.wantCounts(1, 0)
	})
}

// A credential is sent to its own origin only, for any kind of request to another one.
func TestTransportOrigins(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		client func(*rig) *http.Client
	}{
		{"session", (*rig).client},
		{"static key", (*rig).keyClient},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			received := make(chan string, 10)
			other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				received <- fmt.Sprintln(r.URL, r.Header)
			}))
			defer other.Close()
			s := newRig(t)
			s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
				switch r.URL.Path {
				case "/other-origin":
					http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
				case "/same-origin":
					http.Redirect(w, r, "/v1/account", http.StatusFound)
				default:
					return false
				}
				return true
			})
			hc := test.client(s)
			get(t, hc, s.URL+"/other-origin")
			get(t, hc, other.URL+"/asset.png")
			get(t, hc, strings.Replace(other.URL, "127.0.0.1", "localhost", 1))
			req, _ := http.NewRequest(http.MethodGet, other.URL, nil)
			req.Header.Set("x-api-key", "lma_mcp_at_a-0") // the caller set it by mistake
			resp, err := hc.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := len(received); got != 4 {
				t.Errorf("the other origin got %d requests, want 4", got)
			}
			for len(received) > 0 {
				if got := <-received; strings.Contains(got, "lma_mcp") {
					t.Errorf("the other origin got %s, want no credential", got)
				}
			}
			if got := get(t, hc, s.URL+"/same-origin"); got != http.StatusOK {
				t.Errorf("after a redirect on the same origin: got status %d, want 200", got)
			}
		})
	}
}

// While the service rejects a token, the user signs in to another service. The new credential is not sent to the first one.
func TestSignInElsewhereDuring401(t *testing.T) {
	t.Parallel()
	s := newRig(t)
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
	s.wantStatus(s.client(), http.StatusUnauthorized)
	if len(keys) != 2 || keys[0] == "" || keys[1] != "" {
		t.Errorf("got keys %q, want the old one and none", keys)
	}
}

func TestTransportRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.put(config.Credential{Kind: config.APIKey, Token: "lma_key", BaseURL: "http://example.com"})
	tests := []struct {
		name   string
		source Source
	}{
		{"session", s.session},
		{"static key", StaticKey{Key: "lma_key", BaseURL: "http://example.com"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			hc := &http.Client{Transport: &Transport{Header: "x-api-key", Source: test.source}}
			var refused *safeurl.Error
			if _, err := hc.Get("http://example.com/v1/account"); !errors.As(err, &refused) {
				t.Errorf("got %v, want a *safeurl.Error", err)
			}
		})
	}
}

// The endpoints of a third-party session may be on other hosts, but must use https.
func TestEndpointsRefusePlainHTTP(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	c := s.stored()
	c.ThirdParty, c.Issuer = true, "http://id.example"
	c.TokenEndpoint, c.RevocationEndpoint = "http://id.example/token", "http://id.example/revoke"
	s.put(c)
	s.clock.add(2 * time.Hour)
	counting := &countingTransport{}
	session := s.newSession()
	session.HTTP = &http.Client{Transport: counting}
	_, err := session.Token(t.Context())
	var refused *safeurl.Error
	if !errors.As(err, &refused) {
		t.Errorf("refresh: got %v, want a *safeurl.Error", err)
	}
	if err := Revoke(t.Context(), session.HTTP, session.Provider, c); !errors.As(err, &refused) {
		t.Errorf("revocation: got %v, want a *safeurl.Error", err)
	}
	if got := counting.requests.Load(); got != 0 {
		t.Errorf("got %d requests, want none", got)
	}
}

// A countingTransport counts the requests and fails.
type countingTransport struct{ requests atomic.Int32 }

// RoundTrip implements http.RoundTripper.
func (c *countingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return nil, errors.New("no network")
}

func TestTransportKeepsRequest(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	req, _ := http.NewRequest(http.MethodGet, s.URL+"/v1/account", nil)
	resp, err := s.client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(req.Header) != 0 {
		t.Errorf("got headers %v in the caller's request, want none", req.Header)
	}
}
