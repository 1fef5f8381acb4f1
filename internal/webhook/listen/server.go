// Package listen receives webhook deliveries over HTTP: it verifies each one, and answers 2xx when it is in the inbox.
package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// The limits of a delivery.
const (
	maxBody   = 1 << 20
	maxHeader = 16 << 10
	maxAtOnce = 512      // requests that are answered at once
	large     = 64 << 10 // the size of a body that counts as large
	maxLarge  = 16       // large bodies, and those of unknown size, that are read at once
)

// A Server receives deliveries at one path.
type Server struct {
	// Path is the path of the address, with a slash at its beginning.
	Path  string
	Keys  *Keys
	Inbox *inbox.Inbox
	// Now returns the current time; nil means time.Now.
	Now func() time.Time
	// Refused is called for each request that is not accepted, with the status of the response. It may be called by several goroutines.
	Refused func(status int, reason error)
	// Repeated is called for each delivery that the inbox has already.
	Repeated func(id string)

	slots, largeSlots chan struct{}
}

// Errors of requests that are not deliveries.
var (
	errMethod = errors.New("the method is not POST")
	errSize   = errors.New("the body is too large")
	errBody   = errors.New("the body was not complete")
)

// Serve answers requests until ctx ends, and then lets those that are being answered finish.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	s.slots, s.largeSlots = make(chan struct{}, maxAtOnce), make(chan struct{}, maxLarge)
	server := &http.Server{
		Handler: s, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // its lines are about connections, not deliveries
	}
	ctx, stop := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	}()
	err := server.Serve(listener)
	stop()
	<-finished
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP answers 200 to a delivery that is in the inbox, and to one that was there before. It answers 404 and 405 to another path and
// method, 413 to a large body, 401 to what cannot be verified, and 503 if the delivery may succeed later.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	slots := s.slots
	if r.ContentLength < 0 || r.ContentLength > large {
		slots = s.largeSlots
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-r.Context().Done():
		return
	}
	status, err := s.receive(w, r)
	if err != nil && s.Refused != nil {
		s.Refused(status, err)
	}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answers[status])
}

// answers are the bodies of responses. They say nothing about the keys, because anyone may ask.
var answers = map[int]string{
	http.StatusOK:                    `{"ok":true}` + "\n",
	http.StatusBadRequest:            `{"ok":false,"error":"the request was not complete"}` + "\n",
	http.StatusUnauthorized:          `{"ok":false,"error":"the delivery could not be verified"}` + "\n",
	http.StatusNotFound:              `{"ok":false,"error":"not found"}` + "\n",
	http.StatusMethodNotAllowed:      `{"ok":false,"error":"method not allowed"}` + "\n",
	http.StatusRequestEntityTooLarge: `{"ok":false,"error":"the body is too large"}` + "\n",
	http.StatusServiceUnavailable:    `{"ok":false,"error":"try again later"}` + "\n",
}

// receive returns the status of the response, and the reason if it is not 200.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (status int, reason error) {
	switch {
	case r.URL.Path != s.Path:
		return http.StatusNotFound, fmt.Errorf("its path is not %s", s.Path)
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, errMethod
	case r.ContentLength > maxBody:
		return http.StatusRequestEntityTooLarge, errSize
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, errSize
	}
	if err != nil {
		return http.StatusBadRequest, errBody
	}
	event, err := s.Keys.Open(r.Context(), r.Header, body, s.now())
	if unavailable := (*UnavailableError)(nil); errors.As(err, &unavailable) {
		return http.StatusServiceUnavailable, err
	}
	if err != nil {
		return http.StatusUnauthorized, err
	}
	isNew, err := s.Inbox.Add(r.Context(), inbox.Delivery{
		ID: event.RunID, Status: event.Status, Source: inbox.FromWebhook, ReceivedAt: s.now().UTC(), Headers: signatureHeaders(r.Header), Body: body,
	})
	if err != nil {
		return http.StatusServiceUnavailable, err
	}
	if !isNew && s.Repeated != nil {
		s.Repeated(event.RunID)
	}
	return http.StatusOK, nil
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// maxUserID is the largest length of the header with the user, in bytes. The header is not signed.
const maxUserID = 200

// signatureHeaders returns the headers that belong to a delivery, and no others: a tunnel may add some with secrets.
func signatureHeaders(header http.Header) map[string]string {
	kept := map[string]string{}
	for _, name := range []string{webhook.HeaderSignature, webhook.HeaderTimestamp, webhook.HeaderRequestID, webhook.HeaderUserID} {
		if value := header.Get(name); value != "" && (name != webhook.HeaderUserID || len(value) <= maxUserID) {
			kept[name] = value
		}
	}
	return kept
}
