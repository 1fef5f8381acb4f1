package auth

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/auth/page"
	"github.com/uselamina/lamina/internal/auth/redirecturi"
)

const (
	formType = "application/x-www-form-urlencoded"
	maxForm  = 32 << 10 // of a response in a form, in bytes
)

// A callbackServer receives the redirect of the browser on this machine. It accepts one authorization response: the first
// request with the state of the attempt. The response is in the query, or in a form (OAuth 2.0 Form Post Response Mode).
type callbackServer struct {
	attempt   *attempt
	hosts     map[string]bool // the valid Host headers; a page that rebinds its name to this machine sends another one
	path      string          // of the redirect URI
	donePath  string          // the path of the result page; it contains no code and is unknown to other users of this machine
	http      *http.Server
	responses chan authResponse
	warn      func(message string) // may be nil
	noState   sync.Once            // a request without a state was reported
	badState  sync.Once            // a request with another state was reported

	first    sync.Once
	received chan struct{} // closed by the first valid response
	finished chan struct{} // closed when result is set
	result   page.Page
	show     sync.Once
	shown    chan struct{} // closed when a browser has received the result

	continueAt string                         // the address of a further authorization request; set before finished is closed
	next       atomic.Pointer[callbackServer] // accepts the response to it
}

// listenLoopback listens on the host of the client's redirect URI, 127.0.0.1 if it has none. It prefers the port of that URI, so that the client can be used again. Errors: *PortError if the client allows only that port and it is in
// use, *ListenError.
func listenLoopback(ctx context.Context, client Client) (listeners []net.Listener, redirectURI string, err error) {
	wanted := redirecturi.Parse(client.RedirectURI)
	listeners, err = wanted.Listen(ctx, wanted.Port())
	if err != nil && client.isBound() {
		return nil, "", &PortError{Port: wanted.Port(), Err: err}
	}
	if err != nil {
		listeners, err = wanted.Listen(ctx, redirecturi.AnyPort)
	}
	if err != nil {
		return nil, "", &ListenError{Err: err}
	}
	return listeners, wanted.WithPort(redirecturi.PortOf(listeners[0])), nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

func serveCallback(listeners []net.Listener, t *attempt, warn func(message string)) *callbackServer {
	s := newCallback(t, redirecturi.Hosts(redirecturi.PortOf(listeners[0])), warn)
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	for _, l := range listeners {
		go func() { _ = s.http.Serve(l) }()
	}
	return s
}

func newCallback(t *attempt, hosts map[string]bool, warn func(message string)) *callbackServer {
	return &callbackServer{
		attempt: t, hosts: hosts, warn: warn, path: redirecturi.Parse(t.client.RedirectURI).ServedPath(), donePath: "/done/" + randomText(8),
		responses: make(chan authResponse, 1), received: make(chan struct{}), finished: make(chan struct{}), shown: make(chan struct{}),
	}
}

// ServeHTTP implements http.Handler.
func (s *callbackServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if next := s.next.Load(); next != nil && r.URL.Path != s.donePath {
		next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Connection", "close") // the server stops after the sign-in
	switch {
	case !s.hosts[r.Host]:
		http.Error(w, "This host name is not served here.", http.StatusMisdirectedRequest)
	case r.URL.Path == "/favicon.ico" && r.URL.Path != s.path:
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && r.URL.Path == s.path && mediaType(r.Header.Get("Content-Type")) == formType:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		_ = r.ParseForm() // a malformed form has no state
		s.serveResponse(w, r, r.PostForm)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Only GET is allowed here.", http.StatusMethodNotAllowed)
	case r.URL.Path == s.path:
		s.serveResponse(w, r, r.URL.Query())
	case r.URL.Path == s.donePath:
		s.serveResult(w, r)
	default:
		page.Write(w, http.StatusNotFound, page.Page{Title: "Page not found", Text: "A sign-in is waiting at another address of this machine."})
	}
}

// serveResponse takes the first authorization response with the state of the attempt, and redirects the browser to an address
// without the code.
func (s *callbackServer) serveResponse(w http.ResponseWriter, r *http.Request, q url.Values) {
	if states := q["state"]; len(states) != 1 || !s.attempt.hasState(states[0]) {
		s.warnIgnored(q)
		page.Write(w, http.StatusBadRequest, page.Page{
			Title: "Not this sign-in",
			Text:  "This link does not belong to the sign-in that is waiting in your terminal. Open the link that the terminal shows.",
		})
		return
	}
	response, err := parseResponse(q)
	if err != nil {
		response.problem = err.Error()
	}
	s.first.Do(func() {
		s.responses <- response
		close(s.received)
	})
	page.SetPrivacyHeaders(w.Header())
	http.Redirect(w, r, s.donePath, http.StatusSeeOther)
}

// warnIgnored tells the user once that a request without the right state was ignored. Every web page can send such a request, so
// that nothing of it is shown.
func (s *callbackServer) warnIgnored(q url.Values) {
	once, message := &s.badState, "the browser brought the response of another sign-in, which was ignored (its state is wrong)"
	if q.Get("state") == "" {
		once, message = &s.noState, "the browser opened the callback address without the state of this sign-in, which was ignored"
	}
	if s.warn != nil {
		once.Do(func() { s.warn(message + "; still waiting. Use the address above, and no older tab") })
	}
}

// serveResult waits for the result of the sign-in and shows it.
func (s *callbackServer) serveResult(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.finished:
	case <-r.Context().Done():
		return
	}
	if s.continueAt != "" {
		page.SetPrivacyHeaders(w.Header())
		http.Redirect(w, r, s.continueAt, http.StatusSeeOther)
		return
	}
	status := http.StatusOK
	if !s.result.Good {
		status = http.StatusBadRequest
	}
	page.Write(w, status, s.result)
	s.show.Do(func() { close(s.shown) })
}

// restart redirects the browser that waits for the result to a further authorization request, and returns the server that
// accepts its response.
func (s *callbackServer) restart(t *attempt, address string) *callbackServer {
	next := newCallback(t, s.hosts, s.warn)
	next.http = s.http
	s.next.Store(next)
	s.continueAt = address
	close(s.finished)
	return next
}

// finish sets the result, and gives a waiting browser a few seconds to load it.
func (s *callbackServer) finish(account string, err error) {
	s.result = resultPage(s.attempt.provider.Title, account, err)
	close(s.finished)
	select {
	case <-s.received:
	default:
		return // no browser is waiting
	}
	select {
	case <-s.shown:
	case <-time.After(5 * time.Second):
	}
}

// close stops the server. It waits a second for the last page, because a browser may keep idle connections open for longer.
func (s *callbackServer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// resultPage returns the page of the end of a sign-in.
func resultPage(service, account string, err error) page.Page {
	switch {
	case err != nil:
		return page.Page{Title: "Sign-in did not finish", Text: sentence(clean(err.Error(), 500)), Next: "You can close this tab. Your terminal shows how to continue."}
	case account != "":
		return page.Page{Good: true, Title: "Signed in to " + service, Text: "as " + clean(account, 200), Next: "You can close this tab and return to your terminal."}
	default:
		return page.Page{Good: true, Title: "Signed in to " + service, Next: "You can close this tab and return to your terminal."}
	}
}

// sentence converts an error message to a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
