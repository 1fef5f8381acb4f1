package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a fault plan.
const (
	maxFaultPlans = 1000
	maxFaultTimes = 1_000_000
	maxFaultDelay = 10 * time.Minute
)

// A faultPlan says what goes wrong with the next requests to a path. A delay goes with anything, also with the right
// answer; otherwise a plan either cuts the connection or gives a wrong answer, and the work is not done.
type faultPlan struct {
	ID        string `json:"id"`
	Path      string `json:"path"`                // exact, or a prefix that ends in *
	Method    string `json:"method,omitempty"`    // empty: any
	GrantType string `json:"grantType,omitempty"` // only token requests for this grant
	Times     int    `json:"times"`
	Remaining int    `json:"remaining"`

	Delay         string            `json:"delay,omitempty"` // as time.ParseDuration reads it
	Cut           string            `json:"cut,omitempty"`   // before, after, body
	CutAfterBytes int               `json:"cutAfterBytes,omitempty"`
	Status        int               `json:"status,omitempty"`
	Headers       map[string]string `json:"headers,omitempty"`
	ContentType   string            `json:"contentType,omitempty"`
	Body          *string           `json:"body,omitempty"`
	Garbage       bool              `json:"garbage,omitempty"` // JSON by its type, but not by its body
	HTML          bool              `json:"html,omitempty"`    // a page, as a proxy sends one

	delay time.Duration
}

// Where a connection is cut.
const (
	cutBefore = "before" // nothing was done
	cutAfter  = "after"  // the work was done, nothing was answered
	cutBody   = "body"   // the work was done, a part of the body was answered
)

// faultPlans are the planned faults, in the order they were planned.
type faultPlans struct {
	mu    sync.Mutex
	plans []*faultPlan
}

func (f *faultPlans) add(plan faultPlan) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.plans) >= maxFaultPlans {
		return fmt.Errorf("there are %d plans already; DELETE /dev/faults clears them", maxFaultPlans)
	}
	f.plans = append(f.plans, &plan)
	return nil
}

// take uses up one time of the first plan that fits a request.
func (f *faultPlans) take(r *http.Request, grantType string) (faultPlan, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, plan := range f.plans {
		if plan.Remaining > 0 && plan.fits(r, grantType) {
			plan.Remaining--
			return *plan, true
		}
	}
	return faultPlan{}, false
}

func (f *faultPlans) list() []faultPlan {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]faultPlan, 0, len(f.plans))
	for _, plan := range f.plans {
		all = append(all, *plan)
	}
	return all
}

func (f *faultPlans) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = nil
}

func (p *faultPlan) fits(r *http.Request, grantType string) bool {
	prefix, isPrefix := strings.CutSuffix(p.Path, "*")
	return (r.URL.Path == p.Path || isPrefix && strings.HasPrefix(r.URL.Path, prefix)) &&
		(p.Method == "" || p.Method == r.Method) &&
		(p.GrantType == "" || p.GrantType == grantType)
}

// planFault takes a plan and answers with it.
func (s *Server) planFault(w http.ResponseWriter, r *http.Request) error {
	plan := faultPlan{Times: 1}
	if err := decodeStrictly(w, r, &plan); err != nil {
		return err
	}
	plan.ID, plan.Remaining = "flt_"+randomToken(9), plan.Times
	err := plan.check()
	if err == nil {
		err = s.control.faults.add(plan)
	}
	if err != nil {
		return invalid("The plan cannot be used: " + err.Error())
	}
	return writeData(w, http.StatusCreated, plan)
}

// check refuses a plan that would not do what it says, and reads its delay.
func (p *faultPlan) check() error {
	if !strings.HasPrefix(p.Path, "/") || strings.Contains(strings.TrimSuffix(p.Path, "*"), "*") {
		return errors.New(`"path" must begin with / and may have a * only at its end`)
	}
	if isControl(p.Path) {
		return errors.New(`the paths below /dev have no faults`)
	}
	if p.Method != strings.ToUpper(p.Method) {
		return errors.New(`"method" must be in capital letters, like POST`)
	}
	if p.GrantType != "" && !slices.Contains([]string{grantCode, grantRefresh, grantDevice}, p.GrantType) {
		return fmt.Errorf(`"grantType" must be %s, %s or %s`, grantCode, grantRefresh, grantDevice)
	}
	if p.Times < 1 || p.Times > maxFaultTimes {
		return fmt.Errorf(`"times" must be between 1 and %d`, maxFaultTimes)
	}
	if p.Delay != "" {
		var err error
		if p.delay, err = time.ParseDuration(p.Delay); err != nil || p.delay <= 0 || p.delay > maxFaultDelay {
			return errors.New(`"delay" must be a duration above 0 and up to 10m, like "200ms"`)
		}
	}
	return p.checkEffect()
}

func (p *faultPlan) checkEffect() error {
	answers := p.Status != 0 || p.Body != nil || p.Garbage || p.HTML
	switch {
	case p.Cut != "" && !slices.Contains([]string{cutBefore, cutAfter, cutBody}, p.Cut):
		return errors.New(`"cut" must be before, after or body`)
	case p.CutAfterBytes < 0 || p.CutAfterBytes > 0 && p.Cut != cutBody:
		return errors.New(`"cutAfterBytes" is a number of bytes, and goes with "cut": "body"`)
	case p.Cut != "" && answers:
		return errors.New(`a cut connection has no answer: leave out "status", "body", "garbage" and "html"`)
	case p.Garbage && p.HTML || p.Body != nil && (p.Garbage || p.HTML):
		return errors.New(`give one of "body", "garbage" and "html"`)
	case !answers && (len(p.Headers) > 0 || p.ContentType != ""):
		return errors.New(`"headers" and "contentType" go with "status", "body", "garbage" or "html"`)
	case !answers && p.Cut == "" && p.delay == 0:
		return errors.New(`say what goes wrong: "status", "body", "garbage", "html", "cut" or "delay"`)
	case p.Status != 0 && (p.Status < 200 || p.Status > 599):
		return errors.New(`"status" must be between 200 and 599`)
	}
	for name, value := range p.Headers {
		if name == "" || strings.ContainsAny(name, " :\r\n") || strings.ContainsAny(value, "\r\n") {
			return errors.New(`"headers" has a name or a value that cannot be sent`)
		}
	}
	return nil
}

// serve answers a request as planned.
func (p *faultPlan) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	pause(r.Context(), p.delay)
	switch {
	case p.Cut == cutBefore:
		panic(http.ErrAbortHandler) // the way to cut a connection that net/http knows
	case p.Cut == cutAfter:
		next.ServeHTTP(&swallowed{header: w.Header().Clone()}, r)
		panic(http.ErrAbortHandler)
	case p.Cut == cutBody:
		ctx, leave := context.WithCancel(r.Context())
		defer leave()
		next.ServeHTTP(&cutWriter{ResponseWriter: w, left: p.CutAfterBytes, leave: leave}, r.WithContext(ctx))
		_ = http.NewResponseController(w).Flush() // the header, if there was no body
		panic(http.ErrAbortHandler)
	case p.Status != 0 || p.Body != nil || p.Garbage || p.HTML:
		p.answer(w, r)
	default:
		next.ServeHTTP(w, r)
	}
}

// answer gives the wrong answer. One with nothing but a status has the body that the API gives such a status.
func (p *faultPlan) answer(w http.ResponseWriter, r *http.Request) {
	status := max(p.Status, http.StatusOK)
	contentType, body := "application/json", ""
	switch {
	case p.Body != nil:
		body = *p.Body
		if !json.Valid([]byte(body)) {
			contentType = "text/plain; charset=utf-8"
		}
	case p.Garbage:
		body = `{"data": [1, 2,`
	case p.HTML:
		contentType, body = "text/html; charset=utf-8", "<!doctype html><title>Gateway</title><h1>This is not the API</h1>\n"
	default:
		e := &apiError{status: status, code: codeOf(status), message: "A planned fault"}
		raw, _ := json.Marshal(e.body(requestID(r.Context()))) // strings and numbers: it cannot fail
		body = string(raw)
	}
	w.Header().Set("Content-Type", cmp.Or(p.ContentType, contentType))
	for name, value := range p.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// pause waits for d, or gives up the request when its client has left.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

// swallowed takes an answer that nobody will get.
type swallowed struct{ header http.Header }

func (w *swallowed) Header() http.Header         { return w.header }
func (w *swallowed) WriteHeader(int)             {}
func (w *swallowed) Write(b []byte) (int, error) { return len(b), nil }

// Flush does nothing, which is what a stream expects to be able to do.
func (w *swallowed) Flush() {}

// A cutWriter passes a number of bytes on. Then it tells the handler that its client has left.
type cutWriter struct {
	http.ResponseWriter
	left  int // bytes
	leave context.CancelFunc
}

func (w *cutWriter) Write(b []byte) (int, error) {
	if len(b) <= w.left {
		n, err := w.ResponseWriter.Write(b)
		w.left -= n
		return n, err
	}
	n, _ := w.ResponseWriter.Write(b[:w.left])
	w.left -= n
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	w.leave()
	return n, http.ErrHandlerTimeout
}

// Unwrap returns the writer below, for http.ResponseController.
func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
