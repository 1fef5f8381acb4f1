package wire

import (
	"io"
	"net/http"
	"time"
)

// A timedBody is the body of a request with time limits. They do not limit the time of the handler or of its answer.
type timedBody struct {
	io.ReadCloser
	ctl      *http.ResponseController
	timing   BodyTiming
	started  time.Time
	received int64
	isEnded  bool
}

// BodyTiming are the time limits of bodies.
type BodyTiming struct {
	Idle  time.Duration // between two reads
	Whole time.Duration // of a whole body, and a second more for each KiB
}

// LimitBodies wraps a handler. A body that does not arrive in time ends the connection.
func LimitBodies(timing BodyTiming, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body := &timedBody{ReadCloser: r.Body, ctl: http.NewResponseController(w), timing: timing}
		r.Body = body
		defer body.leave()
		next.ServeHTTP(w, r)
	})
}

// Read sets the deadline for the next bytes. It removes it at the end of the body: the connection is then read only to notice that
// the client is gone, which must not end a long answer.
func (b *timedBody) Read(p []byte) (int, error) {
	if b.isEnded {
		return b.ReadCloser.Read(p)
	}
	now := time.Now() // not the platform's clock: this is a deadline of the connection
	if b.started.IsZero() {
		b.started = now
	}
	deadline := b.started.Add(b.timing.Whole + time.Duration(b.received/1024)*time.Second)
	if idle := now.Add(b.timing.Idle); idle.Before(deadline) {
		deadline = idle
	}
	_ = b.ctl.SetReadDeadline(deadline)
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	if err != nil {
		b.isEnded = true
	}
	if err == io.EOF {
		_ = b.ctl.SetReadDeadline(time.Time{})
	}
	return n, err
}

// leave limits the time in which net/http discards the rest of a body that the handler has not read.
func (b *timedBody) leave() {
	if !b.isEnded {
		_ = b.ctl.SetReadDeadline(time.Now().Add(b.timing.Idle))
	}
}
