package lamatic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/provider"
)

// A lamaticServer returns its answers in turn and records the requests. It follows Lamatic's documentation and SDKs, and shares no
// code with the local platform.
type lamaticServer struct {
	t       *testing.T
	answers []string // JSON, or a status and JSON: "401 {…}"; the last one repeats
	bodies  []map[string]any
	stream  string // the answer to requests that accept event streams

	toScalar, toObject string // if set, the answers to queries without and with a selection
}

func (s *lamaticServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil || r.Method != "POST" || r.URL.Path != "/api/graphql" {
		s.t.Errorf("got the request %s %s %s, want POST /api/graphql with JSON", r.Method, r.URL, raw)
	}
	s.bodies = append(s.bodies, body)
	if s.stream != "" && r.Header.Get("Accept") == "text/event-stream" {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, s.stream)
		return
	}
	if query, _ := body["query"].(string); s.toObject != "" && strings.Contains(query, "status\n    result") {
		s.answers = []string{s.toObject}
	} else if s.toScalar != "" {
		s.answers = []string{s.toScalar}
	}
	answer, status := s.answers[0], 200
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if answer[0] != '{' && answer[0] != '<' {
		_, _ = fmt.Sscan(answer[:3], &status)
		answer = answer[4:]
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", "req-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// serve starts a server, and returns a client that does not wait between attempts.
func serve(t *testing.T, answers ...string) (*Client, *lamaticServer) {
	t.Helper()
	s := &lamaticServer{t: t, answers: answers}
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return New(&api.Client{
		Provider: provider.Lamatic(),
		BaseURL:  hs.URL + "/api/graphql",
		Sleep:    func(context.Context, time.Duration) error { return nil },
	}), s
}

// documented is the success in Lamatic's documentation.
const documented = `{"data":{"executeWorkflow":{"status":"success","result":{"answer":"42"}}}}`

func TestExecuteWorkflow(t *testing.T) {
	t.Parallel()
	c, s := serve(t, documented)
	payload := json.RawMessage(`{"url":"https://e.com/?a=\"}{\n&b=<x>","big":12345678901234567890}`)
	got, err := c.Execute(t.Context(), Execution{Workflow: `w"} { x`, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	want := &Result{Status: "success", Output: json.RawMessage(`{"answer":"42"}`), RequestID: "req-1", Raw: json.RawMessage(documented)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	query, _ := s.bodies[0]["query"].(string)
	for _, part := range []string{"query ExecuteWorkflow($workflowId: String!, $payload: JSON)", "executeWorkflow(workflowId: $workflowId, payload: $payload)", "status\n", "result\n"} {
		if !strings.Contains(query, part) {
			t.Errorf("got the query %s, want %q in it", query, part)
		}
	}
	variables := s.bodies[0]["variables"].(map[string]any)
	if got, want := variables["workflowId"], `w"} { x`; got != want {
		t.Errorf("got the workflow %q, want %q", got, want)
	}
	if got, want := variables["payload"].(map[string]any)["url"], "https://e.com/?a=\"}{\n&b=<x>"; got != want {
		t.Errorf("got the input %q, want %q", got, want)
	}
}

func TestExecuteAgent(t *testing.T) {
	t.Parallel()
	c, s := serve(t, `{"data":{"executeAgent":{"status":"success","result":"done"}}}`)
	got, err := c.Execute(t.Context(), Execution{Workflow: "a", Agent: true, Payload: json.RawMessage(`{"a":1}`)})
	if err != nil || string(got.Output) != `"done"` {
		t.Errorf("got %+v, %v; want the output \"done\"", got, err)
	}
	if got := s.bodies[0]["variables"].(map[string]any)["agentId"]; got != "a" {
		t.Errorf("got the agent %q, want %q", got, "a")
	}
}

// The parts of a result are where one of Lamatic's SDKs expects them.
func TestResultForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		raw  string
		want Result
	}{
		{"object", `{"status":"success","result":{"a":1}}`, Result{Status: "success", Output: json.RawMessage(`{"a":1}`)}},
		{"result is JSON in a string", `{"status":"success","result":"{\"a\":1}"}`, Result{Status: "success", Output: json.RawMessage(`{"a":1}`)}},
		{"all is JSON in a string", `"{\"status\":\"success\",\"result\":null}"`, Result{Status: "success"}},
		{"only a status", `"processing"`, Result{Status: "processing"}},
		{"run id in the result", `{"status":"pending","result":{"requestId":"r"}}`, Result{Status: "pending", Output: json.RawMessage(`{"requestId":"r"}`), RunID: "r"}},
		{"run id outside the result", `{"status":"processing","requestId":"r"}`, Result{Status: "processing", RunID: "r"}},
		{"message outside the result", `{"status":"error","result":null,"message":"no"}`, Result{Status: "error", Message: "no"}},
		{"error in the result", `{"status":"failed","result":{"error":"no"}}`, Result{Status: "failed", Output: json.RawMessage(`{"error":"no"}`), Message: "no"}},
		{"result is the message", `{"status":"error","result":"no"}`, Result{Status: "error", Output: json.RawMessage(`"no"`), Message: "no"}},
		{"unknown fields", `{"status":"success","result":[1],"statusCode":200,"newer":{"field":true}}`, Result{Status: "success", Output: json.RawMessage(`[1]`)}},
		{
			"output with fields of the same names", `{"status":"success","result":{"requestId":"r","message":"x","summary":"y"}}`,
			Result{Status: "success", Output: json.RawMessage(`{"requestId":"r","message":"x","summary":"y"}`), RunID: "r"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, `{"data":{"executeWorkflow":`+tt.raw+`}}`)
			got, err := c.Execute(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
			if err != nil {
				t.Fatal(err)
			}
			got.Raw, got.RequestID = nil, ""
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got %+v, want %+v", *got, tt.want)
			}
		})
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, status, output, runID string
		want                        State
	}{
		{"success", "success", `{"a":1}`, "", Succeeded},
		{"upper case", "SUCCESS", "", "", Succeeded},
		{"output is the run id", "success", `{"requestId":"r"}`, "r", Running},
		{"output has a run id", "success", `{"requestId":"r","a":1}`, "r", Succeeded},
		{"error", "error", "", "", Failed},
		{"failed", "failed", "", "r", Failed},
		{"pending without run id", "pending", "", "", Running},
		{"processing", "processing", "", "r", Running},
		{"no status", "", "", "", Succeeded},
		{"unknown status with run id", "queued", "", "r", Running},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Result{Status: tt.status, Output: json.RawMessage(tt.output), RunID: tt.runID}
			if got := r.State(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestExecuteErrors(t *testing.T) {
	t.Parallel()
	isFlowError := func(message string) func(error) bool {
		return func(err error) bool { var e *FlowError; return errors.As(err, &e) && e.Error() == message }
	}
	isRefusal := func(status int, message string) func(error) bool {
		return func(err error) bool {
			var e *api.Error
			return errors.As(err, &e) && e.Status == status && e.Message == message
		}
	}
	isUnexpected := func(err error) bool { var e *api.UnexpectedError; return errors.As(err, &e) }
	const repeated = 3 // or more: jitter decides how many delays fit into a minute
	tests := []struct {
		name         string
		answer       string
		isWanted     func(error) bool
		wantRequests int
	}{
		{"errors with status 200", `{"data":{"executeWorkflow":null},"errors":[{"message":"Workflow not found"}]}`, isFlowError("Workflow not found"), 1},
		{"errors and data", `{"data":{"executeWorkflow":{"status":"success"}},"errors":[{"message":"but"}]}`, isFlowError("but"), 1},
		{"error without a message", `{"errors":[{"code":7}]}`, isFlowError(`{"code":7}`), 1},
		{"401", `401 {"errors":[{"message":"Unauthorized"}]}`, isRefusal(401, "Unauthorized"), 1},
		{"neither data nor errors", `{"data":{}}`, isUnexpected, 1},
		{"not GraphQL", `{"data":[]}`, isUnexpected, 1},
		{"number", `{"data":{"executeWorkflow":3}}`, isUnexpected, 1},
		{"web page", `<html>`, isUnexpected, 1},
		{"500 is not repeated, because the workflow may have run", `500 {"errors":[{"message":"oops"}]}`, isRefusal(500, "oops"), 1},
		{"429 is repeated, because nothing ran", `429 {"errors":[{"message":"slow down"}]}`, isRefusal(429, "slow down"), repeated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, s := serve(t, tt.answer)
			_, err := client.Execute(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
			if !tt.isWanted(err) {
				t.Errorf("got the unwanted error %T: %v", err, err)
			}
			if got := len(s.bodies); got != tt.wantRequests && (tt.wantRequests != repeated || got < repeated) {
				t.Errorf("got %d requests, want %d", got, tt.wantRequests)
			}
		})
	}
}

func TestFlowErrorHoldsAllProblems(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, `{"data":{"executeWorkflow":null},"errors":[{"message":"Workflow not found","path":["executeWorkflow"]},"second"]}`)
	_, err := client.Execute(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
	var got *FlowError
	if !errors.As(err, &got) {
		t.Fatalf("got the error %v, want %T", err, got)
	}
	if want := []Problem{{"Workflow not found", true}, {"second", false}}; !reflect.DeepEqual(got.Problems, want) || !got.executed() {
		t.Errorf("got the problems %+v, executed: %t; want %+v, executed: true", got.Problems, got.executed(), want)
	}
	if got.RequestID != "req-1" {
		t.Errorf("got the request id %q, want req-1", got.RequestID)
	}
}

// checkStatus is a scalar or an object. The service refuses the query that does not fit as a whole.
func TestCheckScalarAndObject(t *testing.T) {
	t.Parallel()
	const mustSelect = `{"errors":[{"message":"Field \"checkStatus\" of type \"Status\" must have a selection of subfields."}]}`
	const mustNot = `{"errors":[{"message":"Field \"checkStatus\" must not have a selection since type \"JSON\" has no subfields."}]}`
	const done = `{"data":{"checkStatus":{"status":"success","result":{"a":1}}}}`
	const unknown = `{"data":{"checkStatus":null},"errors":[{"message":"no such request","path":["checkStatus"]}]}`
	tests := []struct {
		name               string
		toScalar, toObject string
		wantErr            string // the end of the error; empty: a success
		wantRequests       int    // of two calls
	}{
		{"scalar", done, mustNot, "", 2},
		{"object, learned by the first call", mustSelect, done, "", 3},
		{"scalar of an unknown run", unknown, mustNot, "no such request", 2},
		{"object of an unknown run", mustSelect, unknown, "no such request", 3},
		{"scalar, refused for another reason", `{"errors":[{"message":"other"}]}`, mustNot, "other", 4},
		{"object that fails, tried three times", mustSelect, `500 {"errors":[{"message":"oops"}]}`, "oops", 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, s := serve(t, "{}")
			s.toScalar, s.toObject = tt.toScalar, tt.toObject
			for range 2 {
				got, err := client.Check(t.Context(), "r")
				switch {
				case tt.wantErr != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.wantErr)):
					t.Errorf("got %+v, %v; want an error that ends in %q", got, err, tt.wantErr)
				case tt.wantErr == "" && (err != nil || got.Status != "success" || got.RunID != "r"):
					t.Errorf("got %+v, %v; want a success of the run r", got, err)
				}
			}
			if got := s.bodies[0]["variables"].(map[string]any)["requestId"]; got != "r" {
				t.Errorf("got a request for the run %v, want r", got)
			}
			if got := len(s.bodies); got != tt.wantRequests {
				t.Errorf("got %d requests, want %d", got, tt.wantRequests)
			}
		})
	}
}

// The states of a run, as responses to checkStatus.
const (
	running = `{"data":{"checkStatus":{"status":"processing"}}}`
	failing = `503 {"errors":[{"message":"busy"}]}`
)

func TestWait(t *testing.T) {
	t.Parallel()
	const failed = `{"data":{"checkStatus":{"status":"failed","message":"no"}}}`
	client, _ := serve(t, running, failing, failing, failing, running, failed)
	updates, faults := 0, 0
	got, err := client.Wait(t.Context(), "r", Wait{
		Interval: time.Millisecond, Update: func(*Result) { updates++ }, OnFault: func(error) { faults++ },
	})
	if err != nil || got.State() != Failed || got.Message != "no" {
		t.Errorf("got %+v, %v; want a failed run with the message no", got, err)
	}
	if updates != 3 || faults != 1 {
		t.Errorf("got %d updates and %d faults, want 3 and 1", updates, faults)
	}
}

func TestWaitEndsWithAnError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		answers    []string
		wantStatus int
	}{
		{"refused", []string{running, `401 {"errors":[{"message":"Unauthorized"}]}`}, 401},
		{"failing for longer than the patience", []string{failing}, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, _ := serve(t, tt.answers...)
			_, err := client.Wait(t.Context(), "r", Wait{Interval: time.Millisecond, Patience: time.Nanosecond})
			var got *api.Error
			if !errors.As(err, &got) || got.Status != tt.wantStatus {
				t.Errorf("got the error %v, want status %d", err, tt.wantStatus)
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, running)
	want := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	got, err := client.Wait(ctx, "r", Wait{Interval: time.Hour, Update: func(*Result) { cancel(want) }})
	if !errors.Is(err, want) || got == nil || got.Status != "processing" {
		t.Errorf("got %+v, %v; want the state processing and the error %v", got, err, want)
	}
}

// The output of a successful run may be its id alone.
func TestWaitForRunWithItsIDAsOutput(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, `{"data":{"checkStatus":{"status":"success","result":{"requestId":"r"}}}}`)
	got, err := client.Wait(t.Context(), "r", Wait{Interval: time.Hour})
	if err != nil || got.Status != "success" {
		t.Errorf("got %+v, %v; want the state success", got, err)
	}
}

// FuzzResult feeds the decoder with any response: each result must have a state, and each problem a message.
func FuzzResult(f *testing.F) {
	f.Add(documented)
	f.Add(`{"data":{"executeWorkflow":"{\"status\":\"pending\",\"result\":\"{\\\"requestId\\\":\\\"r\\\"}\"}"}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		value, problems, err := executeWorkflow.read([]byte(raw))
		if err != nil || value == nil {
			return
		}
		for _, p := range problems {
			if p.Message == "" {
				t.Errorf("got a problem without a message in %s", raw)
			}
		}
		result, err := newResult(value, &api.Response{Raw: []byte(raw)}, api.Call{})
		if err == nil && result.State() == "" {
			t.Errorf("got %+v, want a state", result)
		}
	})
}
