package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// state is a run as JSON.
func state(status string, percent int) string {
	return fmt.Sprintf(`{"runId":"r1","workflowId":"w1","status":%q,"outputs":[],"createdAt":"2026-04-11T08:00:00Z",`+
		`"progress":{"totalOutputs":1,"completedOutputs":0,"failedOutputs":0,"percentComplete":%d}}`, status, percent)
}

func enveloped(run string) string { return `{"data":` + run + `}` }

// A service answers the three roads to a run, each with a list of answers, of which the last is repeated.
type service struct {
	stream, wait, poll []func(http.ResponseWriter, *http.Request)

	mu    sync.Mutex
	calls []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, answers := "poll", s.poll
	switch path.Base(r.URL.Path) {
	case "stream":
		name, answers = "stream", s.stream
	case "wait":
		name, answers = "wait", s.wait
	}
	s.mu.Lock()
	n := 0
	for _, c := range s.calls {
		if c == name {
			n++
		}
	}
	s.calls = append(s.calls, name)
	s.mu.Unlock()
	if len(answers) == 0 {
		reply(w, 404, `{"error":"no such endpoint","code":"NOT_FOUND"}`)
		return
	}
	answers[min(n, len(answers)-1)](w, r)
}

func (s *service) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, " ")
}

type answers = []func(http.ResponseWriter, *http.Request)

func says(status int, body string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body, headers...) }
}

// streams sends events, and ends the stream.
func streams(events ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, e := range events {
			_, _ = io.WriteString(w, e)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// streamsThenCuts sends events, and drops the connection.
func streamsThenCuts(events ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		streams(events...)(w, r)
		cut(w)
	}
}

func event(kind, data string) string { return "event: " + kind + "\ndata: " + data + "\n\n" }

// outcome is what following a run came to.
type outcome struct {
	run     RunUpdate
	err     error
	updates []string
	faults  []error
}

func followRun(ctx context.Context, c *Client, f Follow) outcome {
	var o outcome
	f.Update = func(u RunUpdate) {
		percent := -1.0
		if u.Run.Progress != nil {
			percent = *u.Run.Progress.PercentComplete
		}
		o.updates = append(o.updates, fmt.Sprintf("%s %.0f", u.Run.Status, percent))
	}
	f.OnFault = func(err error) { o.faults = append(o.faults, err) }
	o.run, o.err = c.FollowRun(ctx, "r1", f)
	return o
}

// TestFollow is about roads to the end of a run that works.
func TestFollow(t *testing.T) {
	t.Parallel()
	ping := event("ping", "1775894400000")
	done, running := enveloped(state("completed", 100)), enveloped(state("running", 10))
	many := strings.TrimSpace(strings.Repeat("wait ", 3))
	tests := []struct {
		name    string
		service *service
		final   Status
		updates string
		asked   string
		faults  int
	}{
		{
			"stream", &service{stream: answers{streams(
				ping, event("progress", state("queued", 0)), event("progress", state("queued", 0)), ping, ": a comment\n\n",
				event("progress", state("running", 10)), event("novelty", "{"), event("complete", state("completed", 100)),
			)}},
			Completed, "queued 0, running 10, completed 100", "stream", 0,
		},
		{
			"stream of envelopes", &service{stream: answers{streams(event("progress", running), event("complete", done))}},
			Completed, "running 10, completed 100", "stream", 0,
		},
		{
			"data over lines", &service{stream: answers{streams("event: complete\r\ndata: {\"data\":\r\ndata:" + state("failed", 0) + "}\r\n\r\n")}},
			Failed, "failed 0", "stream", 0,
		},
		{"over already", &service{stream: answers{streams(event("complete", state("completed", 100)))}}, Completed, "completed 100", "stream", 0},
		{"failed", &service{stream: answers{streams(event("error", state("failed", 10)))}}, Failed, "failed 10", "stream", 0},
		{"cancelled", &service{stream: answers{streams(event("error", state("cancelled", 10)))}}, Cancelled, "cancelled 10", "stream", 0},
		{
			"stream cut, then wait", &service{
				stream: answers{streamsThenCuts(event("progress", state("running", 10)))},
				wait:   answers{says(200, `{"data":`+state("running", 10)+`,"timeout":true}`), says(200, done)},
			},
			Completed, "running 10, completed 100", "stream wait wait", 0,
		},
		{"no stream", &service{wait: answers{says(200, done)}}, Completed, "completed 100", "stream wait", 0},
		{"no stream, and wait says cancelled", &service{wait: answers{says(200, enveloped(state("cancelled", 0)))}}, Cancelled, "cancelled 0", "stream wait", 0},
		{
			"polling only", &service{poll: answers{says(200, running), says(200, running), says(200, enveloped(state("cancelled", 20)))}},
			Cancelled, "running 10, cancelled 20", "stream wait poll poll poll", 0,
		},
		{
			"stream is a web page, wait is garbage", &service{
				stream: answers{says(200, "<html>", "Content-Type", "text/html")}, wait: answers{says(200, "{")}, poll: answers{says(200, done)},
			},
			Completed, "completed 100", "stream wait poll", 0,
		},
		{
			"stream of a broken event", &service{stream: answers{streams(event("progress", "{"))}, wait: answers{says(200, done)}},
			Completed, "completed 100", "stream wait", 0,
		},
		{
			"stream of something else", &service{stream: answers{streams(event("progress", `{"data":null}`))}, wait: answers{says(200, done)}},
			Completed, "completed 100", "stream wait", 0,
		},
		{
			"the stream's time is over", &service{stream: answers{
				streams(event("progress", state("running", 10)), event("timeout", `{"message":"Stream timed out"}`)),
				streams(event("progress", state("running", 10)), event("complete", state("completed", 100))),
			}},
			Completed, "running 10, completed 100", "stream stream", 1,
		},
		{
			"streams that end at once", &service{stream: answers{streams()}, wait: answers{says(200, done)}},
			Completed, "completed 100", "stream stream wait", 1,
		},
		{
			"streams that end after news", &service{
				stream: answers{streams(event("progress", state("running", 1))), streams(event("progress", state("running", 2)))},
				wait:   answers{says(200, done)},
			},
			Completed, "running 1, running 2, completed 100", "stream stream wait", 1,
		},
		{
			"429 does not close a road", &service{
				stream: answers{says(429, "slow down", "Content-Type", "text/plain", "Retry-After", "70"), streams(event("complete", done))},
			},
			Completed, "completed 100", "stream stream", 1,
		},
		{
			"wait is limited", &service{wait: answers{says(429, `{"error":"x"}`, "Retry-After", "70"), says(200, done)}},
			Completed, "completed 100", "stream wait wait", 1,
		},
		{"wait fails", &service{wait: answers{says(503, "{}")}, poll: answers{says(200, done)}}, Completed, "completed 100", "stream " + many + " poll", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, tt.service.ServeHTTP)
			o := followRun(t.Context(), c, Follow{})
			if o.err != nil || o.run.Run.Status != tt.final || o.run.Run.RunID != "r1" {
				t.Fatalf("ended %q with %v", o.run.Run.Status, o.err)
			}
			if got := strings.Join(o.updates, ", "); got != tt.updates {
				t.Errorf("updates: %s, want %s", got, tt.updates)
			}
			if got := tt.service.asked(); got != tt.asked {
				t.Errorf("asked: %s, want %s", got, tt.asked)
			}
			if len(o.faults) != tt.faults {
				t.Errorf("faults: %v, want %d", o.faults, tt.faults)
			}
			if string(o.run.Raw) == "" || strings.Contains(string(o.run.Raw), `"data"`) {
				t.Errorf("raw state %s", o.run.Raw)
			}
		})
	}
}

// TestFollowErrors is about waits that end before the run does.
func TestFollowErrors(t *testing.T) {
	t.Parallel()
	limited := says(429, `{"error":"x"}`, "Retry-After", "100")
	tests := []struct {
		name    string
		service *service
		status  int
		asked   string // how it begins
		newest  Status
	}{
		{"no such run", &service{}, 404, "stream wait poll", ""},
		{"key refused", &service{stream: answers{says(401, `{"error":"Invalid API key","code":"AUTH_INVALID_KEY"}`)}}, 401, "stream", ""},
		{"run of another workspace", &service{poll: answers{says(403, `{"error":"x","code":"FORBIDDEN"}`)}}, 403, "stream wait poll", ""},
		{
			"gone while waiting", &service{
				stream: answers{streamsThenCuts(event("progress", state("running", 5)))}, wait: answers{says(404, `{"error":"x"}`)},
			},
			404, "stream wait poll", Running,
		},
		{"fails for too long", &service{poll: answers{says(200, enveloped(state("queued", 0))), says(503, "{}")}}, 503, "stream wait poll poll", Queued},
		{"limited for too long", &service{stream: answers{limited}}, 429, "stream stream", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, at := serve(t, tt.service.ServeHTTP)
			begun := at.now()
			o := followRun(t.Context(), c, Follow{Patience: time.Minute})
			var refused *Error
			if !errors.As(o.err, &refused) || refused.Status != tt.status {
				t.Fatalf("got %v, want status %d", o.err, tt.status)
			}
			if got := tt.service.asked(); !strings.HasPrefix(got, tt.asked) {
				t.Errorf("asked: %s, want %s…", got, tt.asked)
			}
			if o.run.Run.Status != tt.newest {
				t.Errorf("newest state %q, want %q", o.run.Run.Status, tt.newest)
			}
			if took := at.now().Sub(begun); took > 3*time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestFollowPace: a service that never says anything new is asked at a pace that it can bear, whatever it does.
func TestFollowPace(t *testing.T) {
	t.Parallel()
	running := enveloped(state("running", 10))
	once := event("progress", state("running", 10))
	number := 0
	for name, s := range map[string]*service{
		"wait that does not wait": {wait: answers{says(200, running)}},
		"polling":                 {poll: answers{says(200, running)}},
		"stream of one event":     {stream: answers{streams(once)}, wait: answers{says(200, running)}},
		"stream of timeouts":      {stream: answers{streams(event("timeout", "{}"))}, poll: answers{says(200, running)}},
		"stream of always news": {
			stream: answers{func(w http.ResponseWriter, r *http.Request) {
				number++
				streams(event("progress", state("running", number%100)))(w, r)
			}},
			wait: answers{says(200, running)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, at := serve(t, s.ServeHTTP)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			over := errors.New("a minute is over")
			end := at.now().Add(time.Minute)
			c.Sleep = func(_ context.Context, d time.Duration) error {
				if err := at.sleep(ctx, d); err != nil {
					return err
				}
				if at.now().After(end) {
					cancel(over)
				}
				return nil
			}
			o := followRun(ctx, c, Follow{})
			if !errors.Is(o.err, over) || o.run.Run.Status != Running {
				t.Errorf("ended %q with %v", o.run.Run.Status, o.err)
			}
			if n := len(strings.Fields(s.asked())); n > 26 {
				t.Errorf("%d requests in a minute: %s", n, s.asked())
			}
		})
	}
}

// TestFollowRetryAfter: the pause that the service asks for is kept while waiting.
func TestFollowRetryAfter(t *testing.T) {
	t.Parallel()
	s := &service{poll: answers{says(429, "slow down", "Content-Type", "text/plain", "Retry-After", "80"), says(200, enveloped(state("completed", 100)))}}
	c, at := serve(t, s.ServeHTTP)
	o := followRun(t.Context(), c, Follow{})
	if o.err != nil {
		t.Fatal(o.err)
	}
	if got := at.sleeps(); len(got) != 1 || got[0] != 80*time.Second {
		t.Errorf("slept %v", got)
	}
}

// TestFollowSurvivesOutage: connections that fail for less than the patience do not end the wait.
func TestFollowSurvivesOutage(t *testing.T) {
	t.Parallel()
	broken := func(w http.ResponseWriter, _ *http.Request) { cut(w) }
	s := &service{
		stream: answers{broken}, wait: answers{broken},
		poll: answers{broken, broken, broken, broken, broken, broken, broken, says(200, enveloped(state("completed", 100)))},
	}
	c, _ := serve(t, s.ServeHTTP)
	c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	o := followRun(t.Context(), c, Follow{})
	if o.err != nil || o.run.Run.Status != Completed || len(o.faults) == 0 {
		t.Errorf("ended %q with %v after %v", o.run.Run.Status, o.err, o.faults)
	}
}

// TestFollowLeft: when the caller's time is over, the newest state and the cause come back.
func TestFollowLeft(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*service{
		"in a stream": {stream: answers{func(w http.ResponseWriter, r *http.Request) {
			streams(event("progress", state("running", 42)))(w, r)
			<-r.Context().Done()
		}}},
		"in a wait": {
			wait: answers{says(200, enveloped(state("running", 42))), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		},
		"in a pause": {poll: answers{says(200, enveloped(state("running", 42)))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, s.ServeHTTP)
			over := errors.New("the waiting time is over")
			ctx, cancel := context.WithCancelCause(t.Context())
			newest, err := c.FollowRun(ctx, "r1", Follow{Update: func(RunUpdate) { cancel(over) }})
			if !errors.Is(err, over) || newest.Run.Status != Running || *newest.Run.Progress.PercentComplete != 42 {
				t.Errorf("got %q with %v", newest.Run.Status, err)
			}
		})
	}
}

// TestFollowPermanent: what a transport below says for good ends the wait at once; what it calls temporary does not.
func TestFollowPermanent(t *testing.T) {
	t.Parallel()
	over := errors.New("the session is over")
	at := newClock()
	c := &Client{BaseURL: "http://lamina.invalid", HTTP: &http.Client{Transport: failingTransport{fmt.Errorf("token: %w", over)}}, Sleep: at.sleep, Now: at.now}
	o := followRun(t.Context(), c, Follow{})
	if !errors.Is(o.err, over) || len(at.sleeps()) > 0 {
		t.Errorf("got %v after %v", o.err, at.sleeps())
	}
	c.HTTP = &http.Client{Transport: failingTransport{fmt.Errorf("token: %w", busyError{})}}
	o = followRun(t.Context(), c, Follow{Patience: 10 * time.Second})
	if !errors.As(o.err, new(busyError)) || len(o.faults) == 0 {
		t.Errorf("got %v after %v", o.err, o.faults)
	}
}

type busyError struct{}

func (busyError) Error() string   { return "busy" }
func (busyError) Temporary() bool { return true }

// A slowBody is an event stream whose parts come after pauses.
type slowBody struct {
	ctx    context.Context
	pauses []time.Duration
	parts  []string
}

func (b *slowBody) Read(p []byte) (int, error) {
	if len(b.parts) == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(b.pauses[0]):
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
	n := copy(p, b.parts[0])
	b.pauses, b.parts = b.pauses[1:], b.parts[1:]
	return n, nil
}

func (b *slowBody) Close() error { return nil }

// A memory answers a stream in memory, so that a test can make time pass; all else with JSON.
type memory struct {
	pauses []time.Duration
	parts  []string
	json   string
}

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if path.Base(r.URL.Path) != "stream" {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(m.json)), Request: r}, nil
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: r,
		Body: &slowBody{ctx: r.Context(), pauses: m.pauses, parts: m.parts},
	}, nil
}

// TestSilentStream: a stream that says nothing counts as dead, and the next road is taken. Pings are not silence.
func TestSilentStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Client{BaseURL: "http://lamina.invalid", HTTP: &http.Client{Transport: memory{
			pauses: []time.Duration{0, 40 * time.Second, 40 * time.Second, time.Hour},
			parts:  []string{event("progress", state("running", 42)), event("ping", "1"), event("ping", "2"), "never"},
			json:   enveloped(state("completed", 100)),
		}}}
		begun := time.Now()
		o := followRun(t.Context(), c, Follow{})
		if o.err != nil || strings.Join(o.updates, ", ") != "running 42, completed 100" {
			t.Errorf("got %v, %v", o.err, o.updates)
		}
		if took := time.Since(begun); took != 125*time.Second {
			t.Errorf("took %v", took)
		}
		var last error
		for _, err := range c.StreamRun(t.Context(), "r1") {
			last = err
		}
		if kind := kindIn(t, last); kind != Timeout {
			t.Errorf("silence is %s (%v), want timeout", kind, last)
		}
	})
}

// TestSlowReader: the time that the caller takes for an update is not the stream's silence.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Client{BaseURL: "http://lamina.invalid", HTTP: &http.Client{Transport: memory{
			pauses: []time.Duration{0, time.Second},
			parts:  []string{event("progress", state("running", 42)), event("complete", state("completed", 100))},
		}}}
		for _, err := range c.StreamRun(t.Context(), "r1") {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
	})
}

// TestStreamErrors: what ends a stream early is told, with what is known of the answer.
func TestStreamErrors(t *testing.T) {
	t.Parallel()
	last := func(answer func(http.ResponseWriter, *http.Request)) error {
		c, _ := serve(t, answer)
		var last error
		for _, err := range c.StreamRun(t.Context(), "r1") {
			last = err
		}
		return last
	}
	if err := last(streams(event("progress", state("running", 1)))); !errors.Is(err, errStreamEnded) {
		t.Errorf("ended: %v", err)
	}
	if err := last(streams(event("timeout", ""))); !errors.Is(err, errStreamEnded) {
		t.Errorf("timeout: %v", err)
	}
	if kind := kindIn(t, last(streamsThenCuts(event("ping", "1")))); kind != Cut {
		t.Errorf("cut: %s", kind)
	}
	if kind := kindIn(t, last(streams("data: "+strings.Repeat("x", maxEvent+1)))); kind != Cut {
		t.Errorf("endless event: %s", kind)
	}
	var unexpected *UnexpectedError
	if err := last(streams(event("progress", "[]"))); !errors.As(err, &unexpected) || unexpected.Path != "/v1/runs/r1/stream" || unexpected.Status != 200 {
		t.Errorf("garbage: %v", err)
	}
}

// TestStreamLeaksNothing: a reader who leaves early leaves no goroutine behind.
func TestStreamLeaksNothing(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		streams(event("progress", state("running", 1)))(w, r)
		<-r.Context().Done()
	})
	c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	before := runtime.NumGoroutine()
	for range 20 {
		for range c.StreamRun(t.Context(), "r1") {
			break
		}
	}
	for range 200 {
		if runtime.NumGoroutine() <= before+3 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

func FuzzParseEvent(f *testing.F) {
	f.Add("progress", state("running", 1))
	f.Add("complete", enveloped(state("completed", 100)))
	f.Add("error", `{"data":{"executionId":"e","status":"failed"}}`)
	f.Add("ping", "1775894400000")
	f.Add("timeout", `{"message":"x"}`)
	f.Add("progress", `{"data":null,"status":"x"}`)
	f.Fuzz(func(t *testing.T, kind, data string) {
		update, isRun, err := parseEvent(kind, data)
		if isRun == (update.Raw == nil) || isRun && (err != nil || update.Run.Status == "") {
			t.Errorf("%q %q: %+v, %v, %v", kind, data, update, isRun, err)
		}
	})
}

// bodyTransport answers every request with an event stream.
type bodyTransport struct{ body string }

func (b bodyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(b.body)), Request: r,
	}, nil
}

// FuzzStream: whatever bytes come, a stream ends with a final state or with an error, and yields nothing after it.
func FuzzStream(f *testing.F) {
	f.Add(event("progress", state("running", 1)) + event("complete", state("completed", 100)))
	f.Add(event("ping", "1") + ": x\n\nretry: 1\nid: \x00\n\n")
	f.Add("event: progress\rdata: {\"status\":\"x\"}\r\r")
	f.Add("\xef\xbb\xbfevent: error\ndata: {}\n\n")
	f.Fuzz(func(t *testing.T, body string) {
		c := &Client{BaseURL: "http://lamina.invalid", HTTP: &http.Client{Transport: bodyTransport{body}}}
		var last RunUpdate
		var end error
		for update, err := range c.StreamRun(t.Context(), "r1") {
			if end != nil || last.Run.Status.Final() {
				t.Fatalf("%q: went on after its end", body)
			}
			last, end = update, err
		}
		if end == nil && !last.Run.Status.Final() {
			t.Errorf("%q: ended without a reason at %q", body, last.Run.Status)
		}
	})
}
