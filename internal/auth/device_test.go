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

	"github.com/uselamina/lamina/internal/config"
)

// A deviceSignIn is a Device with a clock that runs as it sleeps.
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
	for _, forms := range []bool{false, true} {
		s := newDevice(t, func(f *fakeServer) { f.forms = forms })
		s.devices = []string{"authorization_pending", "authorization_pending"}
		login, err := s.Start(t.Context())
		if err != nil || login.UserCode != "WDJB-MJHT" || login.VerificationURI != s.URL+"/device" ||
			login.VerificationURIComplete != s.URL+"/device?user_code=WDJB-MJHT" {
			t.Fatalf("%+v, %v", login, err)
		}
		if left := login.ExpiresAt.Sub(s.clock.Now()); left < 595*time.Second || left > 601*time.Second {
			t.Errorf("the code lives %s", left)
		}
		c, err := s.Finish(t.Context(), login)
		if err != nil || c.Token == "" || c.RefreshToken == "" || c.BaseURL != s.URL || s.clients[c.ClientID] == "" ||
			c.RevocationEndpoint != s.URL+"/cli/oauth/revoke" {
			t.Errorf("%#v, %v", c, err)
		}
		if !slices.Equal(s.waits, []int{5, 5, 5}) {
			t.Errorf("waited %v", s.waits)
		}
	}
}

func TestDeviceSlowDownIsForGood(t *testing.T) {
	t.Parallel()
	s := newDevice(t, func(f *fakeServer) { f.device = map[string]any{"interval": 2} })
	s.devices = []string{"authorization_pending", "slow_down", "authorization_pending", "slow_down", "authorization_pending"}
	if _, err := s.run(); err != nil || !slices.Equal(s.waits, []int{2, 2, 7, 7, 12, 12}) {
		t.Errorf("waited %v, %v", s.waits, err)
	}
}

func TestDeviceOutlastsFaults(t *testing.T) {
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
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
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
	if _, err := s.run(); err != nil || !slices.Equal(s.waits, []int{5, 10, 20, 40, 60, 5}) {
		t.Errorf("waited %v, %v", s.waits, err)
	}
}

func TestDeviceEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []string
		want    any
	}{
		"denied":           {[]string{"authorization_pending", "access_denied"}, new(*DeniedError)},
		"expired":          {[]string{"expired_token"}, new(*ExpiredError)},
		"expired by clock": {slices.Repeat([]string{"authorization_pending"}, 300), new(*ExpiredError)},
		"refused":          {[]string{"invalid_grant"}, new(*OAuthError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDevice(t, nil)
			s.devices = c.answers
			if _, err := s.run(); !errors.As(err, c.want) {
				t.Errorf("got %v", err)
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
			t.Errorf("got %v", err)
		}
	})
}

func TestDeviceNotOffered(t *testing.T) {
	t.Parallel()
	s := newDevice(t, func(f *fakeServer) { f.metadata = false })
	var missing *NotOfferedError
	if _, err := s.Start(t.Context()); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestDeviceRegistersAnewOnce(t *testing.T) {
	t.Parallel()
	s := newDevice(t, nil)
	s.Client = Client{ID: "forgotten", Issuer: s.Device.Server.Issuer}
	if login, err := s.Start(t.Context()); err != nil || login.Client.ID == "forgotten" {
		t.Errorf("%+v, %v", login, err)
	}
	s.Client = Client{ID: "client-1", Issuer: s.Device.Server.Issuer}
	if login, err := s.Start(t.Context()); err != nil || login.Client.ID != "client-1" || s.count("/cli/oauth/register") != 1 {
		t.Errorf("%+v, %v", login, err)
	}
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/cli/oauth/device" {
			answerJSON(w, 401, map[string]any{"error": "invalid_client"})
		}
		return r.URL.Path == "/cli/oauth/device"
	})
	var refused *OAuthError
	if _, err := s.Start(t.Context()); !errors.As(err, &refused) || s.count("/cli/oauth/register") != 2 {
		t.Errorf("%v after %d registrations", err, s.count("/cli/oauth/register"))
	}
}

func TestDeviceRefusesOddReplies(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"script":        {"verification_uri": "javascript:alert(1)"},
		"plain http":    {"verification_uri": "http://evil.example/device"},
		"no user code":  {"user_code": ""},
		"no code":       {"device_code": ""},
		"odd code":      {"device_code": "a\nb"},
		"wrong type":    {"expires_in": []int{}},
		"invisible":     {"user_code": "\u200b\x1b"},
		"no browser at": {"verification_uri": ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDevice(t, func(f *fakeServer) { f.device = change })
			login, err := s.Start(t.Context())
			if name == "wrong type" {
				if err != nil || login.ExpiresAt.Before(s.clock.Now()) {
					t.Errorf("a lifetime that makes no sense is left out: %v", err)
				}
				return
			}
			var refused *ResponseError
			if !errors.As(err, &refused) {
				t.Errorf("got %+v, %v", login, err)
			}
		})
	}
	s := newDevice(t, func(f *fakeServer) { f.device = map[string]any{"verification_uri_complete": "http://evil.example/?x"} })
	if login, err := s.Start(t.Context()); err != nil || login.VerificationURIComplete != "" {
		t.Errorf("%+v, %v", login, err)
	}
}

func TestDeviceInTwoSteps(t *testing.T) {
	t.Parallel()
	s := newDevice(t, func(f *fakeServer) { f.device = map[string]any{"interval": 7} })
	login, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shown, _ := json.Marshal(login)
	if strings.Contains(string(shown)+fmt.Sprintf("%+v", login), "device-secret") || !strings.Contains(string(shown), "WDJB-MJHT") {
		t.Errorf("what is shown: %s", shown)
	}
	raw, err := login.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeDeviceLogin(raw)
	if err != nil {
		t.Fatal(err)
	}
	again.ExpiresAt = login.ExpiresAt
	if c, err := s.Finish(t.Context(), again); err != nil || c.Issuer != s.Device.Server.Issuer || c.RevocationEndpoint == "" || !slices.Equal(s.waits, []int{7}) {
		t.Errorf("%#v, %v", c, err)
	}
	for _, bad := range []string{
		"", "[]", "{}", strings.Replace(string(raw), `"tokenEndpoint":"`+s.URL, `"tokenEndpoint":"https://evil.example`, 1),
		strings.ReplaceAll(string(raw), s.URL, "http://evil.example"),
	} {
		if _, err := DecodeDeviceLogin([]byte(bad)); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}
