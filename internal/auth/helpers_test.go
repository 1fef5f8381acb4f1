package auth

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A rig is a profile that is signed in to a fake server.
type rig struct {
	*fakeServer
	store   *config.Store
	clock   *clock
	session *Session
}

func newRig(t *testing.T) *rig {
	t.Helper()
	f := newFake(t)
	s := &rig{fakeServer: f, store: &config.Store{Dir: filepath.Join(t.TempDir(), ".lamina")}, clock: newClock()}
	f.date = s.clock.Now
	f.clients["client-0"] = "http://127.0.0.1/callback"
	f.refresh["rt-secret-0"] = "client-0"
	f.access["lma_mcp_at_a-0"] = true
	now := s.clock.Now()
	c := config.Credential{BaseURL: f.URL, SavedAt: now, ClientID: "client-0"}
	grant{access: "lma_mcp_at_a-0", refresh: "rt-secret-0", lifetime: time.Hour, date: now}.apply(&c, now)
	s.put(c)
	s.session = s.newSession()
	return s
}

func (s *rig) newSession() *Session {
	var logs lockedLog
	s.t.Cleanup(func() {
		if text := logs.String(); strings.Contains(text, "rt-secret") || strings.Contains(text, "lma_mcp") {
			s.t.Errorf("the log contains a secret:\n%s", text)
		}
	})
	return &Session{
		Store: s.store, Provider: s.provider(), Now: s.clock.Now, Rand: func() float64 { return 0 }, Logf: logs.printf,
	}
}

func (s *rig) put(c config.Credential) {
	s.t.Helper()
	err := s.store.Update(s.t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Credential: c})
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *rig) stored() config.Credential {
	s.t.Helper()
	doc, err := s.store.Load()
	if err != nil {
		s.t.Fatal(err)
	}
	p, _ := doc.Profile("")
	return p.Credential
}

func (s *rig) token() (string, error) {
	token, err := s.session.Token(s.t.Context())
	return token.Reveal(), err
}

func (s *rig) wantToken(want string) {
	s.t.Helper()
	if got, err := s.token(); err != nil || got != want {
		s.t.Errorf("got token %q, %v, want %q", got, err, want)
	}
}

func (s *rig) refreshes() int { return s.count("refresh_token") }

type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.b, format+"\n", args...)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
