package platform

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxRequests is how many received requests are remembered.
const maxRequests = 10_000

// A receivedRequest is what is remembered of a request: nothing secret, so no query, no body and no address of a file. Status is 0 while
// there is no answer, and stays so if the connection was cut or left before one.
type receivedRequest struct {
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Status     int       `json:"status"`
	GrantType  string    `json:"grantType,omitempty"` // of a request to the token endpoint
	Time       time.Time `json:"time"`
	Client     string    `json:"client"` // client id at the authorization server, else the User-Agent
	RequestID  string    `json:"requestId"`
	DurationMS float64   `json:"durationMs"`
}

// shownPath is a path without the part that makes the address of a file a secret: whoever knows it may read the file,
// or put its bytes there.
func shownPath(path string) string {
	switch name, isFile := strings.CutPrefix(path, "/media/"); {
	case strings.HasPrefix(name, "uploads/"):
		return "/media/uploads/***"
	case isFile:
		return "/media/***"
	default:
		return path
	}
}

// A requestLog remembers the last requests, in the order of their arrival.
type requestLog struct {
	mu      sync.Mutex
	entries []*receivedRequest // a ring once it is full
	next    int                // index of the oldest entry of a full ring
}

func (l *requestLog) add(entry *receivedRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) < maxRequests {
		l.entries = append(l.entries, entry)
		return
	}
	l.entries[l.next] = entry
	l.next = (l.next + 1) % maxRequests
}

// change changes an entry that a reader may be looking at.
func (l *requestLog) change(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
}

// list returns the entries, oldest first.
func (l *requestLog) list() []receivedRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]receivedRequest, 0, len(l.entries))
	for i := range l.entries {
		all = append(all, *l.entries[(l.next+i)%len(l.entries)])
	}
	return all
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.next = nil, 0
}

// serve answers a request with next and remembers it.
func (l *requestLog) serve(w http.ResponseWriter, r *http.Request, entry receivedRequest, next http.HandlerFunc) {
	l.add(&entry)
	start := time.Now() // not the platform's clock: this is about real time
	recorder := &statusRecorder{ResponseWriter: w, log: l, entry: &entry}
	defer func() { l.change(func() { entry.DurationMS = float64(time.Since(start).Microseconds()) / 1000 }) }()
	next(recorder, r)
	recorder.sent(http.StatusOK) // what net/http sends for a handler that wrote nothing
}

// A statusRecorder notes the status of an answer as soon as it is sent. http.ResponseController finds the writer's
// other abilities through Unwrap.
type statusRecorder struct {
	http.ResponseWriter
	log   *requestLog
	entry *receivedRequest
	done  bool
}

func (w *statusRecorder) sent(status int) {
	if w.done || status < 200 && status != http.StatusSwitchingProtocols {
		return // only the first final status goes out
	}
	w.done = true
	w.log.change(func() { w.entry.Status = status })
}

func (w *statusRecorder) WriteHeader(status int) {
	w.sent(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(b []byte) (int, error) {
	w.sent(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

// Unwrap returns the writer below, for http.ResponseController.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
