package control

import (
	"net/http"
	"sync"
	"time"
)

// maxRequests is the number of received requests that are kept.
const maxRequests = 10_000

// maxLoggedPath is the number of bytes of a path that are kept.
const maxLoggedPath = 2048

// A receivedRequest describes a request without its secrets: without query, body and addresses of files. Status is 0
// until the answer, and stays 0 if the connection ends before the answer.
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

// A requestLog keeps the last requests in the order of arrival.
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

// update changes an entry while readers may copy it.
func (l *requestLog) update(fn func()) {
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

// serve records a request and answers it with next.
func (l *requestLog) serve(w http.ResponseWriter, r *http.Request, entry receivedRequest, next http.HandlerFunc) {
	l.add(&entry)
	start := time.Now() // not the platform's clock: this measures a duration
	recorder := &statusRecorder{ResponseWriter: w, log: l, entry: &entry}
	defer func() { l.update(func() { entry.DurationMS = float64(time.Since(start).Microseconds()) / 1000 }) }()
	next(recorder, r)
	recorder.sent(http.StatusOK) // the status that net/http sends for a handler without output
}

// A statusRecorder records the status of an answer when it is sent.
type statusRecorder struct {
	http.ResponseWriter
	log   *requestLog
	entry *receivedRequest
	done  bool
}

func (w *statusRecorder) sent(status int) {
	if w.done || status < 200 && status != http.StatusSwitchingProtocols {
		return // only the first final status is sent
	}
	w.done = true
	w.log.update(func() { w.entry.Status = status })
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
