package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

func TestTokenWhileItIsGood(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(58 * time.Minute)
	s.wantToken("lma_mcp_at_a-0")
	s.source.Wait(0)
	if s.refreshes() != 0 {
		t.Error("refreshed a good token")
	}
}

func TestMarginIsATenthOfAShortLife(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for _, c := range []struct {
		life, age time.Duration
		within    bool
	}{
		{time.Hour, 59*time.Minute - time.Second, false}, {time.Hour, 59*time.Minute + time.Second, true},
		{time.Minute, 53 * time.Second, false}, {time.Minute, 55 * time.Second, true},
		{24 * time.Hour, 24*time.Hour - 61*time.Second, false}, {24 * time.Hour, 24*time.Hour - 59*time.Second, true},
	} {
		now := s.clock.Now()
		left, margin := s.source.left(config.Credential{Token: "x", Lifetime: c.life, ObtainedAt: now.Add(-c.age)})
		if left != c.life-c.age || (left <= margin) != c.within {
			t.Errorf("life %s, age %s: %s left with a margin of %s", c.life, c.age, left, margin)
		}
	}
	jittered := &Session{Rand: func() float64 { return 0.999 }, Now: s.clock.Now}
	if _, margin := jittered.left(config.Credential{Lifetime: time.Hour, ObtainedAt: s.clock.Now()}); margin > 50*time.Second || margin < 45*time.Second {
		t.Errorf("the margin is not spread: %s", margin)
	}
}

func TestRefreshesBesideAGoodToken(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(59*time.Minute + 10*time.Second)
	s.wantToken("lma_mcp_at_a-0")
	s.source.Wait(5 * time.Second)
	if got := s.stored(); got.Token != "lma_mcp_at_a-1" || s.refreshes() != 1 {
		t.Errorf("stored %q after %d refreshes", got.Token.Reveal(), s.refreshes())
	}
}

func TestRefreshesAnExpiredToken(t *testing.T) {
	t.Parallel()
	for _, forms := range []bool{false, true} {
		s := newSession(t)
		s.forms = forms
		s.source = s.newSource()
		s.life = 1800
		s.clock.add(2 * time.Hour)
		s.wantToken("lma_mcp_at_a-1")
		c, now := s.stored(), s.clock.Now()
		if c.RefreshToken != "rt-secret-2" || !c.ExpiresAt.Equal(now.Add(30*time.Minute)) || c.Lifetime != 30*time.Minute ||
			!c.ObtainedAt.Equal(now) || !c.IssuedAt.Equal(now) || !c.RefreshExpiresAt.Equal(now.AddDate(0, 0, 30)) ||
			c.BaseURL != s.URL || c.ClientID != "client-0" || c.Scope != "lamina:creative:read" {
			t.Errorf("stored %#v", c)
		}
		s.wantToken("lma_mcp_at_a-1")
		if s.refreshes() != 1 {
			t.Errorf("%d refreshes", s.refreshes())
		}
	}
}

// Details of the reply that must not cost the session.
func TestRefreshReplies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		life any
		want time.Duration
	}{
		"missing": {nil, time.Hour}, "text": {"120", 2 * time.Minute}, "fraction": {90.5, 90 * time.Second}, "zero": {0, time.Hour},
		"negative": {-5, time.Hour}, "nonsense": {"soon", time.Hour}, "null": {map[string]any(nil), time.Hour},
		"huge": {1e30, (1<<31 - 1) * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t)
			s.life = c.life
			s.clock.add(2 * time.Hour)
			s.wantToken("lma_mcp_at_a-1")
			if got := s.stored().Lifetime; got != c.want {
				t.Errorf("lifetime %s, want %s", got, c.want)
			}
		})
	}
	t.Run("no new refresh token", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		s.keepRefresh = true
		s.clock.add(2 * time.Hour)
		s.wantToken("lma_mcp_at_a-1")
		if got := s.stored().RefreshToken; got != "rt-secret-0" {
			t.Errorf("the refresh token is %q", got.Reveal())
		}
	})
	t.Run("no refresh token", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		c := s.stored()
		c.RefreshToken = ""
		s.put(c)
		s.clock.add(2 * time.Hour)
		_, err := s.token()
		wantEnded(t, err, ReasonNoRefresh)
	})
}

func (s *session) wantNoJournal() {
	s.t.Helper()
	if _, err := s.store.ReadFile(journalFile("")); !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("the note outlived its reason: %v", err)
	}
}

func wantEnded(t *testing.T, err error, reason Reason) {
	t.Helper()
	var ended *SessionEndedError
	if !errors.As(err, &ended) || ended.Reason != reason {
		t.Fatalf("got %v, want a *SessionEndedError with reason %s", err, reason)
	}
	if text := err.Error(); !strings.Contains(text, "session expired: ") || strings.Contains(text, "rt-secret") || strings.Contains(text, "`") {
		t.Errorf("got %q, want the reason, without a secret or a command", text)
	}
}

func TestEveryFaultKeepsTheSession(t *testing.T) {
	t.Parallel()
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) bool {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
		return true
	}
	for name, c := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		want  any
		noted bool // the refresh may have been carried out
	}{
		"500": {status(500, `{"error":"invalid_grant"}`), new(*StatusError), true},
		"502": {status(502, "<html>rt-secret-0"), new(*StatusError), true},
		"503": {status(503, ""), new(*StatusError), false},
		"429": {status(429, `{"error":"slow_down"}`), new(*StatusError), false},
		"redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return true
		}, new(*StatusError), false},
		"proxy page":       {status(200, "<html>sign in to the hotel rt-secret-0"), new(*ResponseError), true},
		"empty object":     {status(200, "{}"), new(*ResponseError), true},
		"malformed token":  {status(200, `{"access_token":"a\nb","token_type":"bearer"}`), new(*ResponseError), true},
		"other token type": {status(200, `{"access_token":"ab","token_type":"mac"}`), new(*ResponseError), true},
		"endless":          {status(200, `{"access_token":"a"}`+strings.Repeat(" ", maxResponse)), new(*ResponseError), true},
		"other refusal":    {status(400, `{"error":"temporarily_unavailable","error_description":"rt\u001b[31m"}`), new(*OAuthError), false},
		"403 of a proxy":   {status(403, "blocked"), new(*StatusError), false},
		"cut":              {cut, new(*UnreachableError), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t)
			s.setFault(c.fault)
			s.clock.add(2 * time.Hour)
			before := s.stored()
			_, err := s.token()
			var refresh *RefreshError
			if !errors.As(err, &refresh) || !errors.As(err, c.want) {
				t.Fatalf("got %T %v", err, err)
			}
			if strings.Contains(err.Error(), "rt-secret") || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the message repeats the reply: %q", err)
			}
			after := s.stored()
			if noted := !s.source.sentBefore(after).IsZero(); noted != c.noted {
				t.Errorf("noted as possibly carried out: %v, want %v", noted, c.noted)
			}
			if !reflect.DeepEqual(after, before) {
				t.Errorf("the record changed:\n%#v\n%#v", before, after)
			}
			if s.count("/elsewhere") != 0 {
				t.Error("followed a redirect with a refresh token")
			}
			s.setFault(nil)
			s.wantToken("lma_mcp_at_a-1")
			s.wantNoJournal()
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		s.clock.add(2 * time.Hour)
		s.Close()
		_, err := s.token()
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || !s.source.sentBefore(s.stored()).IsZero() || s.stored().RefreshToken != "rt-secret-0" {
			t.Errorf("got %v", err)
		}
	})
}

func TestFaultWhileTheTokenIsStillGood(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.setFault(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	s.clock.add(59*time.Minute + 30*time.Second)
	s.wantToken("lma_mcp_at_a-0") // beside
	s.source.Wait(5 * time.Second)
	s.source = s.newSource()
	s.clock.add(25 * time.Second)
	s.wantToken("lma_mcp_at_a-0") // in front, because it is nearly over
	if s.count("/cli/oauth/token") != 2 {
		t.Errorf("%d requests", s.count("/cli/oauth/token"))
	}
}

func TestInvalidGrantEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*session)
		reason  Reason
	}{
		"revoked":     {func(*session) {}, ReasonRefused},
		"unused":      {func(s *session) { s.clock.add(31 * 24 * time.Hour) }, ReasonUnused},
		"lost answer": {func(s *session) { _ = s.source.writeJournal(context.Background(), s.stored()) }, ReasonLostResponse},
		"another's note": {func(s *session) {
			_ = s.source.writeJournal(context.Background(), config.Credential{RefreshToken: "rt-secret-before"})
		}, ReasonRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t)
			s.locked(func() { clear(s.refresh) })
			s.clock.add(2 * time.Hour)
			c.prepare(s)
			_, err := s.token()
			wantEnded(t, err, c.reason)
			s.wantNoJournal()
			if lost := (*LostResponseError)(nil); errors.As(err, &lost) != (c.reason == ReasonLostResponse) {
				t.Errorf("got %T", err)
			}
			if got := s.stored(); got.EndedAt.IsZero() || got.EndedReason != string(c.reason) || got.RefreshToken != "rt-secret-0" || got.Token == "" {
				t.Errorf("the record is not marked, or was deleted: %#v", got)
			}
			_, err = s.token()
			wantEnded(t, err, c.reason)
			if s.refreshes() != 1 {
				t.Errorf("%d refreshes of a session that is over", s.refreshes())
			}
		})
	}
}

// A program without our lock has rotated: what it stored, even late, is adopted.
func TestInvalidGrantAdoptsAnotherRefresh(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(2 * time.Hour)
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/cli/oauth/token" {
			return false
		}
		time.AfterFunc(60*time.Millisecond, func() { // as the Node client writes: in place, without our lock
			c := s.stored()
			raw, _ := os.ReadFile(s.store.Path())
			text := strings.NewReplacer("lma_mcp_at_a-0", "lma_mcp_at_node", "rt-secret-0", "rt-secret-node",
				c.ExpiresAt.Format("2006-01-02T15:04:05.000Z"), s.clock.Now().Add(time.Hour).Format("2006-01-02T15:04:05.000Z")).Replace(string(raw))
			_ = os.WriteFile(s.store.Path(), []byte(text), 0o600)
		})
		answerJSON(w, 400, map[string]any{"error": "invalid_grant"})
		return true
	})
	s.wantToken("lma_mcp_at_node")
	if got := s.stored(); !got.EndedAt.IsZero() || got.RefreshToken != "rt-secret-node" {
		t.Errorf("stored %#v", got)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(2 * time.Hour)
	sources := []*Session{s.newSource(), s.newSource(), s.newSource()} // as three processes
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			if token, err := sources[i%3].Token(t.Context()); err != nil || token != "lma_mcp_at_a-1" {
				t.Errorf("token %q: %v", token.Reveal(), err)
			}
		})
	}
	all.Wait()
	if s.refreshes() != 1 {
		t.Errorf("%d refreshes", s.refreshes())
	}
}

func TestNoLockNoRefresh(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.store.LockWait = 30 * time.Millisecond
	unlock, err := s.store.Lock(t.Context(), config.RefreshLock(""))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	s.clock.add(59*time.Minute + 55*time.Second)
	s.wantToken("lma_mcp_at_a-0")
	s.clock.add(time.Hour)
	var busy *config.BusyError
	if _, err := s.token(); !errors.As(err, &busy) {
		t.Errorf("got %v", err)
	}
	if s.refreshes() != 0 {
		t.Error("refreshed without the lock")
	}
}

// Nothing is spent that could not be stored.
func TestUnwritableStoreSpendsNothing(t *testing.T) {
	if os.Geteuid() == 0 && runtime.GOOS != "linux" {
		t.Skip("nothing is unwritable to this user")
	}
	t.Parallel()
	s := newSession(t)
	s.clock.add(2 * time.Hour)
	// A dangling link in place of the document's folder stands for every way of not being able to write.
	unlock, err := s.store.Lock(t.Context(), config.RefreshLock(""))
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	dotfiles := filepath.Join(t.TempDir(), "dotfiles")
	if err := os.Mkdir(dotfiles, 0o700); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(dotfiles, strings.Repeat("n", 245)) // too long for a temporary name beside it
	if err := errors.Join(os.Rename(s.store.Path(), target), os.Symlink(target, s.store.Path())); err != nil {
		t.Skip(err)
	}
	var file *config.FileError
	if _, err := s.token(); !errors.As(err, &file) || file.Problem != config.Unwritable {
		t.Errorf("got %v", err)
	}
	if s.refreshes() != 0 {
		t.Error("spent a refresh token that cannot be replaced")
	}
}

func TestSignOutDuringRefreshWins(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(2 * time.Hour)
	s.setFault(func(http.ResponseWriter, *http.Request) bool {
		_ = s.store.Update(context.Background(), func(d *config.Document) error { d.RemoveProfile(""); return nil })
		return false
	})
	var none *NotSignedInError
	if _, err := s.token(); !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
	if s.stored().Token != "" {
		t.Error("the refresh undid the sign-out")
	}
}

func TestSignInDuringRefreshWins(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(2 * time.Hour)
	s.setFault(func(http.ResponseWriter, *http.Request) bool {
		c := config.Credential{BaseURL: s.URL, ClientID: "client-0"}
		grant{access: "lma_mcp_at_new", refresh: "rt-secret-new", lifetime: time.Hour}.apply(&c, s.clock.Now())
		s.put(c)
		return false
	})
	s.wantToken("lma_mcp_at_new")
	if got := s.stored().RefreshToken; got != "rt-secret-new" {
		t.Errorf("the new sign-in was overwritten by %q", got.Reveal())
	}
}

// Life is measured by the server's clock once it is known, and a wrong local clock does no harm.
func TestClocks(t *testing.T) {
	t.Parallel()
	t.Run("set forward by a day", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		s.source.observe(http.Header{"Date": {s.clock.Now().Format(http.TimeFormat)}})
		at := s.clock.Now()
		s.date = func() time.Time { return at }
		s.clock.add(24 * time.Hour)
		s.source.observe(http.Header{"Date": {at.Add(time.Minute).Format(http.TimeFormat)}})
		s.wantToken("lma_mcp_at_a-0")
	})
	t.Run("set back by a day", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		s.clock.add(-24 * time.Hour)
		s.wantToken("lma_mcp_at_a-0") // a 401 will tell
		s.source.observe(http.Header{"Date": {s.clock.Now().Add(26 * time.Hour).Format(http.TimeFormat)}})
		s.wantToken("lma_mcp_at_a-1") // the server says it is two hours old
	})
	t.Run("an API with a wrong Date", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		for range 5 {
			s.source.observe(http.Header{"Date": {"Sat, 01 Jan 2050 00:00:00 GMT"}})
			if _, err := s.token(); err != nil {
				t.Fatal(err)
			}
		}
		if s.refreshes() > 1 {
			t.Errorf("%d refreshes for a wrong Date", s.refreshes())
		}
	})
	t.Run("written by the Node client", func(t *testing.T) {
		t.Parallel()
		s := newSession(t)
		now := s.clock.Now()
		s.put(config.Credential{
			Kind: config.OAuth, Token: "lma_mcp_at_a-0", BaseURL: s.URL, RefreshToken: "rt-secret-0", ClientID: "client-0",
			SavedAt: now, ExpiresAt: now.Add(time.Hour),
		})
		s.wantToken("lma_mcp_at_a-0")
		s.clock.add(2 * time.Hour)
		s.wantToken("lma_mcp_at_a-1")
	})
}

// force returns the token that replaces a rejected one.
func (s *session) force(rejected config.Secret) (config.Secret, error) {
	c, err := s.source.force(s.t.Context(), rejected)
	return c.Token, err
}

func TestForce(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	first, err := s.force("lma_mcp_at_a-0")
	if err != nil || first != "lma_mcp_at_a-1" {
		t.Fatalf("%q: %v", first.Reveal(), err)
	}
	if again, err := s.force("lma_mcp_at_a-0"); err != nil || again != first {
		t.Errorf("somebody had refreshed already, yet: %q, %v", again.Reveal(), err)
	}
	var rejected *RejectedError
	if _, err := s.force(first); !errors.As(err, &rejected) {
		t.Errorf("forced twice in a row: %v", err)
	}
	s.source = s.newSource()
	if _, err := s.force(first); !errors.As(err, &rejected) {
		t.Errorf("forced by the next process: %v", err)
	}
	if s.refreshes() != 1 {
		t.Errorf("%d refreshes", s.refreshes())
	}
	s.clock.add(2 * time.Minute)
	if second, err := s.force(first); err != nil || second == first || s.refreshes() != 2 {
		t.Errorf("never forced again: %q, %v", second.Reveal(), err)
	}
}

func TestTokenOfAPIKey(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.put(config.Credential{Kind: config.APIKey, Token: "lma_key", BaseURL: s.URL})
	s.wantToken("lma_key")
	s.source.Profile = "studio"
	var none *NotSignedInError
	if _, err := s.token(); !errors.As(err, &none) || none.Profile != "studio" {
		t.Errorf("got %v, want a *NotSignedInError for profile studio", err)
	}
}

func TestCancelledRequestStillStores(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.clock.add(2 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	s.setFault(func(http.ResponseWriter, *http.Request) bool {
		cancel()
		time.Sleep(30 * time.Millisecond)
		return false
	})
	if _, err := s.source.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.source.Wait(0) // an interrupted program waits no longer than it must
	if got := s.stored(); got.Token != "lma_mcp_at_a-1" || got.RefreshToken != "rt-secret-2" {
		t.Errorf("what came back was lost: %#v", got)
	}
}

func TestNoRefreshBeginsAfterWait(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.source.Wait(0)
	s.clock.add(2 * time.Hour)
	if _, err := s.token(); err == nil || s.refreshes() != 0 {
		t.Errorf("refreshed while exiting: %v", err)
	}
}

// runChild is another lamina process.
func runChild(job string) {
	source := &Session{Store: &config.Store{Dir: os.Getenv("AUTH_TEST_DIR")}, Provider: provider.Lamina()}
	ctx := context.Background()
	if job == "interruptible" {
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // from now on a second signal kills
	}
	token, err := source.Token(ctx)
	switch job {
	case "interruptible":
		source.Wait(0)
	case "unaware":
		time.Sleep(time.Second) // a command that goes on; the signal, raised again, ends it
	}
	fmt.Println(token.Reveal(), err)
	os.Exit(0)
}

func (s *session) child(job string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "AUTH_TEST_JOB="+job, "AUTH_TEST_DIR="+s.store.Dir)
	return cmd
}

// expire makes the session expired for real processes, which have the real clock.
func (s *session) expire() {
	c := s.stored()
	c.ObtainedAt, c.ExpiresAt = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	s.put(c)
}

func TestManyProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.date = nil
	s.expire()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			out, err := s.child("token").Output()
			if err != nil || string(out) != "lma_mcp_at_a-1 <nil>\n" {
				t.Errorf("%s%v", out, err)
			}
		})
	}
	all.Wait()
	if s.refreshes() != 1 {
		t.Errorf("%d refreshes", s.refreshes())
	}
}

func TestSignalsWaitForTheRename(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals between processes")
	}
	t.Parallel()
	for job, sig := range map[string]os.Signal{"interruptible": os.Interrupt, "unaware": syscall.SIGTERM} {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			s := newSession(t)
			s.date = nil
			s.expire()
			arrived, signalled := make(chan struct{}), make(chan struct{})
			s.setFault(func(http.ResponseWriter, *http.Request) bool {
				close(arrived)
				<-signalled
				time.Sleep(50 * time.Millisecond)
				return false
			})
			cmd := s.child(job)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			_ = cmd.Process.Signal(sig)
			close(signalled)
			err := cmd.Wait()
			if got := s.stored(); got.Token != "lma_mcp_at_a-1" || got.RefreshToken != "rt-secret-2" {
				t.Errorf("the rotated token was lost: %#v", got)
			}
			var exit *exec.ExitError
			if killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled(); killed != (job == "unaware") {
				t.Errorf("the signal was swallowed, or killed a program that watches for it: %v", err)
			}
		})
	}
}
