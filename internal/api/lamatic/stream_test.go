package lamatic

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/uselamina/lamina/internal/api"
)

// frame returns a server-sent event with a value of the subscription.
func frame(value string) string {
	return `data: {"data":{"executeWorkflowWithStream":` + value + "}}\n\n"
}

// token returns the event of a token.
func token(text string) string {
	return frame(`{"status":"streaming","nodeId":"LLMNode_1","data":{"generatedResponse":"` + text + `"}}`)
}

func TestStream(t *testing.T) {
	t.Parallel()
	node := frame(`{"status":"streaming","nodeId":"LLMNode_1","isNodeExecutionFinished":true,"data":{"generatedResponse":"ababab","_meta":{"total_tokens":2}}}`)
	final := frame(`{"status":"success","isFlowExecutionFinished":true,"result":{"x":"ab"}}`)
	const done = "data: [DONE]\n\n"
	tests := []struct {
		name        string
		stream      string
		wantText    string
		wantOutput  string
		wantMessage string // of a failed workflow
		wantCut     bool
		wantErr     string // of another error than a cut
	}{
		{name: "whole", stream: ": hello\n\n" + frame("null") + token("a") + ": alive\n\n" + token("b") + node + final + done, wantText: "ab", wantOutput: `{"x":"ab"}`},
		{name: "without an end marker", stream: token("a") + final, wantText: "a", wantOutput: `{"x":"ab"}`},
		{name: "JSON in a string", stream: token("a") + frame(`"{\"isFlowExecutionFinished\":true,\"status\":\"success\"}"`), wantText: "a"},
		{name: "failed workflow", stream: token("a") + frame(`{"status":"error","nodeId":"n","data":{"errorMsg":"boom"}}`) + done, wantText: "a", wantMessage: "boom"},
		{name: "failed workflow without a reason", stream: frame(`{"status":"failed"}`), wantMessage: "the service gave no reason"},
		{name: "cut between frames", stream: token("a"), wantText: "a", wantCut: true},
		{name: "cut in a frame", stream: token("a") + `data: {"data":{"execu`, wantText: "a", wantCut: true},
		{name: "end marker before the last frame", stream: token("a") + node + done, wantText: "a", wantCut: true},
		{name: "event complete before the last frame", stream: token("a") + "event: complete\ndata:\n\n", wantText: "a", wantCut: true},
		{name: "garbage", stream: token("a") + "data: <html>\n\n", wantText: "a", wantCut: true},
		{name: "errors", stream: token("a") + `data: {"errors":[{"message":"limit"}]}` + "\n\n", wantText: "a", wantErr: "limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, s := serve(t, "{}")
			s.stream = tt.stream
			var text, message string
			var output json.RawMessage
			var last error
			for f, err := range client.Stream(t.Context(), Execution{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)}) {
				text, message, last = text+f.Text, message+f.Message, err
				if f.Output != nil {
					output = f.Output
				}
			}
			if text != tt.wantText || message != tt.wantMessage || string(output) != tt.wantOutput {
				t.Errorf("got the text %q, message %q, output %s; want %q, %q, %s", text, message, output, tt.wantText, tt.wantMessage, tt.wantOutput)
			}
			var cut *CutError
			if got := errors.As(last, &cut); got != tt.wantCut {
				t.Errorf("got the error %v, want a cut: %t", last, tt.wantCut)
			}
			if tt.wantErr != "" && (last == nil || last.Error() != tt.wantErr) || tt.wantErr == "" && !tt.wantCut && last != nil {
				t.Errorf("got the error %v, want %q", last, tt.wantErr)
			}
			if got := len(s.bodies); got != 1 {
				t.Errorf("got %d requests, want 1", got)
			}
		})
	}
}

// A stream that is refused has a JSON response instead of events.
func TestStreamRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		isWanted     func(error) bool
	}{
		{"status 200", `{"errors":[{"message":"Workflow not found"}]}`, func(err error) bool {
			var e *FlowError
			return errors.As(err, &e) && e.Error() == "Workflow not found"
		}},
		{"status 401", `401 {"errors":[{"message":"Unauthorized"}]}`, func(err error) bool {
			var e *api.Error
			return errors.As(err, &e) && e.Status == 401
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, _ := serve(t, tt.answer)
			for _, err := range client.Stream(t.Context(), Execution{Workflow: "w"}) {
				if !tt.isWanted(err) {
					t.Errorf("got the unwanted error %T: %v", err, err)
				}
			}
		})
	}
}

// FuzzFrame feeds the decoder with any event: a frame must be valid, and only the last frame may have a message.
func FuzzFrame(f *testing.F) {
	f.Add("", "[DONE]")
	f.Add("next", `{"data":{"executeWorkflowWithStream":{"status":"streaming","data":{"generatedResponse":"a"}}}}`)
	f.Add("", `{"data":{"executeWorkflowWithStream":"{\"status\":\"error\",\"result\":\"{}\"}"}}`)
	f.Add("", `{"errors":[{}]}`)
	f.Fuzz(func(t *testing.T, kind, data string) {
		frame, ok, err := parseFrame(api.Event{Type: kind, Data: data})
		if ok && (err != nil || !json.Valid(frame.Raw) || frame.Message != "" && !frame.FlowFinished || frame.Output != nil && !json.Valid(frame.Output)) {
			t.Errorf("got the frame %+v and the error %v, want a valid frame", frame, err)
		}
	})
}
