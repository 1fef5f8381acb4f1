package auth

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

func TestBackgroundRefresh(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.clock.add(59*time.Minute + 10*time.Second)
	s.wantToken("lma_mcp_at_a-0")
	s.session.Wait(5 * time.Second)
	if got := s.stored().Token; got != "lma_mcp_at_a-1" || s.refreshes() != 1 {
		t.Errorf("got stored token %q, %d refreshes, want lma_mcp_at_a-1, 1", got.Reveal(), s.refreshes())
	}
}

func TestRefreshOfExpiredToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		forms bool
	}{{"JSON", false}, {"forms", true}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.forms = test.forms
			s.session = s.newSession()
			s.life = 1800
			s.clock.add(2 * time.Hour)
			s.wantToken("lma_mcp_at_a-1")
			now := s.clock.Now()
			want := config.Credential{
				Kind: config.OAuth, Token: "lma_mcp_at_a-1", RefreshToken: "rt-secret-2", BaseURL: s.URL, ClientID: "client-0",
				Scope: "lamina:creative:read", SavedAt: now.Add(-2 * time.Hour), ExpiresAt: now.Add(30 * time.Minute),
				Lifetime: 30 * time.Minute, ObtainedAt: now, IssuedAt: now, RefreshExpiresAt: now.AddDate(0, 0, 30),
			}
			if got := s.stored(); !reflect.DeepEqual(got, want) {
				t.Errorf("stored %#v\nwant   %#v", got, want)
			}
			s.wantToken("lma_mcp_at_a-1")
			if got := s.refreshes(); got != 1 {
				t.Errorf("got %d refreshes, want 1", got)
			}
		})
	}
}

// A strange expires_in must not end the session.
func TestRefreshLifetimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		life any
		want time.Duration
	}{
		{"missing", nil, time.Hour},
		{"string", "120", 2 * time.Minute},
		{"fraction", 90.5, 90 * time.Second},
		{"zero", 0, time.Hour},
		{"negative", -5, time.Hour},
		{"word", "soon", time.Hour},
		{"null", map[string]any(nil), time.Hour},
		{"huge", 1e30, (1<<31 - 1) * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.life = test.life
			s.clock.add(2 * time.Hour)
			s.wantToken("lma_mcp_at_a-1")
			if got := s.stored().Lifetime; got != test.want {
				t.Errorf("got lifetime %s, want %s", got, test.want)
			}
		})
	}
}

func TestRefreshTokenIsKept(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.keepRefresh = true
	s.clock.add(2 * time.Hour)
	s.wantToken("lma_mcp_at_a-1")
	if got := s.stored().RefreshToken; got != "rt-secret-0" {
		t.Errorf("got refresh token %q, want rt-secret-0", got.Reveal())
	}
}

func TestNoRefreshToken(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	c := s.stored()
	c.RefreshToken = ""
	s.put(c)
	s.clock.add(2 * time.Hour)
	_, err := s.token()
	wantEnded(t, err, ReasonNoRefresh)
}

func (s *rig) wantNoJournal() {
	s.t.Helper()
	if _, err := s.store.ReadFile(journalFile("")); !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("got error %v, want no refresh journal", err)
	}
}

func wantEnded(t *testing.T, err error, reason Reason) {
	t.Helper()
	var ended *SessionEndedError
	if !errors.As(err, &ended) || ended.Reason != reason {
		t.Fatalf("got %v, want a *SessionEndedError with reason %s", err, reason)
	}
	if text := err.Error(); !strings.Contains(text, "session expired: ") || strings.Contains(text, "rt-secret") {
		t.Errorf("got %q, want the reason without a secret", text)
	}
}

func TestNoRefreshWithoutLock(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	unlock, err := s.store.Lock(t.Context(), config.RefreshLock(""))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	s.store.LockWait = 30 * time.Millisecond
	s.clock.add(59*time.Minute + 55*time.Second)
	s.wantToken("lma_mcp_at_a-0")
	s.clock.add(time.Hour)
	var busy *config.BusyError
	if _, err := s.token(); !errors.As(err, &busy) {
		t.Errorf("got %v, want a *config.BusyError", err)
	}
	if got := s.refreshes(); got != 0 {
		t.Errorf("got %d refreshes, want none", got)
	}
}

// A refresh token is not spent if its replacement cannot be stored.
func TestNoRefreshWithUnwritableStore(t *testing.T) {
	if os.Geteuid() == 0 && runtime.GOOS != "linux" {
		t.Skip("this user can write everywhere")
	}
	t.Parallel()
	s := newRig(t)
	s.clock.add(2 * time.Hour)
	unlock, err := s.store.Lock(t.Context(), config.RefreshLock("")) // creates the lock file
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	// The document is a link to a file with a name so long that there is no name left for a temporary file. Unlike missing
	// permissions, this also stops root.
	dotfiles := filepath.Join(t.TempDir(), "dotfiles")
	if err := os.Mkdir(dotfiles, 0o700); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(dotfiles, strings.Repeat("n", 245))
	if err := errors.Join(os.Rename(s.store.Path(), target), os.Symlink(target, s.store.Path())); err != nil {
		t.Skip(err)
	}
	var file *config.FileError
	if _, err := s.token(); !errors.As(err, &file) || file.Problem != config.Unwritable {
		t.Errorf("got %v, want a *config.FileError with problem Unwritable", err)
	}
	if got := s.refreshes(); got != 0 {
		t.Errorf("got %d refreshes, want none", got)
	}
}

func TestSignOutDuringRefresh(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.metadata = true
	s.clock.add(2 * time.Hour)
	s.setFault(func(http.ResponseWriter, *http.Request) bool {
		_ = s.store.Update(context.Background(), func(d *config.Document) error { d.RemoveProfile(""); return nil })
		return false
	})
	var none *NotSignedInError
	if _, err := s.token(); !errors.As(err, &none) {
		t.Errorf("got %v, want a *NotSignedInError", err)
	}
	if got := s.stored().Token; got != "" {
		t.Errorf("got stored token %q, want none", got.Reveal())
	}
	s.wantRevoked("rt-secret-2")
}

func TestSignInDuringRefresh(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.metadata = true
	s.clock.add(2 * time.Hour)
	s.setFault(func(http.ResponseWriter, *http.Request) bool {
		c := config.Credential{BaseURL: s.URL, ClientID: "client-1"}
		grant{access: "lma_mcp_at_new", refresh: "rt-secret-new", lifetime: time.Hour}.apply(&c, s.clock.Now())
		s.put(c)
		return false
	})
	s.wantToken("lma_mcp_at_new")
	if got := s.stored().RefreshToken; got != "rt-secret-new" {
		t.Errorf("got refresh token %q, want rt-secret-new", got.Reveal())
	}
	s.wantRevoked("rt-secret-2")
}

// wantRevoked checks that the refresh token of a replaced session was revoked.
func (s *rig) wantRevoked(token string) {
	s.t.Helper()
	s.locked(func() {
		if !slices.Equal(s.revoked, []string{token}) {
			s.t.Errorf("got %q revoked, want %q", s.revoked, token)
		}
	})
}

// Best-effort work uses a valid access token, and does without an expired one. It never sends the refresh token.
func TestNoRefresh(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.session.NoRefresh = true
	s.clock.add(59*time.Minute + 50*time.Second)
	s.wantToken("lma_mcp_at_a-0")
	s.clock.add(time.Minute)
	var refresh *RefreshError
	if _, err := s.token(); !errors.As(err, &refresh) {
		t.Errorf("got %v for an expired access token, want a *RefreshError", err)
	}
	var rejected *RejectedError
	if _, err := s.force("lma_mcp_at_a-0"); !errors.As(err, &rejected) {
		t.Errorf("got %v for a rejected access token, want a *RejectedError", err)
	}
	s.session.Wait(time.Second)
	if got := s.refreshes(); got != 0 {
		t.Errorf("got %d refreshes, want none", got)
	}
}

// The time limit of the client limits the requests to the authorization server.
func TestRefreshIsLimitedByClientTimeout(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.session.HTTP = &http.Client{Timeout: 20 * time.Millisecond}
	s.clock.add(2 * time.Hour)
	released := make(chan struct{})
	s.setFault(func(http.ResponseWriter, *http.Request) bool { <-released; return true })
	defer close(released)
	_, err := s.token()
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "no response within 20ms") {
		t.Errorf("got %v, want an *UnreachableError with the time limit", err)
	}
}

func TestRefreshOfCancelledRequestIsStored(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.clock.add(2 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	s.setFault(func(http.ResponseWriter, *http.Request) bool {
		cancel()
		time.Sleep(30 * time.Millisecond)
		return false
	})
	if _, err := s.session.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	s.session.Wait(0)
	s.wantStored("lma_mcp_at_a-1", "rt-secret-2")
}

func (s *rig) wantStored(token, refreshToken config.Secret) {
	s.t.Helper()
	if got := s.stored(); got.Token != token || got.RefreshToken != refreshToken {
		s.t.Errorf("got stored tokens %q, %q, want %q, %q",
			got.Token.Reveal(), got.RefreshToken.Reveal(), token.Reveal(), refreshToken.Reveal())
	}
}
