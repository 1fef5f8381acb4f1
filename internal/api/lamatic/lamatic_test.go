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
)

// A lamaticServer answers each request in turn, and remembers what was asked. It is written from Lamatic's documentation and
// SDKs, and knows nothing of the local platform.
type lamaticServer struct {
	t       *testing.T
	answers []string // JSON, or a status and JSON: "401 {…}"; the last one goes on for ever
	bodies  []map[string]any
	stream  string // for requests that accept event streams

	toScalar, toObject string // if set, the answers to queries without and with a selection
}

func (s *lamaticServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil || r.Method != "POST" || r.URL.Path != "/api/graphql" {
		s.t.Errorf("%s %s %s", r.Method, r.URL, raw)
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

func serve(t *testing.T, answers ...string) (*Client, *lamaticServer) {
	t.Helper()
	s := &lamaticServer{t: t, answers: answers}
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return New(&api.Client{
		BaseURL: hs.URL + "/api/graphql",
		Sleep:   func(context.Context, time.Duration) error { return nil },
		ReadRefusal: func(e *api.Error, _ http.Header, body []byte) bool {
			var v struct{ Errors []struct{ Message string } }
			if json.Unmarshal(body, &v) != nil || len(v.Errors) == 0 {
				return false
			}
			e.Message = v.Errors[0].Message
			return true
		},
	}, 0), s
}

// documented is the success of the documentation.
const documented = `{"data":{"executeWorkflow":{"status":"success","result":{"answer":"42"}}}}`

func TestExecute(t *testing.T) {
	t.Parallel()
	c, s := serve(t, documented, `{"data":{"executeAgent":{"status":"success","result":"done"}}}`)
	payload := json.RawMessage(`{"url":"https://e.com/?a=\"}{\n&b=<x>","big":12345678901234567890}`)
	got, err := c.Execute(t.Context(), Execution{Workflow: `w"} { x`, Payload: payload})
	if err != nil || got.State() != Succeeded || string(got.Output) != `{"answer":"42"}` || string(got.Raw) != documented || got.RequestID != "req-1" {
		t.Errorf("%+v %v", got, err)
	}
	query, _ := s.bodies[0]["query"].(string)
	for _, want := range []string{"query ExecuteWorkflow($workflowId: String!, $payload: JSON)", "executeWorkflow(workflowId: $workflowId, payload: $payload)", "status\n", "result\n"} {
		if !strings.Contains(query, want) {
			t.Errorf("the query lacks %q:\n%s", want, query)
		}
	}
	variables := s.bodies[0]["variables"].(map[string]any)
	if variables["workflowId"] != `w"} { x` || variables["payload"].(map[string]any)["url"] != "https://e.com/?a=\"}{\n&b=<x>" {
		t.Errorf("%v", variables)
	}
	got, err = c.Execute(t.Context(), Execution{Workflow: "a", Agent: true, Payload: payload})
	if err != nil || string(got.Output) != `"done"` || s.bodies[1]["variables"].(map[string]any)["agentId"] != "a" {
		t.Errorf("%+v %v", got, err)
	}
}

// TestResultShapes: every place where the SDKs look for a part of the answer.
func TestResultShapes(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Result{
		`{"status":"success","result":{"a":1}}`:      {Status: "success", Output: json.RawMessage(`{"a":1}`)},
		`{"status":"success","result":"{\"a\":1}"}`:  {Status: "success", Output: json.RawMessage(`{"a":1}`)},
		`"{\"status\":\"success\",\"result\":null}"`: {Status: "success"},
		`"processing"`: {Status: "processing"},
		`{"status":"pending","result":{"requestId":"r"}}`:                             {Status: "pending", Output: json.RawMessage(`{"requestId":"r"}`), RunID: "r"},
		`{"status":"processing","requestId":"r"}`:                                     {Status: "processing", RunID: "r"},
		`{"status":"error","result":null,"message":"no"}`:                             {Status: "error", Message: "no"},
		`{"status":"failed","result":{"error":"no"}}`:                                 {Status: "failed", Output: json.RawMessage(`{"error":"no"}`), Message: "no"},
		`{"status":"error","result":"no"}`:                                            {Status: "error", Output: json.RawMessage(`"no"`), Message: "no"},
		`{"status":"success","result":[1],"statusCode":200,"newer":{"field":true}}`:   {Status: "success", Output: json.RawMessage(`[1]`)},
		`{"status":"success","result":{"requestId":"r","message":"x","summary":"y"}}`: {Status: "success", Output: json.RawMessage(`{"requestId":"r","message":"x","summary":"y"}`), RunID: "r"},
	} {
		c, _ := serve(t, `{"data":{"executeWorkflow":`+raw+`}}`)
		got, err := c.Execute(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		got.Raw, got.RequestID = nil, ""
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, want %+v", raw, *got, want)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, output, runID string
		want                  State
	}{
		{"success", `{"a":1}`, "", Succeeded}, {"SUCCESS", "", "", Succeeded}, {"success", `{"requestId":"r"}`, "r", Running},
		{"success", `{"requestId":"r","a":1}`, "r", Succeeded}, {"error", "", "", Failed}, {"failed", "", "r", Failed},
		{"pending", "", "", Running}, {"processing", "", "r", Running}, {"", "", "", Succeeded}, {"queued", "", "r", Running},
	} {
		r := Result{Status: c.status, Output: json.RawMessage(c.output), RunID: c.runID}
		if got := r.State(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestExecuteErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		check  func(error) bool
		asked  int
	}{
		"errors with status 200": {
			`{"data":{"executeWorkflow":null},"errors":[{"message":"Workflow not found","path":["executeWorkflow"]},"second"]}`,
			func(err error) bool {
				var e *FlowError
				return errors.As(err, &e) && e.RequestID == "req-1" && e.executed() &&
					reflect.DeepEqual(e.Problems, []Problem{{"Workflow not found", true}, {"second", false}})
			}, 1,
		},
		"errors beside data": {
			`{"data":{"executeWorkflow":{"status":"success"}},"errors":[{"message":"but"}]}`,
			func(err error) bool { var e *FlowError; return errors.As(err, &e) && e.Error() == "but" }, 1,
		},
		"an error without a message": {
			`{"errors":[{"code":7}]}`,
			func(err error) bool { var e *FlowError; return errors.As(err, &e) && e.Error() == `{"code":7}` }, 1,
		},
		"401": {
			`401 {"errors":[{"message":"Unauthorized"}]}`,
			func(err error) bool {
				var e *api.Error
				return errors.As(err, &e) && e.Status == 401 && e.Message == "Unauthorized"
			}, 1,
		},
		"neither data nor errors": {
			`{"data":{}}`, func(err error) bool { var e *api.UnexpectedError; return errors.As(err, &e) }, 1,
		},
		"not GraphQL": {`{"data":[]}`, func(err error) bool { var e *api.UnexpectedError; return errors.As(err, &e) }, 1},
		"a number":    {`{"data":{"executeWorkflow":3}}`, func(err error) bool { var e *api.UnexpectedError; return errors.As(err, &e) }, 1},
		"a web page":  {`<html>`, func(err error) bool { var e *api.UnexpectedError; return errors.As(err, &e) }, 1},
		"500 is not repeated, because the flow may have run": {
			`500 {"errors":[{"message":"oops"}]}`, func(err error) bool { var e *api.Error; return errors.As(err, &e) && e.Status == 500 }, 1,
		},
		"429 is repeated, because nothing ran": {
			`429 {"errors":[{"message":"slow down"}]}`, func(err error) bool { var e *api.Error; return errors.As(err, &e) && e.Status == 429 }, 3,
		},
	} {
		client, s := serve(t, c.answer)
		_, err := client.Execute(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
		if !c.check(err) || len(s.bodies) != c.asked {
			t.Errorf("%s: %T %v, asked %d times", name, err, err, len(s.bodies))
		}
	}
}

// TestCheckEitherType: checkStatus may be a scalar or an object. The query that does not fit is refused as a whole.
func TestCheckEitherType(t *testing.T) {
	t.Parallel()
	const mustSelect = `{"errors":[{"message":"Field \"checkStatus\" of type \"Status\" must have a selection of subfields."}]}`
	const mustNot = `{"errors":[{"message":"Field \"checkStatus\" must not have a selection since type \"JSON\" has no subfields."}]}`
	const done = `{"data":{"checkStatus":{"status":"success","result":{"a":1}}}}`
	const unknown = `{"data":{"checkStatus":null},"errors":[{"message":"no such request","path":["checkStatus"]}]}`
	for name, c := range map[string]struct {
		toScalar, toObject string
		status             string
		failure            string
		asked              int // in two calls
	}{
		"a scalar":                     {done, mustNot, "success", "", 2},
		"an object":                    {mustSelect, done, "success", "", 3}, // learnt once
		"a scalar of an unknown run":   {unknown, mustNot, "", "no such request", 2},
		"an object of an unknown run":  {mustSelect, unknown, "", "no such request", 3},
		"a scalar, refused for others": {`{"errors":[{"message":"other"}]}`, mustNot, "", "other", 4},
		"an object that fails":         {mustSelect, `500 {"errors":[{"message":"oops"}]}`, "", "oops", 8}, // tried three times
	} {
		client, s := serve(t, "{}")
		s.toScalar, s.toObject = c.toScalar, c.toObject
		for range 2 {
			got, err := client.Check(t.Context(), "r")
			switch {
			case c.failure != "" && (err == nil || !strings.HasSuffix(err.Error(), c.failure)):
				t.Errorf("%s: %v", name, err)
			case c.failure == "" && (err != nil || got.Status != c.status || got.RunID != "r"):
				t.Errorf("%s: %+v %v", name, got, err)
			}
		}
		if len(s.bodies) != c.asked || s.bodies[0]["variables"].(map[string]any)["requestId"] != "r" {
			t.Errorf("%s: asked %d times, want %d", name, len(s.bodies), c.asked)
		}
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	const running, failing = `{"data":{"checkStatus":{"status":"processing"}}}`, `503 {"errors":[{"message":"busy"}]}`
	client, _ := serve(t, running, failing, failing, failing, running, `{"data":{"checkStatus":{"status":"failed","message":"no"}}}`)
	updates, faults := 0, 0
	got, err := client.Wait(t.Context(), "r", Wait{
		Interval: time.Millisecond, Update: func(*Result) { updates++ }, OnFault: func(error) { faults++ },
	})
	if err != nil || got.State() != Failed || got.Message != "no" || updates != 3 || faults != 1 {
		t.Errorf("%+v %v, %d updates, %d faults", got, err, updates, faults)
	}
	client, _ = serve(t, running, `401 {"errors":[{"message":"Unauthorized"}]}`)
	var refused *api.Error
	if _, err := client.Wait(t.Context(), "r", Wait{Interval: time.Millisecond}); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	client, _ = serve(t, failing)
	if _, err := client.Wait(t.Context(), "r", Wait{Interval: time.Millisecond, Patience: time.Nanosecond}); !errors.As(err, &refused) || refused.Status != 503 {
		t.Errorf("%v", err)
	}
	client, _ = serve(t, running)
	late := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	if got, err := client.Wait(ctx, "r", Wait{Interval: time.Hour, Update: func(*Result) { cancel(late) }}); !errors.Is(err, late) || got == nil || got.Status != "processing" {
		t.Errorf("%+v %v", got, err)
	}
	client, _ = serve(t, `{"data":{"checkStatus":{"status":"success","result":{"requestId":"r"}}}}`)
	if got, err := client.Wait(t.Context(), "r", Wait{Interval: time.Hour}); err != nil || got.Status != "success" {
		t.Errorf("a run whose result is its id: %+v %v", got, err)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	frame := func(inner string) string { return `data: {"data":{"executeWorkflowWithStream":` + inner + "}}\n\n" }
	token := func(text string) string {
		return frame(`{"status":"streaming","nodeId":"LLMNode_1","data":{"generatedResponse":"` + text + `"}}`)
	}
	node := frame(`{"status":"streaming","nodeId":"LLMNode_1","isNodeExecutionFinished":true,"data":{"generatedResponse":"ababab","_meta":{"total_tokens":2}}}`)
	final := frame(`{"status":"success","isFlowExecutionFinished":true,"result":{"x":"ab"}}`)
	for name, c := range map[string]struct {
		stream, text, output, message string
		cut                           bool
		failure                       string
	}{
		"whole":              {": hello\n\n" + frame("null") + token("a") + ": alive\n\n" + token("b") + node + final + "data: [DONE]\n\n", "ab", `{"x":"ab"}`, "", false, ""},
		"no marker":          {token("a") + final, "a", `{"x":"ab"}`, "", false, ""},
		"a string":           {token("a") + frame(`"{\"isFlowExecutionFinished\":true,\"status\":\"success\"}"`), "a", "", "", false, ""},
		"fails":              {token("a") + frame(`{"status":"error","nodeId":"n","data":{"errorMsg":"boom"}}`) + "data: [DONE]\n\n", "a", "", "boom", false, ""},
		"fails without why":  {frame(`{"status":"failed"}`), "", "", "the service gave no reason", false, ""},
		"cut":                {token("a"), "a", "", "", true, ""},
		"cut in a frame":     {token("a") + `data: {"data":{"execu`, "a", "", "", true, ""},
		"done without a end": {token("a") + node + "data: [DONE]\n\n", "a", "", "", true, ""},
		"completed":          {token("a") + "event: complete\ndata:\n\n", "a", "", "", true, ""},
		"garbage":            {token("a") + "data: <html>\n\n", "a", "", "", true, ""},
		"errors":             {token("a") + `data: {"errors":[{"message":"limit"}]}` + "\n\n", "a", "", "", false, "limit"},
	} {
		client, s := serve(t, "{}")
		s.stream = c.stream
		var text, message string
		var output json.RawMessage
		var last error
		for f, err := range client.Stream(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)}) {
			text, message, last = text+f.Text, message+f.Message, err
			if f.Output != nil {
				output = f.Output
			}
		}
		var cut *CutError
		if text != c.text || message != c.message || string(output) != c.output || errors.As(last, &cut) != c.cut {
			t.Errorf("%s: %q %q %s %v", name, text, message, output, last)
		}
		if c.failure != "" && (last == nil || last.Error() != c.failure) || c.failure == "" && !c.cut && last != nil {
			t.Errorf("%s: %v", name, last)
		}
		if len(s.bodies) != 1 {
			t.Errorf("%s: asked %d times", name, len(s.bodies))
		}
	}
}

// TestStreamRefused: what is refused before the stream is told as plain JSON.
func TestStreamRefused(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, `{"errors":[{"message":"Workflow not found"}]}`)
	for _, err := range client.Stream(t.Context(), Execution{Workflow: "w"}) {
		var e *FlowError
		if !errors.As(err, &e) || e.Error() != "Workflow not found" {
			t.Errorf("%v", err)
		}
	}
	client, _ = serve(t, `401 {"errors":[{"message":"Unauthorized"}]}`)
	for _, err := range client.Stream(t.Context(), Execution{Workflow: "w"}) {
		var e *api.Error
		if !errors.As(err, &e) || e.Status != 401 {
			t.Errorf("%v", err)
		}
	}
}

// FuzzFrame: no event brings the reader down, and a frame that is not the last one has no message.
func FuzzFrame(f *testing.F) {
	f.Add("", "[DONE]")
	f.Add("next", `{"data":{"executeWorkflowWithStream":{"status":"streaming","data":{"generatedResponse":"a"}}}}`)
	f.Add("", `{"data":{"executeWorkflowWithStream":"{\"status\":\"error\",\"result\":\"{}\"}"}}`)
	f.Add("", `{"errors":[{}]}`)
	f.Fuzz(func(t *testing.T, kind, data string) {
		frame, ok, err := parseFrame(api.Event{Type: kind, Data: data})
		if ok && (err != nil || !json.Valid(frame.Raw) || frame.Message != "" && !frame.FlowFinished || frame.Output != nil && !json.Valid(frame.Output)) {
			t.Errorf("%+v %v", frame, err)
		}
	})
}

// FuzzResult: no answer brings the reader down, and every result has a state.
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
				t.Error("a problem without words")
			}
		}
		result, err := newResult(value, &api.Response{Raw: []byte(raw)}, api.Call{})
		if err == nil && result.State() == "" {
			t.Errorf("%+v", result)
		}
	})
}
