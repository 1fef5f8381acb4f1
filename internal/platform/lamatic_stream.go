package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
)

// How a stream of Lamatic is paced.
const (
	tokenPause     = 20 * time.Millisecond
	keepAliveEvery = 15 * time.Second
)

// The nodes of the flows, as frames name them.
const (
	spokenNode  = "LLMNode_1"
	workingNode = "codeNode_1"
)

// A flowStream writes the frames of one subscription.
type flowStream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	name string // of the field in the response
}

// streamFlow answers a subscription with server-sent events. What is wrong with the payload is told before, as plain JSON.
func (s *Server) streamFlow(w http.ResponseWriter, r *http.Request, call *graphqlCall) error {
	fields := call.fields(call.operation.SelectionSet) // a subscription has one, unless it is skipped
	if len(fields) == 0 {
		writeGraphQL(w, graphqlObject{}, nil)
		return nil
	}
	field := fields[0]
	if field.Name == "__typename" {
		writeGraphQL(w, graphqlObject{{field.Alias, "Subscription"}}, nil)
		return nil
	}
	args := field.ArgumentMap(call.variables)
	id, _ := args["workflowId"].(string)
	flow, in, errs := chooseFlow(id, args["payload"])
	if errs != nil {
		for _, e := range errs {
			e.Path = ast.Path{ast.PathName(field.Alias)}
		}
		writeGraphQL(w, nil, errs)
		return nil
	}
	ctl := startEvents(w)
	s.runStream(r.Context(), &flowStream{w, ctl, field.Alias}, flow, in)
	return nil
}

// runStream runs a flow and tells of it: tokens where a language model would speak, the end of the node, the end of the flow.
func (s *Server) runStream(ctx context.Context, out *flowStream, flow lamaticFlow, in flowPayload) {
	out.write(": keep-alive\n\n")
	out.frame(nil) // Lamatic sends such frames, and clients must bear them
	if flow.takes != nil && !s.keepAlive(ctx, out, flow.takes(in)) {
		return
	}
	result, err := flow.run(ctx, s, in)
	node := workingNode
	if flow.spoken != "" {
		node = spokenNode
	}
	if err != nil {
		out.frame(map[string]any{
			"status": "error", "nodeId": node, "isFlowExecutionFinished": true, "data": map[string]any{"errorMsg": s.flowFailureText(err)},
		})
		out.write("data: [DONE]\n\n")
		return
	}
	spoken, _ := result[flow.spoken].(string)
	pieces := flowTokens(spoken)
	for _, piece := range pieces {
		out.frame(map[string]any{"status": "streaming", "nodeId": node, "data": map[string]any{"generatedResponse": piece}})
		if s.sleep(ctx, tokenPause) != nil {
			return
		}
	}
	out.frame(map[string]any{"status": "success", "nodeId": node, "isNodeExecutionFinished": true, "data": nodeData(spoken, len(pieces))})
	out.frame(map[string]any{"status": "success", "isFlowExecutionFinished": true, "result": result})
	out.write("data: [DONE]\n\n")
}

// nodeData is what a finished node tells. Lamatic doubles the text of such a node; so do we, to catch clients that believe it.
func nodeData(spoken string, count int) map[string]any {
	if spoken == "" {
		return map[string]any{}
	}
	return map[string]any{
		"generatedResponse": spoken + spoken,
		"_meta":             map[string]any{"model_name": "local", "total_tokens": count, "total_cost": 0},
	}
}

// keepAlive lets the time of a slow flow pass, and reports whether the client is still there.
func (s *Server) keepAlive(ctx context.Context, out *flowStream, left time.Duration) bool {
	for ; left > 0; left -= keepAliveEvery {
		if s.sleep(ctx, min(left, keepAliveEvery)) != nil {
			return false
		}
		out.write(": keep-alive\n\n")
	}
	return true
}

// frame sends a GraphQL response with one value of the subscription.
func (f *flowStream) frame(value any) {
	raw, _ := json.Marshal(graphqlObject{{"data", graphqlObject{{f.name, value}}}}) // texts and numbers: it cannot fail
	f.write(fmt.Sprintf("data: %s\n\n", raw))
}

// write sends at once. A client that has gone is noticed by its context.
func (f *flowStream) write(text string) {
	_, _ = fmt.Fprint(f.w, text)
	_ = f.ctl.Flush()
}

// flowTokens splits a text into words with the space that follows them.
func flowTokens(text string) []string {
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
