package auth

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const callbackPath = "/callback"

// A callbackServer waits on this machine for the browser to come back. It answers everybody and is impressed by nobody:
// only a GET with the right state counts, and only the first one.
type callbackServer struct {
	attempt  *attempt
	hosts    map[string]bool // Host headers that are ours; others come from a page that rebinds its name to this machine
	donePath string          // shows the result; its address holds no code, and no other user of this machine knows it
	http     *http.Server
	answers  chan answer

	first    sync.Once
	answered chan struct{} // closed by the first good callback
	finished chan struct{} // closed when result is set
	result   page
	show     sync.Once
	shown    chan struct{} // closed when a browser got the result
}

// listenLoopback listens on 127.0.0.1 and, where it exists, on ::1 with the same port. It prefers the port of the
// client's redirect URI, so that the client can be used again. Where the client is bound to that port there is no other:
// the error is then *PortError.
func listenLoopback(ctx context.Context, client Client) ([]net.Listener, string, error) {
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
		return nil, "", fmt.Errorf("cannot listen for the browser on 127.0.0.1 (try `lamina login --device`): %w", err)
	}
	listeners := []net.Listener{v4}
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
		donePath: "/done/" + randomText(8),
		answers:  make(chan answer, 1),
		answered: make(chan struct{}),
		finished: make(chan struct{}),
		shown:    make(chan struct{}),
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
	w.Header().Set("Connection", "close") // the server is about to go away
	switch {
	case !s.hosts[r.Host]:
		http.Error(w, "This address is not served here.", http.StatusMisdirectedRequest)
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Only GET is understood here.", http.StatusMethodNotAllowed)
	case r.URL.Path == callbackPath:
		s.callback(w, r)
	case r.URL.Path == s.donePath:
		s.done(w, r)
	default:
		writePage(w, http.StatusNotFound, page{Title: "Nothing here", Text: "A sign-in is waiting, but not at this address."})
	}
}

// callback takes the first good answer, and sends the browser to an address without the code in it.
func (s *callbackServer) callback(w http.ResponseWriter, r *http.Request) {
	a, err := answerFrom(r.URL.Query())
	if err != nil || !s.attempt.ours(a.state) {
		writePage(w, http.StatusBadRequest, page{
			Title: "Not this sign-in",
			Text:  "This link does not belong to the sign-in that is waiting in your terminal. Use the link shown there.",
		})
		return
	}
	s.first.Do(func() {
		s.answers <- a
		close(s.answered)
	})
	noTrace(w.Header())
	http.Redirect(w, r, s.donePath, http.StatusSeeOther)
}

// done shows the true result, as soon as there is one.
func (s *callbackServer) done(w http.ResponseWriter, r *http.Request) {
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

// conclude tells a waiting browser the result, and gives it a moment to fetch it.
func (s *callbackServer) conclude(who string, err error) {
	s.result = resultPage(s.attempt.provider.Title, who, err)
	close(s.finished)
	select {
	case <-s.answered:
	default:
		return // no browser came
	}
	select {
	case <-s.shown:
	case <-time.After(5 * time.Second):
	}
}

// close lets the last page be delivered, but does not wait for connections that a browser keeps open in advance.
func (s *callbackServer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
