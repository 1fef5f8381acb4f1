package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Bounds of a fault plan.
const (
	maxFaultPlans = 1000
	maxFaultBytes = 32 << 20 // bodies and headers of all plans
	maxFaultTimes = 1_000_000
	maxFaultDelay = 10 * time.Minute
)

// A faultPlan describes a fault of the next requests to a path. A plan cuts the connection, or answers in place of the
// server. It can also delay the answer; a plan with only a delay leaves the answer as it is.
type faultPlan struct {
	ID        string `json:"id"`
	Path      string `json:"path"`                // exact, or a prefix that ends in *
	Method    string `json:"method,omitempty"`    // empty: any
	GrantType string `json:"grantType,omitempty"` // only token requests for this grant
	Times     int    `json:"times"`
	Remaining int    `json:"remaining"`

	Chance float64 `json:"chance"`         // the share of the requests that have the fault
	Seed   *uint64 `json:"seed,omitempty"` // makes the choice of these requests repeatable

	Delay         string            `json:"delay,omitempty"` // for time.ParseDuration
	Cut           string            `json:"cut,omitempty"`   // before, after, body
	CutAfterBytes int               `json:"cutAfterBytes,omitempty"`
	Status        int               `json:"status,omitempty"`
	Headers       map[string]string `json:"headers,omitempty"`
	ContentType   string            `json:"contentType,omitempty"`
	Body          *string           `json:"body,omitempty"`
	Garbage       bool              `json:"garbage,omitempty"` // the content type of JSON with a body that is not JSON
	HTML          bool              `json:"html,omitempty"`    // an HTML page, as of a proxy

	delay time.Duration
	dice  *rand.Rand // nil: every request has the fault
}

// The points at which a connection is cut.
const (
	cutBefore = "before" // before the request is handled
	cutAfter  = "after"  // after the request is handled, before the answer
	cutBody   = "body"   // within the body of the answer
)

// faultPlans are the planned faults, in the order of planning.
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
	total := plan.size()
	for _, p := range f.plans {
		total += p.size()
	}
	if total > maxFaultBytes {
		return fmt.Errorf("the plans have more than %d MiB together; DELETE /dev/faults clears them", maxFaultBytes>>20)
	}
	f.plans = append(f.plans, &plan)
	return nil
}

// take returns the first plan that matches a request and whose chance chooses it, and lowers its remaining times by one.
func (f *faultPlans) take(r *http.Request, grantType string) (faultPlan, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, plan := range f.plans {
		if plan.Remaining > 0 && plan.matches(r, grantType) && plan.isChosen() {
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

// size returns about how many bytes a plan takes.
func (p *faultPlan) size() int {
	n := len(p.Path)
	if p.Body != nil {
		n += len(*p.Body)
	}
	for name, value := range p.Headers {
		n += len(name) + len(value)
	}
	return n
}

func (p *faultPlan) matches(r *http.Request, grantType string) bool {
	prefix, isPrefix := strings.CutSuffix(p.Path, "*")
	return (r.URL.Path == p.Path || isPrefix && strings.HasPrefix(r.URL.Path, prefix)) &&
		(p.Method == "" || p.Method == r.Method) &&
		(p.GrantType == "" || p.GrantType == grantType)
}

// isChosen reports whether the next matching request has the fault.
func (p *faultPlan) isChosen() bool { return p.dice == nil || p.dice.Float64() < p.Chance }

// checkChance validates the chance of a plan and makes its dice.
func (p *faultPlan) checkChance() error {
	if !(p.Chance > 0 && p.Chance <= 1) {
		return errors.New(`"chance" must be above 0 and up to 1, like 0.01`)
	}
	seed := rand.Uint64()
	if p.Seed != nil {
		seed = *p.Seed
	}
	if p.Chance < 1 {
		p.dice = rand.New(rand.NewPCG(seed, 0))
	}
	return nil
}

// check validates a plan and parses its delay.
func (p *faultPlan) check(grantTypes []string) error {
	if !strings.HasPrefix(p.Path, "/") || strings.Contains(strings.TrimSuffix(p.Path, "*"), "*") {
		return errors.New(`"path" must begin with / and may have a * only at its end`)
	}
	if isControl(p.Path) {
		return errors.New(`the paths below /dev have no faults`)
	}
	if p.Method != strings.ToUpper(p.Method) {
		return errors.New(`"method" must be in capital letters, like POST`)
	}
	if p.GrantType != "" && !slices.Contains(grantTypes, p.GrantType) {
		return fmt.Errorf(`"grantType" must be one of %s`, strings.Join(grantTypes, ", "))
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
	if err := p.checkChance(); err != nil {
		return err
	}
	return p.checkEffect()
}

func (p *faultPlan) checkEffect() error {
	hasAnswer := p.Status != 0 || p.Body != nil || p.Garbage || p.HTML
	switch {
	case p.Cut != "" && !slices.Contains([]string{cutBefore, cutAfter, cutBody}, p.Cut):
		return errors.New(`"cut" must be before, after or body`)
	case p.CutAfterBytes < 0 || p.CutAfterBytes > 0 && p.Cut != cutBody:
		return errors.New(`"cutAfterBytes" is a number of bytes, and goes with "cut": "body"`)
	case p.Cut != "" && hasAnswer:
		return errors.New(`a cut connection has no answer: leave out "status", "body", "garbage" and "html"`)
	case p.Garbage && p.HTML || p.Body != nil && (p.Garbage || p.HTML):
		return errors.New(`give one of "body", "garbage" and "html"`)
	case !hasAnswer && (len(p.Headers) > 0 || p.ContentType != ""):
		return errors.New(`"headers" and "contentType" go with "status", "body", "garbage" or "html"`)
	case !hasAnswer && p.Cut == "" && p.delay == 0:
		return errors.New(`give one of "status", "body", "garbage", "html", "cut" or "delay"`)
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
		panic(http.ErrAbortHandler) // net/http closes the connection
	case p.Cut == cutAfter:
		next.ServeHTTP(&discardWriter{header: w.Header().Clone()}, r)
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

// answer writes the planned answer. A plan with only a status has the body of the Lamina API for this status.
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
		e := wire.ErrorOf(status, "A planned fault")
		raw, _ := json.Marshal(e.Body(wire.RequestID(r.Context()))) // strings and numbers: cannot fail
		body = string(raw)
	}
	w.Header().Set("Content-Type", cmp.Or(p.ContentType, contentType))
	for name, value := range p.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// pause waits for d. It aborts the request if the client disconnects.
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

// A discardWriter discards an answer.
type discardWriter struct{ header http.Header }

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) WriteHeader(int)             {}
func (w *discardWriter) Write(b []byte) (int, error) { return len(b), nil }

// Flush implements http.Flusher, which streams need.
func (w *discardWriter) Flush() {}

// A cutWriter writes a number of bytes. Then it cancels the context of the handler, as a disconnected client does.
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
