package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// browse is the browser: it follows redirects from the authorization page back to the program.
func browse(address string) (status int, final *url.URL, body string, h http.Header, err error) {
	resp, err := http.Get(address)
	if err != nil {
		return 0, nil, "", nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Request.URL, string(raw), resp.Header, err
}

// A signIn is a Loopback against a fake server with a browser that a test drives.
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
	for name, prepare := range map[string]func(*fakeServer){
		"JSON, no metadata": nil,
		"forms":             func(f *fakeServer) { f.forms = true },
		"metadata":          func(f *fakeServer) { f.metadata = true },
		"no iss":            func(f *fakeServer) { f.noIssuer = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSignIn(t, prepare)
			done := s.start(t.Context())
			address := <-s.shown
			status, final, body, h, err := browse(address)
			if err != nil || status != 200 {
				t.Fatalf("%d %v\n%s", status, err, body)
			}
			got := <-done
			if got.err != nil || got.c.Token != "lma_mcp_at_a-3" || got.c.RefreshToken != "rt-secret-4" || got.c.Lifetime != time.Hour ||
				got.c.BaseURL != s.URL || got.c.Issuer != s.URL+"/cli/oauth" || got.c.TokenEndpoint != s.URL+"/cli/oauth/token" ||
				got.c.SavedAt.IsZero() || s.clients[got.c.ClientID] != got.c.RedirectURI || len(s.finished) != 1 || !reflect.DeepEqual(s.finished[0], got.c) {
				t.Errorf("got %#v, %v", got.c, got.err)
			}
			if final.RawQuery != "" || !strings.HasPrefix(final.Path, "/done/") {
				t.Errorf("the browser ended at %s", final)
			}
			if !strings.Contains(body, "sam@example.com &lt;b&gt;") || !strings.Contains(body, "You can close this tab") || strings.Contains(body, "<script") {
				t.Errorf("the page says:\n%s", body)
			}
			if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") ||
				!strings.HasSuffix(csp, "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'") ||
				h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers %v", h)
			}
			if strings.Contains(address, got.c.Token.Reveal()) || s.count("authorization_code") != 1 {
				t.Errorf("%d exchanges", s.count("authorization_code"))
			}
		})
	}
}

func TestLoopbackDenied(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, func(f *fakeServer) { f.answerError = "access_denied" })
	done := s.start(t.Context())
	status, _, body, _, err := browse(<-s.shown)
	var denied *DeniedError
	if got := <-done; err != nil || !errors.As(got.err, &denied) {
		t.Fatalf("got %v, %v", got.err, err)
	}
	if status != 400 || strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") || !strings.Contains(body, "did not finish") {
		t.Errorf("status %d, page:\n%s", status, body)
	}
}

func TestLoopbackPageTellsTheTrueResult(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	full := errors.New("the disk is full")
	s.Finish = func(context.Context, config.Credential) (string, error) { return "", full }
	done := s.start(t.Context())
	_, _, body, _, _ := browse(<-s.shown)
	if got := <-done; !errors.Is(got.err, full) || !strings.Contains(body, "The disk is full.") {
		t.Errorf("%v\n%s", got.err, body)
	}

	s = newSignIn(t, nil)
	done = s.start(t.Context())
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/cli/oauth/token" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return r.URL.Path == "/cli/oauth/token"
	})
	_, _, body, _, _ = browse(<-s.shown)
	var status *StatusError
	if got := <-done; !errors.As(got.err, &status) || !strings.Contains(body, "503") {
		t.Errorf("%v\n%s", got.err, body)
	}
}

// Nothing but the right answer ends the wait.
func TestLoopbackIgnoresStrays(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	address := <-s.shown
	u, _ := url.Parse(address)
	redirect, state := u.Query().Get("redirect_uri"), u.Query().Get("state")
	base := strings.TrimSuffix(redirect, "/callback")
	request := func(method, target, host string) (int, string) {
		req, _ := http.NewRequest(method, target, nil)
		req.Host = host
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	for _, c := range []struct {
		method, target, host string
		status               int
	}{
		{"GET", base + "/favicon.ico", "", 204},
		{"GET", base + "/", "", 404},
		{"GET", base + "/done/guess", "", 404},
		{"GET", redirect, "", 400},
		{"GET", redirect + "?code=x&state=wrong", "", 400},
		{"GET", redirect + "?error=access_denied&state=wrong", "", 400},
		{"GET", redirect + "?error=access_denied", "", 400},
		{"GET", redirect + "?code=x&state=" + state + "&state=" + state, "", 400},
		{"GET", redirect + "?code=a&code=b&state=" + state, "", 400},
		{"GET", redirect + "?code=&state=" + state, "", 400},
		{"GET", redirect + "?code=%00&state=" + state, "", 400},
		{"GET", redirect + "?%zz", "", 400},
		{"HEAD", redirect + "?code=x&state=" + state, "", 405},
		{"POST", redirect + "?code=x&state=" + state, "", 405},
		{"GET", redirect + "?code=x&state=" + state, "evil.example", 421},
		{"GET", redirect + "?code=" + strings.Repeat("x", 64<<10) + "&state=" + state, "", 431},
	} {
		if status, body := request(c.method, c.target, c.host); status != c.status || strings.Contains(body, state) {
			t.Errorf("%s %.120s answered %d %s", c.method, c.target, status, body)
		}
	}
	select {
	case got := <-done:
		t.Fatalf("a stray request ended the sign-in: %v", got.err)
	default:
	}
	// A connection that never sends a request must not hold anything up either.
	idle, err := net.Dial("tcp", u.Query().Get("redirect_uri")[len("http://"):strings.Index(redirect, "/callback")])
	if err == nil {
		defer func() { _ = idle.Close() }()
	}
	if status, _, _, _, err := browse(address); err != nil || status != 200 {
		t.Errorf("%d %v", status, err)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

// A browser may ask twice, or in parallel: one exchange, and everybody sees the result.
func TestLoopbackSecondCallbacks(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	release := make(chan struct{})
	s.setFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/cli/oauth/token" {
			<-release
		}
		return false
	})
	done := s.start(t.Context())
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noFollow.Get(<-s.shown)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back := resp.Header.Get("Location")
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if status, _, body, _, err := browse(back); err != nil || status != 200 || !strings.Contains(body, "Signed in") {
				t.Errorf("%d %v\n%s", status, err, body)
			}
		})
	}
	time.AfterFunc(100*time.Millisecond, func() { close(release) })
	all.Wait()
	if got := <-done; got.err != nil || s.count("authorization_code") != 1 {
		t.Errorf("%v after %d exchanges", got.err, s.count("authorization_code"))
	}
}

// The answer to the address with the code in it leaves no trace: it leads away, is not stored, and is named to nobody.
func TestCallbackLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var here, address string // of the last two pages
	address = <-s.shown
	for range 2 { // to the server, which approves, and from there to us
		here = address
		resp, err := noFollow.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if address = resp.Header.Get("Location"); err != nil || address == "" {
			t.Fatalf("%s %v", resp.Status, err)
		}
		if !strings.HasPrefix(address, "/done/") {
			continue
		}
		h := resp.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || strings.Contains(address+string(body), "code") {
			t.Errorf("to %s with %v: %s", address, h, body)
		}
	}
	origin, _, found := strings.Cut(here, callbackPath)
	if !found {
		t.Fatalf("the browser came from %s to %s", here, address)
	}
	if status, _, _, _, err := browse(origin + address); err != nil || status != http.StatusOK {
		t.Errorf("the last page: %d %v", status, err)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

// Who is slow is cut off: nothing waits for them, but they hold a connection.
func TestCallbackIsBounded(t *testing.T) {
	t.Parallel()
	listeners, _, err := listenLoopback(t.Context(), Client{})
	if err != nil {
		t.Fatal(err)
	}
	s := serveCallback(listeners, &attempt{})
	defer s.close()
	for name, limit := range map[string]time.Duration{
		"the header": s.http.ReadHeaderTimeout, "the request": s.http.ReadTimeout, "the next request": s.http.IdleTimeout,
	} {
		if limit <= 0 || limit > 30*time.Second {
			t.Errorf("%s may take %s", name, limit)
		}
	}
}

func TestPageIsOnlyText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := (page{Title: "<b>title", Text: "<b>text", Next: "<b>next"}).html().Render(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<b>") || strings.Count(out.String(), "&lt;b&gt;") != 4 { // the title is also the tab's
		t.Error(out.String())
	}
}

func TestLoopbackChecksTheIssuer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		iss        string
		discovered bool
		good       bool
	}{
		"right":                        {"ISSUER", true, true},
		"another server":               {"https://evil.example", true, false},
		"another, without metadata":    {"https://evil.example", false, false},
		"missing though promised":      {"", true, false},
		"same origin, another path":    {"ORIGIN", true, false},
		"same origin, not discovered":  {"ORIGIN", false, true},
		"missing and not promised":     {"", false, true},
		"right, though not discovered": {"ISSUER", false, true},
	} {
		server := Server{Issuer: "https://h/cli/oauth", Discovered: c.discovered, sendsIssuer: c.discovered}
		iss := strings.NewReplacer("ISSUER", server.Issuer, "ORIGIN", "https://h").Replace(c.iss)
		if err := (&attempt{server: server}).check(authResponse{code: "c", iss: iss}); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if err := (&attempt{server: server}).check(authResponse{code: "c", iss: iss, isBare: true}); (err == nil) != (c.good || iss == "") {
			t.Errorf("%s, in a bare code: %v", name, err)
		}
	}
}

func TestLoopbackReusesItsClient(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	done := s.start(t.Context())
	_, _, _, _, _ = browse(<-s.shown)
	first := <-done
	if first.err != nil {
		t.Fatal(first.err)
	}
	again := func() config.Credential {
		s.Client = ClientOf(first.c)
		done := s.start(t.Context())
		if status, _, body, _, err := browse(<-s.shown); err != nil || status != 200 {
			t.Fatalf("%d %v %s", status, err, body)
		}
		got := <-done
		if got.err != nil {
			t.Fatal(got.err)
		}
		return got.c
	}
	// Another test may have taken the port; then a new client is right.
	if got := again(); (got.ClientID == first.c.ClientID) != (got.RedirectURI == first.c.RedirectURI) {
		t.Errorf("client %s with %s, before %s with %s", got.ClientID, got.RedirectURI, first.c.ClientID, first.c.RedirectURI)
	}
	busy, err := net.Listen("tcp4", strings.TrimSuffix(strings.TrimPrefix(first.c.RedirectURI, "http://"), "/callback"))
	if got := again(); got.RedirectURI == first.c.RedirectURI {
		t.Error("listened on a port that is taken")
	}
	if err == nil {
		_ = busy.Close()
	}
	s.locked(func() { clear(s.clients) }) // the server forgets
	if got := again(); got.ClientID == first.c.ClientID {
		t.Error("signed in with a forgotten client")
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
	var secret *PastedSecretError
	var pasted *PastedError
	for _, c := range []struct {
		line string
		want any
	}{
		{"", &pasted}, {"lma_1234", &secret}, {"lma_mcp_at_1234", &secret}, {address, &pasted}, {"https://app.uselamina.ai/settings", &pasted},
		{"http://127.0.0.1:1/callback?code=x&state=wrong", &pasted}, {"code#wrong", &pasted}, {"two words", &pasted}, {"code-99", &pasted},
	} {
		lines <- c.line
		if err := <-refusals; !errors.As(err, c.want) || strings.Contains(err.Error(), "1234") {
			t.Errorf("%q: %v", c.line, err)
		}
	}
	// The browser on another machine cannot reach us, but shows its address.
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noFollow.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	lines <- " " + resp.Header.Get("Location") + "\n"
	if got := <-done; got.err != nil || len(s.finished) != 1 {
		t.Errorf("got %v", got.err)
	}
}

func TestReadPaste(t *testing.T) {
	t.Parallel()
	a := &attempt{provider: newFake(t).provider(), state: "st4te"}
	for text, want := range map[string]authResponse{
		"http://127.0.0.1:5/callback?code=abc&state=st4te":                 {code: "abc", state: "st4te"},
		"\"127.0.0.1:5/callback?state=st4te&code=abc\" ":                   {code: "abc", state: "st4te"},
		"<http://127.0.0.1:5/callback?code=abc&state=st4te&iss=https://h>": {code: "abc", state: "st4te", iss: "https://h"},
		"http://127.0.0.1:5/callback?code=abc&state=st4te#_=_":             {code: "abc", state: "st4te"},
		"code=abc&state=st4te":                                             {code: "abc", state: "st4te"},
		"abc#st4te":                                                        {code: "abc", isBare: true},
		" abc\r\n":                                                         {code: "abc", isBare: true},
		"lma_mcp_code_5":                                                   {code: "lma_mcp_code_5", isBare: true},
		"http://127.0.0.1:5/callback?error=access_denied&state=st4te":      {state: "st4te", errorCode: "access_denied"},
	} {
		if got, err := a.readPaste(text); err != nil || got != want {
			t.Errorf("readPaste(%q) = %+v, %v", text, got, err)
		}
	}
}

func TestLoopbackEnds(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	s.Timeout = 50 * time.Millisecond
	var timeout *TimeoutError
	if got := <-s.start(t.Context()); !errors.As(got.err, &timeout) {
		t.Errorf("got %v", got.err)
	}
	s = newSignIn(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := s.start(ctx)
	address := <-s.shown
	cancel()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %v", got.err)
	}
	u, _ := url.Parse(address)
	if _, _, _, _, err := browse(u.Query().Get("redirect_uri")); err == nil {
		t.Error("still listening")
	}
}

func TestLoopbackOpensTheBrowser(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, nil)
	s.OpenBrowser = func(address string) error {
		if len(s.shown) != 1 {
			t.Error("opened before it was shown")
		}
		_, _, _, _, err := browse(address)
		return errors.Join(err, errors.New("exit status 3")) // some openers fail after success
	}
	if got := <-s.start(t.Context()); got.err != nil {
		t.Error(got.err)
	}
}

func TestLoopbackListensOnBothFamilies(t *testing.T) {
	t.Parallel()
	listeners, redirect, err := listenLoopback(t.Context(), Client{RedirectURI: anyPort})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(listeners)
	if !strings.HasPrefix(redirect, "http://127.0.0.1:") || !strings.HasSuffix(redirect, "/callback") {
		t.Errorf("redirect %s", redirect)
	}
	if probe, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = probe.Close()
		if len(listeners) != 2 {
			t.Error("not listening on ::1")
		}
	}
}

// A client that was given with a port cannot use another one; a client of our own takes any that is free.
func TestBusyPort(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	client := Client{ID: "c", RedirectURI: "http://" + busy.Addr().String() + callbackPath}
	listeners, redirect, err := listenLoopback(t.Context(), client)
	if err != nil || redirect == client.RedirectURI {
		t.Errorf("our own client: redirect %q, %v", redirect, err)
	}
	closeAll(listeners)
	client.UserProvided = true
	listeners, redirect, err = listenLoopback(t.Context(), client)
	var port *PortError
	if !errors.As(err, &port) || "127.0.0.1:"+port.Port != busy.Addr().String() {
		t.Errorf("a bound client: redirect %q, %v", redirect, err)
	}
	closeAll(listeners)
}

func FuzzCallback(f *testing.F) {
	f.Add("code=abc&state=st4te")
	f.Add("error=access_denied&error_description=%3Cscript%3E&state=st4te")
	f.Add("code=a;b&%zz")
	t := &attempt{state: "st4te", server: Server{Issuer: "https://h/cli/oauth"}}
	f.Fuzz(func(tt *testing.T, query string) {
		q, _ := url.ParseQuery(query)
		a, err := parseResponse(q)
		if err != nil {
			return
		}
		if t.hasState(a.state) != (q.Get("state") == "st4te") {
			tt.Fatalf("state %q", a.state)
		}
		failure := t.check(a)
		if failure == nil && !isToken(a.code) {
			tt.Fatalf("accepted the code %q", a.code)
		}
		var out bytes.Buffer
		if err := resultPage("Lamina", q.Get("code"), failure).html().Render(&out); err != nil {
			tt.Fatal(err)
		}
		if strings.Count(out.String(), "<") != strings.Count(out.String(), ">") && !strings.Contains(out.String(), "&") {
			tt.Fatalf("unescaped:\n%s", out.String())
		}
	})
}

func FuzzPaste(f *testing.F) {
	for _, text := range []string{
		"abc", "abc#st4te", "http://127.0.0.1:5/callback?code=abc&state=st4te", "lma_x", "?", "code=&state=st4te", "\x1b[200~abc\x1b[201~",
	} {
		f.Add(text)
	}
	fake := &fakeServer{}
	t := &attempt{provider: fake.provider(), state: "st4te"}
	f.Fuzz(func(tt *testing.T, text string) {
		a, err := t.readPaste(text)
		if err == nil && a.errorCode == "" && !isToken(a.code) {
			tt.Fatalf("accepted the code %q out of %q", a.code, text)
		}
		if err != nil && len(text) > 8 && strings.HasPrefix(text, "lma_") && strings.Contains(err.Error(), text[4:]) {
			tt.Fatalf("the error %v quotes what was pasted", err)
		}
		if err == nil && a.code != "" && strings.HasPrefix(a.code, "lma_mcp_at_") && !strings.Contains(text, "code=") {
			tt.Fatal(fmt.Errorf("took a token for a code: %q", text))
		}
	})
}
