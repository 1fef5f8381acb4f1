package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A slowBody is an event stream with a pause before each part.
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

// A memory transport returns a slow stream, or JSON for other requests, without a network, so that a test can use fake time.
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

// TestSilentStream: a stream without data is closed after silenceTimeout, and the next method is used. Pings are data.
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
		if want := "running 42, completed 100"; o.err != nil || strings.Join(o.updates, ", ") != want {
			t.Errorf("got %v, %v, want %s", o.err, o.updates, want)
		}
		if took := time.Since(begun); took != 125*time.Second {
			t.Errorf("got the end after %v, want 125s", took)
		}
		var last error
		for _, err := range c.StreamRun(t.Context(), "r1") {
			last = err
		}
		if kind := kindIn(t, last); kind != Timeout {
			t.Errorf("got the kind %s of %v, want %s", kind, last, Timeout)
		}
	})
}

// TestSlowReader: time for the caller does not count as silence of the stream.
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

// TestStreamErrors: the errors of streams that end early.
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
		t.Errorf("closed stream: got %v, want %v", err, errStreamEnded)
	}
	if err := last(streams(event("timeout", ""))); !errors.Is(err, errStreamEnded) {
		t.Errorf("event timeout: got %v, want %v", err, errStreamEnded)
	}
	if kind := kindIn(t, last(streamsThenCuts(event("ping", "1")))); kind != Cut {
		t.Errorf("cut stream: got the kind %s, want %s", kind, Cut)
	}
	if kind := kindIn(t, last(streams("data: "+strings.Repeat("x", maxEvent+1)))); kind != Cut {
		t.Errorf("event above the size limit: got the kind %s, want %s", kind, Cut)
	}
	var unexpected *UnexpectedError
	if err := last(streams(event("progress", "[]"))); !errors.As(err, &unexpected) || unexpected.Path != "/v1/runs/r1/stream" || unexpected.Status != 200 {
		t.Errorf("event that is not a run: got %v, want an UnexpectedError", err)
	}
}

// TestStreamGoroutines: a stream that is not read to its end leaves no goroutine.
func TestStreamGoroutines(t *testing.T) {
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
	t.Errorf("got %d goroutines, want about %d", runtime.NumGoroutine(), before)
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
			t.Errorf("event %q %q: got %+v, %t, %v, want a run with a status or none", kind, data, update, isRun, err)
		}
	})
}

// A bodyTransport returns an event stream for every request.
type bodyTransport struct{ body string }

func (b bodyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(b.body)), Request: r,
	}, nil
}

// FuzzStream: every stream ends with a final state or an error, and yields nothing after it.
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
				t.Fatalf("got another event after the end of %q", body)
			}
			last, end = update, err
		}
		if end == nil && !last.Run.Status.Final() {
			t.Errorf("got no error and the state %q at the end of %q", last.Run.Status, body)
		}
	})
}
