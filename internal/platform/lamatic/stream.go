package lamatic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Intervals of a stream.
const (
	tokenPause     = 20 * time.Millisecond
	keepAliveEvery = 15 * time.Second
)

// The nodes of the workflows in the frames of a stream.
const (
	spokenNode  = "LLMNode_1"
	workingNode = "codeNode_1"
)

// A eventStream writes the frames of one subscription.
type eventStream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	name string // of the field in the response
}

// streamWorkflow answers a subscription with server-sent events. A mistake in the payload is answered as plain JSON.
func (s *Server) streamWorkflow(w http.ResponseWriter, r *http.Request, call *graphqlCall) {
	fields := call.fields(call.operation.SelectionSet) // a subscription has one, unless it is skipped
	if len(fields) == 0 {
		writeGraphQL(w, graphqlObject{}, nil)
		return
	}
	field := fields[0]
	if field.Name == "__typename" {
		writeGraphQL(w, graphqlObject{{field.Alias, "Subscription"}}, nil)
		return
	}
	args := field.ArgumentMap(call.variables)
	id, _ := args["workflowId"].(string)
	wf, in, errs := chooseWorkflow(id, args["payload"])
	if errs != nil {
		for _, e := range errs {
			e.Path = ast.Path{ast.PathName(field.Alias)}
		}
		writeGraphQL(w, nil, errs)
		return
	}
	ctl := wire.StartEvents(w)
	s.runStream(r.Context(), &eventStream{w, ctl, field.Alias}, wf, in)
}

// runStream runs a workflow and sends its frames: the text of a language model in pieces, the end of the node, the end of
// the workflow.
func (s *Server) runStream(ctx context.Context, out *eventStream, wf workflow, in inputValues) {
	out.write(": keep-alive\n\n")
	out.frame(nil) // Lamatic sends empty frames, which clients must ignore
	if wf.duration != nil && !s.keepAlive(ctx, out, wf.duration(in)) {
		return
	}
	result, err := wf.run(ctx, s, in)
	node := workingNode
	if wf.spoken != "" {
		node = spokenNode
	}
	if err != nil {
		out.frame(map[string]any{
			"status": "error", "nodeId": node, "isFlowExecutionFinished": true, "data": map[string]any{"errorMsg": s.failureText(err)},
		})
		out.write("data: [DONE]\n\n")
		return
	}
	spoken, _ := result[wf.spoken].(string)
	pieces := splitTokens(spoken)
	for _, piece := range pieces {
		out.frame(map[string]any{"status": "streaming", "nodeId": node, "data": map[string]any{"generatedResponse": piece}})
		if s.Timing.Sleep(ctx, tokenPause) != nil {
			return
		}
	}
	out.frame(map[string]any{"status": "success", "nodeId": node, "isNodeExecutionFinished": true, "data": nodeData(spoken, len(pieces))})
	out.frame(map[string]any{"status": "success", "isFlowExecutionFinished": true, "result": result})
	out.write("data: [DONE]\n\n")
}

// nodeData returns the data of a finished node. Lamatic sends the text of the node twice. So does this server, because
// clients must not use it.
func nodeData(spoken string, count int) map[string]any {
	if spoken == "" {
		return map[string]any{}
	}
	return map[string]any{
		"generatedResponse": spoken + spoken,
		"_meta":             map[string]any{"model_name": "local", "total_tokens": count, "total_cost": 0},
	}
}

// keepAlive waits for the duration of a workflow and reports whether the client is still connected.
func (s *Server) keepAlive(ctx context.Context, out *eventStream, left time.Duration) bool {
	for ; left > 0; left -= keepAliveEvery {
		if s.Timing.Sleep(ctx, min(left, keepAliveEvery)) != nil {
			return false
		}
		out.write(": keep-alive\n\n")
	}
	return true
}

// frame sends a GraphQL response with one value of the subscription.
func (f *eventStream) frame(value any) {
	raw, _ := json.Marshal(graphqlObject{{"data", graphqlObject{{f.name, value}}}}) // texts and numbers: cannot fail
	f.write(fmt.Sprintf("data: %s\n\n", raw))
}

// write sends a text at once. A disconnected client is noticed by its context.
func (f *eventStream) write(text string) {
	_, _ = fmt.Fprint(f.w, text)
	_ = f.ctl.Flush()
}

// splitTokens splits a text into words, each with the space after it.
func splitTokens(text string) []string {
	var all []string
	for rest := text; rest != ""; {
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if end >= 0 {
			end += len(rest[end:]) - len(strings.TrimLeftFunc(rest[end:], unicode.IsSpace))
		} else {
			end = len(rest)
		}
		all = append(all, rest[:end])
		rest = rest[end:]
	}
	return all
}
