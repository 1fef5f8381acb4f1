package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFollow: the methods until the end of a run.
func TestFollow(t *testing.T) {
	t.Parallel()
	ping := event("ping", "1775894400000")
	done, running := enveloped(state("completed", 100)), enveloped(state("running", 10))
	many := strings.TrimSpace(strings.Repeat("wait ", 3))
	tests := []struct {
		name        string
		service     *service
		want        Status
		wantUpdates string
		wantMethods string
		wantFaults  int
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
			"data on several lines", &service{stream: answers{streams("event: complete\r\ndata: {\"data\":\r\ndata:" + state("failed", 0) + "}\r\n\r\n")}},
			Failed, "failed 0", "stream", 0,
		},
		{"ended already", &service{stream: answers{streams(event("complete", state("completed", 100)))}}, Completed, "completed 100", "stream", 0},
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
		{"no stream, wait returns cancelled", &service{wait: answers{says(200, enveloped(state("cancelled", 0)))}}, Cancelled, "cancelled 0", "stream wait", 0},
		{
			"polling only", &service{poll: answers{says(200, running), says(200, running), says(200, enveloped(state("cancelled", 20)))}},
			Cancelled, "running 10, cancelled 20", "stream wait poll poll poll", 0,
		},
		{
			"stream is a web page, wait is not JSON", &service{
				stream: answers{says(200, "<html>", "Content-Type", "text/html")}, wait: answers{says(200, "{")}, poll: answers{says(200, done)},
			},
			Completed, "completed 100", "stream wait poll", 0,
		},
		{
			"stream with a broken event", &service{stream: answers{streams(event("progress", "{"))}, wait: answers{says(200, done)}},
			Completed, "completed 100", "stream wait", 0,
		},
		{
			"stream with another event", &service{stream: answers{streams(event("progress", `{"data":null}`))}, wait: answers{says(200, done)}},
			Completed, "completed 100", "stream wait", 0,
		},
		{
			"time limit of the stream", &service{stream: answers{
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
			"streams that end after an update", &service{
				stream: answers{streams(event("progress", state("running", 1))), streams(event("progress", state("running", 2)))},
				wait:   answers{says(200, done)},
			},
			Completed, "running 1, running 2, completed 100", "stream stream wait", 1,
		},
		{
			"limited stream", &service{
				stream: answers{says(429, "slow down", "Content-Type", "text/plain", "Retry-After", "70"), streams(event("complete", done))},
			},
			Completed, "completed 100", "stream stream", 1,
		},
		{
			"limited wait", &service{wait: answers{says(429, `{"error":"x"}`, "Retry-After", "70"), says(200, done)}},
			Completed, "completed 100", "stream wait wait", 1,
		},
		{"wait fails", &service{wait: answers{says(503, "{}")}, poll: answers{says(200, done)}}, Completed, "completed 100", "stream " + many + " poll", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, tt.service.ServeHTTP)
			o := followRun(t.Context(), c, Follow{})
			if o.err != nil || o.run.Run.Status != tt.want || o.run.Run.RunID != "r1" {
				t.Fatalf("got the state %q of %s, %v, want %q of r1", o.run.Run.Status, o.run.Run.RunID, o.err, tt.want)
			}
			if got := strings.Join(o.updates, ", "); got != tt.wantUpdates {
				t.Errorf("got the updates %s, want %s", got, tt.wantUpdates)
			}
			if got := tt.service.methods(); got != tt.wantMethods {
				t.Errorf("got the methods %s, want %s", got, tt.wantMethods)
			}
			if len(o.faults) != tt.wantFaults {
				t.Errorf("got the faults %v, want %d", o.faults, tt.wantFaults)
			}
			if string(o.run.Raw) == "" || strings.Contains(string(o.run.Raw), `"data"`) {
				t.Errorf("got the JSON %s, want a run without its envelope", o.run.Raw)
			}
		})
	}
}

// TestFollowErrors: the errors that end a wait before the run.
func TestFollowErrors(t *testing.T) {
	t.Parallel()
	limited := says(429, `{"error":"x"}`, "Retry-After", "100")
	tests := []struct {
		name        string
		service     *service
		wantStatus  int    // of the error
		wantMethods string // the first ones
		wantNewest  Status
	}{
		{"no such run", &service{}, 404, "stream wait poll", ""},
		{"refused key", &service{stream: answers{says(401, `{"error":"Invalid API key","code":"AUTH_INVALID_KEY"}`)}}, 401, "stream", ""},
		{"run of another workspace", &service{poll: answers{says(403, `{"error":"x","code":"FORBIDDEN"}`)}}, 403, "stream wait poll", ""},
		{
			"run removed during the wait", &service{
				stream: answers{streamsThenCuts(event("progress", state("running", 5)))}, wait: answers{says(404, `{"error":"x"}`)},
			},
			404, "stream wait poll", Running,
		},
		{"failure longer than Patience", &service{poll: answers{says(200, enveloped(state("queued", 0))), says(503, "{}")}}, 503, "stream wait poll poll", Queued},
		{"limit longer than Patience", &service{stream: answers{limited}}, 429, "stream", ""},
		{"limit without end", &service{stream: answers{says(429, "{}", "Retry-After", "99999999999999999999")}}, 429, "stream", ""},
		{"refusal that lasts", &service{poll: answers{says(410, `{"error":"x"}`)}}, 410, "stream wait poll", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, at := serve(t, tt.service.ServeHTTP)
			begun := at.now()
			o := followRun(t.Context(), c, Follow{Patience: time.Minute})
			var refused *Error
			if !errors.As(o.err, &refused) || refused.Status != tt.wantStatus {
				t.Fatalf("got %v, want status %d", o.err, tt.wantStatus)
			}
			if got := tt.service.methods(); !strings.HasPrefix(got, tt.wantMethods) {
				t.Errorf("got the methods %s, want %s…", got, tt.wantMethods)
			}
			if o.run.Run.Status != tt.wantNewest {
				t.Errorf("got the newest state %q, want %q", o.run.Run.Status, tt.wantNewest)
			}
			if took := at.now().Sub(begun); took > 3*time.Minute {
				t.Errorf("got the error after %v, want at most 3 minutes", took)
			}
		})
	}
}

// TestFollowPace: the number of requests for a run that does not change is limited, with every behavior of the service.
func TestFollowPace(t *testing.T) {
	t.Parallel()
	running := enveloped(state("running", 10))
	once := event("progress", state("running", 10))
	number := 0
	tests := []struct {
		name    string
		service *service
	}{
		{"wait that does not wait", &service{wait: answers{says(200, running)}}},
		{"polling", &service{poll: answers{says(200, running)}}},
		{"stream of one event", &service{stream: answers{streams(once)}, wait: answers{says(200, running)}}},
		{"stream of timeouts", &service{stream: answers{streams(event("timeout", "{}"))}, poll: answers{says(200, running)}}},
		{"stream of updates that end at once", &service{
			stream: answers{func(w http.ResponseWriter, r *http.Request) {
				number++
				streams(event("progress", state("running", number%100)))(w, r)
			}},
			wait: answers{says(200, running)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, at := serve(t, tt.service.ServeHTTP)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			over := errors.New("one minute")
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
				t.Errorf("got the state %q, %v, want %q, %v", o.run.Run.Status, o.err, Running, over)
			}
			if got := len(strings.Fields(tt.service.methods())); got > 26 {
				t.Errorf("got %d requests in a minute, want at most 26: %s", got, tt.service.methods())
			}
		})
	}
}

// TestFollowRetryAfter: Retry-After is obeyed.
func TestFollowRetryAfter(t *testing.T) {
	t.Parallel()
	s := &service{poll: answers{says(429, "slow down", "Content-Type", "text/plain", "Retry-After", "80"), says(200, enveloped(state("completed", 100)))}}
	c, at := serve(t, s.ServeHTTP)
	o := followRun(t.Context(), c, Follow{})
	if o.err != nil {
		t.Fatal(o.err)
	}
	if got := at.sleeps(); len(got) != 1 || got[0] != 80*time.Second {
		t.Errorf("got the waits %v, want 80s", got)
	}
}

// TestFollowSurvivesOutage: failures for less than Patience do not end the wait.
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
		t.Errorf("got the state %q, %v after the faults %v, want %q after some", o.run.Run.Status, o.err, o.faults, Completed)
	}
}

// TestFollowPassing: statuses that pass by themselves do not end a wait.
func TestFollowPassing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 425, 429, 500, 503} {
		fails := says(status, "later", "Content-Type", "text/plain")
		s := &service{poll: answers{fails, fails, fails, fails, says(200, enveloped(state("completed", 100)))}}
		c, _ := serve(t, s.ServeHTTP)
		if o := followRun(t.Context(), c, Follow{}); o.err != nil || o.run.Run.Status != Completed {
			t.Errorf("%d: got the state %q, %v, want %q", status, o.run.Run.Status, o.err, Completed)
		}
	}
}

// TestFollowContext: when the context ends, FollowRun returns the newest state and the cause.
func TestFollowContext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		service *service
	}{
		{"in a stream", &service{stream: answers{func(w http.ResponseWriter, r *http.Request) {
			streams(event("progress", state("running", 42)))(w, r)
			<-r.Context().Done()
		}}}},
		{"in a wait", &service{
			wait: answers{says(200, enveloped(state("running", 42))), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		}},
		{"in a pause", &service{poll: answers{says(200, enveloped(state("running", 42)))}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, tt.service.ServeHTTP)
			over := errors.New("the waiting time is over")
			ctx, cancel := context.WithCancelCause(t.Context())
			newest, err := c.FollowRun(ctx, "r1", Follow{Update: func(RunUpdate) { cancel(over) }})
			if !errors.Is(err, over) || newest.Run.Status != Running || *newest.Run.Progress.PercentComplete != 42 {
				t.Errorf("got the state %q, %v, want %q at 42 percent, %v", newest.Run.Status, err, Running, over)
			}
		})
	}
}

// TestFollowPermanent: an error of the transport ends the wait at once, unless it is temporary.
func TestFollowPermanent(t *testing.T) {
	t.Parallel()
	over := errors.New("the session has expired")
	at := newClock()
	c := &Client{BaseURL: "http://lamina.invalid", HTTP: &http.Client{Transport: failingTransport{fmt.Errorf("token: %w", over)}}, Sleep: at.sleep, Now: at.now}
	o := followRun(t.Context(), c, Follow{})
	if !errors.Is(o.err, over) || len(at.sleeps()) > 0 {
		t.Errorf("got %v after the waits %v, want %v after none", o.err, at.sleeps(), over)
	}
	c.HTTP = &http.Client{Transport: failingTransport{fmt.Errorf("token: %w", busyError{})}}
	o = followRun(t.Context(), c, Follow{Patience: 10 * time.Second})
	if !errors.As(o.err, new(busyError)) || len(o.faults) == 0 {
		t.Errorf("got %v after the faults %v, want busyError after some", o.err, o.faults)
	}
}

// A busyError is a temporary error of a transport.
type busyError struct{}

func (busyError) Error() string   { return "busy" }
func (busyError) Temporary() bool { return true }

// TestFollowMany: waiting for many runs in turn keeps the rate of requests, whatever the service offers, and asks for each run.
func TestFollowMany(t *testing.T) {
	t.Parallel()
	const runs, rate = 300, 80
	done := enveloped(state("completed", 100))
	tests := []struct {
		name    string
		service *service
	}{
		{"streams", &service{stream: answers{streams(event("complete", done))}}},
		{"wait only", &service{wait: answers{says(200, done)}}},
		{"polling only", &service{poll: answers{says(200, done)}}},
		{"a failure each time", &service{wait: answers{says(503, "{}")}, poll: answers{says(200, done)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c *Client
			var at *clock
			var sent []time.Time
			c, at = serve(t, func(w http.ResponseWriter, r *http.Request) {
				sent = append(sent, at.now()) // one request at a time
				tt.service.ServeHTTP(w, r)
			})
			c.LimitRate(rate)
			for range runs {
				if o := followRun(t.Context(), c, Follow{}); o.err != nil {
					t.Fatal(o.err)
				}
			}
			for i := rate; i < len(sent); i++ {
				if span := sent[i].Sub(sent[i-rate]); span < time.Minute {
					t.Fatalf("got %d requests in %s, want at most %d in a minute", rate+1, span, rate)
				}
			}
			if len(sent) < runs {
				t.Errorf("got %d requests, want one for each of %d runs", len(sent), runs)
			}
		})
	}
}
