package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
)

// A deviceSignIn is a Device with a clock that advances while it sleeps.
type deviceSignIn struct {
	*fakeServer
	*Device
	clock *clock
	waits []int // seconds
}

func newDevice(t *testing.T, prepare func(*fakeServer)) *deviceSignIn {
	t.Helper()
	f := newFake(t)
	f.metadata = true
	if prepare != nil {
		prepare(f)
	}
	s := &deviceSignIn{fakeServer: f, clock: newClock()}
	s.Device = &Device{
		Provider: f.provider(), BaseURL: f.URL, Server: f.discover(), Now: s.clock.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.waits = append(s.waits, int(d/time.Second))
			s.clock.add(d)
			return ctx.Err()
		},
	}
	return s
}

func (s *deviceSignIn) run() (config.Credential, error) {
	login, err := s.Start(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.Finish(s.t.Context(), login)
}

func TestDevice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		forms bool
	}{{"JSON", false}, {"forms", true}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newDevice(t, func(f *fakeServer) { f.forms = test.forms })
			s.devices = []string{"authorization_pending", "authorization_pending"}
			login, err := s.Start(t.Context())
			if err != nil || login.UserCode != "WDJB-MJHT" || login.VerificationURI != s.URL+"/device" ||
				login.VerificationURIComplete != s.URL+"/device?user_code=WDJB-MJHT" {
				t.Fatalf("got %+v, %v, want the server's codes", login, err)
			}
			if left := login.ExpiresAt.Sub(s.clock.Now()); left < 595*time.Second || left > 601*time.Second {
				t.Errorf("the code expires in %s, want 600 s", left)
			}
			c, err := s.Finish(t.Context(), login)
			if err != nil || c.Token == "" || c.RefreshToken == "" || c.BaseURL != s.URL || s.clients[c.ClientID] == "" ||
				c.RevocationEndpoint != s.URL+"/cli/oauth/revoke" {
				t.Errorf("got %#v, %v, want the issued tokens", c, err)
			}
			s.wantWaits(5, 5, 5)
		})
	}
}

// wantWaits checks the delays before the polls, in seconds.
func (s *deviceSignIn) wantWaits(want ...int) {
	s.t.Helper()
	if !slices.Equal(s.waits, want) {
		s.t.Errorf("got delays %v, want %v", s.waits, want)
	}
}

func TestDeviceSlowDown(t *testing.T) {
	t.Parallel()
	s := newDevice(t, func(f *fakeServer) { f.device = map[string]any{"interval": 2} })
	s.devices = []string{"authorization_pending", "slow_down", "authorization_pending", "slow_down", "authorization_pending"}
	if _, err := s.run(); err != nil {
		t.Error(err)
	}
	s.wantWaits(2, 2, 7, 7, 12, 12)
}

func TestDeviceContinuesAfterFaults(t *testing.T) {
	t.Parallel()
	s := newDevice(t, nil)
	polls := 0
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/cli/oauth/token" {
			return false
		}
		polls++
		switch polls {
		case 1, 2:
			return cutOff(w, r)
		case 3:
			w.WriteHeader(http.StatusBadGateway)
		case 4:
			w.Header().Set("Retry-After", "45")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			return false
		}
		return true
	})
	s.devices = []string{"authorization_pending"}
	if _, err := s.run(); err != nil {
		t.Error(err)
	}
	s.wantWaits(5, 10, 20, 40, 60, 5)
}

func TestDeviceErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		responses []string // errors of the token endpoint
		want      any
	}{
		{"denied", []string{"authorization_pending", "access_denied"}, new(*DeniedError)},
		{"expired at the server", []string{"expired_token"}, new(*ExpiredError)},
		{"expired by the clock", slices.Repeat([]string{"authorization_pending"}, 300), new(*ExpiredError)},
		{"refused", []string{"invalid_grant"}, new(*OAuthError)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newDevice(t, nil)
			s.devices = test.responses
			if _, err := s.run(); !errors.As(err, test.want) {
				t.Errorf("got %T %v, want %T", err, err, test.want)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s := newDevice(t, nil)
		login, err := s.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.Sleep = nil
		if _, err := s.Finish(ctx, login); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
	t.Run("not offered", func(t *testing.T) {
		t.Parallel()
		s := newDevice(t, func(f *fakeServer) { f.metadata = false })
		var missing *NotOfferedError
		if _, err := s.Start(t.Context()); !errors.As(err, &missing) {
			t.Errorf("got %v, want a *NotOfferedError", err)
		}
	})
}

// A client that the server has forgotten is registered again, once.
func TestDeviceClient(t *testing.T) {
	t.Parallel()
	s := newDevice(t, nil)
	wantRegistrations := func(want int) {
		t.Helper()
		if got := s.count("/cli/oauth/register"); got != want {
			t.Errorf("got %d registrations, want %d", got, want)
		}
	}
	s.Client = Client{ID: "forgotten", Issuer: s.Device.Server.Issuer}
	if login, err := s.Start(t.Context()); err != nil || login.Client.ID == "forgotten" {
		t.Errorf("forgotten client: got %+v, %v, want a new client", login, err)
	}
	wantRegistrations(1)
	s.Client = Client{ID: "client-1", Issuer: s.Device.Server.Issuer}
	if login, err := s.Start(t.Context()); err != nil || login.Client.ID != "client-1" {
		t.Errorf("known client: got %+v, %v, want client-1", login, err)
	}
	wantRegistrations(1)
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/cli/oauth/device" {
			writeJSON(w, 401, map[string]any{"error": "invalid_client"})
		}
		return r.URL.Path == "/cli/oauth/device"
	})
	var refused *OAuthError
	if _, err := s.Start(t.Context()); !errors.As(err, &refused) {
		t.Errorf("every client refused: got %v, want an *OAuthError", err)
	}
	wantRegistrations(2)
}

func TestDeviceMalformedResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, field string
		value       any
		isAccepted  bool
	}{
		{"script", "verification_uri", "javascript:alert(1)", false},
		{"http", "verification_uri", "http://evil.example/device", false},
		{"no address", "verification_uri", "", false},
		{"no user code", "user_code", "", false},
		{"invisible user code", "user_code", "\u200b\x1b", false},
		{"no device code", "device_code", "", false},
		{"malformed device code", "device_code", "a\nb", false},
		{"expiry of a wrong type", "expires_in", []int{}, true},
		{"http with the code", "verification_uri_complete", "http://evil.example/?x", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newDevice(t, func(f *fakeServer) { f.device = map[string]any{test.field: test.value} })
			login, err := s.Start(t.Context())
			var refused *ResponseError
			if test.isAccepted != (err == nil) || err != nil && !errors.As(err, &refused) {
				t.Errorf("got %+v, %v, want accepted: %v", login, err, test.isAccepted)
			}
			if test.isAccepted && (login.ExpiresAt.Before(s.clock.Now()) || strings.Contains(login.VerificationURIComplete, "evil")) {
				t.Errorf("got %+v, want an expiry in the future and no http address", login)
			}
		})
	}
}

func TestDeviceInTwoProcesses(t *testing.T) {
	t.Parallel()
	s := newDevice(t, func(f *fakeServer) { f.device = map[string]any{"interval": 7} })
	login, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shown, _ := json.Marshal(login)
	if strings.Contains(string(shown)+fmt.Sprintf("%+v", login), "device-secret") || !strings.Contains(string(shown), "WDJB-MJHT") {
		t.Errorf("got %s, want the user code and no device code", shown)
	}
	raw, err := login.Encode()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := DecodeDeviceLogin(raw)
	if err != nil {
		t.Fatal(err)
	}
	decoded.ExpiresAt = login.ExpiresAt
	if c, err := s.Finish(t.Context(), decoded); err != nil || c.Issuer != s.Device.Server.Issuer || c.RevocationEndpoint == "" {
		t.Errorf("got %#v, %v, want a credential of the same server", c, err)
	}
	s.wantWaits(7)
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"array", "[]"},
		{"no fields", "{}"},
		{"token endpoint on another origin", strings.Replace(string(raw), `"tokenEndpoint":"`+s.URL, `"tokenEndpoint":"https://evil.example`, 1)},
		{"http", strings.ReplaceAll(string(raw), s.URL, "http://evil.example")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := DecodeDeviceLogin([]byte(test.text)); err == nil {
				t.Errorf("DecodeDeviceLogin(%s) = %+v, want an error", test.text, got)
			}
		})
	}
}

// FuzzDeviceLogin checks that a stored sign-in never has a token endpoint on another origin.
func FuzzDeviceLogin(f *testing.F) {
	f.Add([]byte(`{"baseUrl": "https://h.example", "tokenEndpoint": "https://h.example/token", "deviceCode": "x", "intervalSeconds": 5}`))
	f.Add([]byte(`{"baseUrl": "https://h.example", "tokenEndpoint": "https://evil.example/token"}`))
	f.Add([]byte(`{"baseUrl": "http://h.example", "tokenEndpoint": "http://h.example/token"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		login, err := DecodeDeviceLogin(raw)
		if err != nil {
			return
		}
		if _, err := safeurl.Check(login.Server.TokenEndpoint); err != nil || !safeurl.SameOrigin(login.Server.TokenEndpoint, login.BaseURL) {
			t.Fatalf("accepted the token endpoint %q for %q", login.Server.TokenEndpoint, login.BaseURL)
		}
	})
}
