package auth

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const callbackPath = "/callback"

// A callbackServer receives the redirect of the browser on this machine. It accepts one authorization response: the first GET
// request with the state of the attempt.
type callbackServer struct {
	attempt   *attempt
	hosts     map[string]bool // the valid Host headers; a page that rebinds its name to this machine sends another one
	donePath  string          // the path of the result page; it contains no code and is unknown to other users of this machine
	http      *http.Server
	responses chan authResponse

	first    sync.Once
	received chan struct{} // closed by the first valid response
	finished chan struct{} // closed when result is set
	result   page
	show     sync.Once
	shown    chan struct{} // closed when a browser has received the result
}

// listenLoopback listens on 127.0.0.1 and, where it exists, on ::1 with the same port. It prefers the port of the client's
// redirect URI, so that the client can be used again. Errors: *PortError if the client allows only that port and it is in
// use, *ListenError.
func listenLoopback(ctx context.Context, client Client) (listeners []net.Listener, redirectURI string, err error) {
	var lc net.ListenConfig
	wanted := portOf(client.RedirectURI)
	v4, err := lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", wanted))
	if err != nil && client.isBound() {
		return nil, "", &PortError{Port: wanted, Err: err}
	}
	if err != nil {
		v4, err = lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	}
	if err != nil {
		return nil, "", &ListenError{Err: err}
	}
	listeners = []net.Listener{v4}
	_, port, _ := net.SplitHostPort(v4.Addr().String())
	if v6, err := lc.Listen(ctx, "tcp6", net.JoinHostPort("::1", port)); err == nil {
		listeners = append(listeners, v6)
	}
	return listeners, "http://127.0.0.1:" + port + callbackPath, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

func serveCallback(listeners []net.Listener, t *attempt) *callbackServer {
	_, port, _ := net.SplitHostPort(listeners[0].Addr().String())
	s := &callbackServer{
		attempt: t,
		hosts: map[string]bool{
			net.JoinHostPort("127.0.0.1", port): true, net.JoinHostPort("::1", port): true, net.JoinHostPort("localhost", port): true,
		},
		donePath:  "/done/" + randomText(8),
		responses: make(chan authResponse, 1),
		received:  make(chan struct{}),
		finished:  make(chan struct{}),
		shown:     make(chan struct{}),
	}
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

// ServeHTTP implements http.Handler.
func (s *callbackServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close") // the server stops after the sign-in
	switch {
	case !s.hosts[r.Host]:
		http.Error(w, "This host name is not served here.", http.StatusMisdirectedRequest)
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Only GET is allowed here.", http.StatusMethodNotAllowed)
	case r.URL.Path == callbackPath:
		s.serveResponse(w, r)
	case r.URL.Path == s.donePath:
		s.serveResult(w, r)
	default:
		writePage(w, http.StatusNotFound, page{Title: "Page not found", Text: "A sign-in is waiting at another address of this machine."})
	}
}

// serveResponse takes the first valid authorization response, and redirects the browser to an address without the code.
func (s *callbackServer) serveResponse(w http.ResponseWriter, r *http.Request) {
	response, err := parseResponse(r.URL.Query())
	if err != nil || !s.attempt.hasState(response.state) {
		writePage(w, http.StatusBadRequest, page{
			Title: "Not this sign-in",
			Text:  "This link does not belong to the sign-in that is waiting in your terminal. Open the link that the terminal shows.",
		})
		return
	}
	s.first.Do(func() {
		s.responses <- response
		close(s.received)
	})
	setPrivacyHeaders(w.Header())
	http.Redirect(w, r, s.donePath, http.StatusSeeOther)
}

// serveResult waits for the result of the sign-in and shows it.
func (s *callbackServer) serveResult(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.finished:
	case <-r.Context().Done():
		return
	}
	status := http.StatusOK
	if !s.result.Good {
		status = http.StatusBadRequest
	}
	writePage(w, status, s.result)
	s.show.Do(func() { close(s.shown) })
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
