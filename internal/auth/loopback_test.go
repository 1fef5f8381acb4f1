package auth

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A webPage is a page that a browser received.
type webPage struct {
	status  int
	address *url.URL // after redirects
	body    string
	header  http.Header
	err     error
}

// browse opens an address as a browser does: it follows redirects from the authorization page to the loopback address.
func browse(address string) webPage {
	resp, err := http.Get(address)
	if err != nil {
		return webPage{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return webPage{status: resp.StatusCode, address: resp.Request.URL, body: string(raw), header: resp.Header, err: err}
}

// wantPage opens an address and returns the page. It fails the test unless the page has the status and contains the texts.
func wantPage(t *testing.T, address string, status int, texts ...string) webPage {
	t.Helper()
	p := browse(address)
	if p.err != nil || p.status != status {
		t.Errorf("got status %d, %v, want %d:\n%s", p.status, p.err, status, p.body)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("got a page without %q:\n%s", text, p.body)
		}
	}
	if strings.Contains(p.body, "<script") {
		t.Errorf("got a page with a script:\n%s", p.body)
	}
	return p
}

// noFollow is a client that returns redirects.
var noFollow = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// A signIn is a Loopback at a fake server. The test acts as the browser.
type signIn struct {
	*fakeServer
	*Loopback
	shown    chan string
	finished []config.Credential
}

func newSignIn(t *testing.T, prepare func(*fakeServer)) *signIn {
	t.Helper()
	f := newFake(t)
	if prepare != nil {
		prepare(f)
	}
	s := &signIn{fakeServer: f, shown: make(chan string, 1)}
	s.Loopback = &Loopback{
		Provider: f.provider(), BaseURL: f.URL, Server: f.discover(), Now: newClock().Now,
		ShowURL: func(address string) { s.shown <- address },
		Finish: func(_ context.Context, c config.Credential) (string, error) {
			s.finished = append(s.finished, c)
			return "sam@example.com <b>", nil
		},
	}
	return s
}

type outcome struct {
	c   config.Credential
	err error
}

func (s *signIn) start(ctx context.Context) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		c, err := s.Run(ctx)
		done <- outcome{c, err}
	}()
	return done
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(*fakeServer)
	}{
		{"JSON, no metadata", nil},
		{"forms", func(f *fakeServer) { f.forms = true }},
		{"metadata", func(f *fakeServer) { f.metadata = true }},
		{"no iss", func(f *fakeServer) { f.noIssuer = true }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSignIn(t, test.prepare)
			done := s.start(t.Context())
			address := <-s.shown
			page := wantPage(t, address, http.StatusOK, "sam@example.com &lt;b&gt;", "You can close this tab")
			got := <-done
			if got.err != nil || got.c.Token != "lma_mcp_at_a-3" || got.c.RefreshToken != "rt-secret-4" || got.c.Lifetime != time.Hour ||
				got.c.BaseURL != s.URL || got.c.Issuer != s.URL+"/cli/oauth" || got.c.TokenEndpoint != s.URL+"/cli/oauth/token" ||
				got.c.SavedAt.IsZero() || s.clients[got.c.ClientID] != got.c.RedirectURI {
				t.Errorf("got %#v, %v, want the issued tokens", got.c, got.err)
			}
			if len(s.finished) != 1 || !reflect.DeepEqual(s.finished[0], got.c) {
				t.Errorf("Finish received %#v, want %#v", s.finished, got.c)
			}
			if page.address.RawQuery != "" || !strings.HasPrefix(page.address.Path, "/done/") {
				t.Errorf("the browser ended at %s, want /done/ without a query", page.address)
			}
			checkHeaders(t, page.header)
			if exchanges := s.count("authorization_code"); exchanges != 1 {
				t.Errorf("got %d exchanges, want 1", exchanges)
			}
		})
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	csp := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") ||
		!strings.HasSuffix(csp, "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'") {
		t.Errorf("got Content-Security-Policy %q, want one that allows only the page's own style", csp)
	}
	if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("got headers %v, want no-store and no-referrer", h)
	}
}

func TestLoopbackDenied(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, func(f *fakeServer) { f.responseError = "access_denied" })
	done := s.start(t.Context())
	wantPage(t, <-s.shown, http.StatusBadRequest, "&lt;script&gt;", "did not finish")
	var denied *DeniedError
	if got := <-done; !errors.As(got.err, &denied) {
		t.Fatalf("got %v, want a *DeniedError", got.err)
	}
}

func TestLoopbackFailures(t *testing.T) {
	t.Parallel()
	t.Run("Finish", func(t *testing.T) {
		t.Parallel()
		s := newSignIn(t, nil)
		full := errors.New("the disk is full")
		s.Finish = func(context.Context, config.Credential) (string, error) { return "", full }
		done := s.start(t.Context())
		wantPage(t, <-s.shown, http.StatusBadRequest, "The disk is full.")
		if got := <-done; !errors.Is(got.err, full) {
			t.Errorf("got %v, want %v", got.err, full)
		}
	})
	t.Run("token endpoint", func(t *testing.T) {
		t.Parallel()
		s := newSignIn(t, nil)
		done := s.start(t.Context())
		s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/cli/oauth/token" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return r.URL.Path == "/cli/oauth/token"
		})
		wantPage(t, <-s.shown, http.StatusBadRequest, "503")
		var status *StatusError
		if got := <-done; !errors.As(got.err, &status) {
			t.Errorf("got %v, want a *StatusError", got.err)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		s := newSignIn(t, nil)
		s.Timeout = 50 * time.Millisecond
		var timeout *TimeoutError
		if got := <-s.start(t.Context()); !errors.As(got.err, &timeout) {
			t.Errorf("got %v, want a *TimeoutError", got.err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s := newSignIn(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := s.start(ctx)
		address := <-s.shown
		cancel()
		if got := <-done; !errors.Is(got.err, context.Canceled) {
			t.Errorf("got %v, want %v", got.err, context.Canceled)
		}
		u, _ := url.Parse(address)
		if p := browse(u.Query().Get("redirect_uri")); p.err == nil {
			t.Errorf("got status %d after the end, want no server", p.status)
		}
	})
}

func TestLoopbackReusesClient(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	signIn := func() config.Credential {
		t.Helper()
		done := s.start(t.Context())
		wantPage(t, <-s.shown, http.StatusOK)
		got := <-done
		if got.err != nil {
			t.Fatal(got.err)
		}
		return got.c
	}
	first := signIn()
	s.Client = ClientOf(first)
	// A parallel test may use the port meanwhile. Only then a new client is right.
	got := signIn()
	if isSamePort := got.RedirectURI == first.RedirectURI; (got.ClientID == first.ClientID) != isSamePort {
		t.Errorf("got client %s at %s, before %s at %s", got.ClientID, got.RedirectURI, first.ClientID, first.RedirectURI)
	}
	busy, err := net.Listen("tcp4", strings.TrimSuffix(strings.TrimPrefix(first.RedirectURI, "http://"), "/callback"))
	if got := signIn(); got.RedirectURI == first.RedirectURI {
		t.Errorf("got redirect URI %s on a busy port", got.RedirectURI)
	}
	if err == nil {
		_ = busy.Close()
	}
	s.locked(func() { clear(s.clients) })
	if got := signIn(); got.ClientID == first.ClientID {
		t.Errorf("got client %s, which the server has forgotten", got.ClientID)
	}
}

func TestLoopbackPaste(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	lines, refusals := make(chan string), make(chan error, 10)
	s.Paste = func(ctx context.Context) (string, error) {
		select {
		case line := <-lines:
			return line, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	s.ShowPasteError = func(err error) { refusals <- err }
	done := s.start(t.Context())
	address := <-s.shown
	tests := []struct {
		name, line string
		want       any
	}{
		{"nothing", "", new(*PastedError)},
		{"API key", "lma_1234", new(*PastedSecretError)},
		{"access token", "lma_mcp_at_1234", new(*PastedSecretError)},
		{"the address to open", address, new(*PastedError)},
		{"another address", "https://app.uselamina.ai/settings", new(*PastedError)},
		{"another state", "http://127.0.0.1:1/callback?code=x&state=wrong", new(*PastedError)},
		{"a code with another state", "code#wrong", new(*PastedError)},
		{"two words", "two words", new(*PastedError)},
		{"an invalid code", "code-99", new(*PastedError)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			lines <- test.line
			if err := <-refusals; !errors.As(err, test.want) || strings.Contains(err.Error(), "1234") {
				t.Errorf("pasted %q: got %T %v, want %T", test.line, err, err, test.want)
			}
		})
	}
	// A browser on another machine cannot reach the loopback address, but shows it.
	resp, err := noFollow.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	lines <- " " + resp.Header.Get("Location") + "\n"
	if got := <-done; got.err != nil || len(s.finished) != 1 {
		t.Errorf("got %v, %d calls of Finish, want 1", got.err, len(s.finished))
	}
}

func TestLoopbackOpensBrowser(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	s.OpenBrowser = func(address string) error {
		if len(s.shown) != 1 {
			t.Error("the browser was opened before ShowURL was called")
		}
		return errors.Join(browse(address).err, errors.New("exit status 3")) // some openers fail after success
	}
	if got := <-s.start(t.Context()); got.err != nil {
		t.Error(got.err)
	}
}
