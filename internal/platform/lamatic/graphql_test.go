package lamatic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A mistake in a document, a workflow or a payload is answered with status 200.
func TestGraphQLErrors(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	for _, tt := range []struct {
		name      string
		query     string
		variables map[string]any
		want      []string // messages
	}{
		{"syntax", "query {", nil, []string{"Expected Name"}},
		{"empty", "", nil, []string{"operationName"}},
		{"unknown field", "{ runWorkflow }", nil, []string{"Cannot query field"}},
		{"a mutation", "mutation { executeWorkflow }", nil, []string{"does not support operation type"}},
		{"no workflow id", executeQuery, map[string]any{"payload": map[string]any{"text": "x"}}, []string{"must be defined"}},
		{"id is no string", executeQuery, map[string]any{"workflowId": 3}, []string{"cannot use"}},
		{"unused variable", "query ($x: String) { __typename }", nil, []string{"never used"}},
		{"unknown workflow", executeQuery, variablesOf("nope\x1b[1m", map[string]any{"text": "x"}), []string{"Workflow not found: nope[1m"}},
		{"no payload", executeQuery, map[string]any{"workflowId": "summarize"}, []string{"not empty"}},
		{"empty payload", executeQuery, variablesOf("summarize", map[string]any{}), []string{"not empty"}},
		{"missing input", executeQuery, variablesOf("summarize", map[string]any{"_": 1}), []string{"text is required"}},
		{"null input", executeQuery, variablesOf("summarize", map[string]any{"text": nil}), []string{"text is required"}},
		{"wrong types", executeQuery, variablesOf("summarize", map[string]any{"text": 1, "sentences": "2"}), []string{"text must be of type string", "sentences must be of type integer"}},
		{"a fraction", executeQuery, variablesOf("summarize", map[string]any{"text": "x", "sentences": 1.5}), []string{"sentences must be of type integer"}},
		{"workflow fails", executeQuery, variablesOf("summarize", map[string]any{"text": "..."}), []string{"the text has no words"}},
		{"foreign host", executeQuery, variablesOf("extract-links", map[string]any{"url": "https://example.com/"}), []string{"does not fetch from example.com"}},
		{"too large a number", executeQuery, variablesOf("spell-numbers", map[string]any{"text": "99999999999999999999"}), []string{"too large to spell"}},
		{"unknown agent", `query ($p: JSON!) { executeAgent(agentId: "x", payload: $p) { status } }`, map[string]any{"p": map[string]any{"text": "x"}}, []string{"Agent not found"}},
		{"unknown request", `{ checkStatus(requestId: "x") }`, nil, []string{"Request not found"}},
		{"too many tokens", "{" + strings.Repeat(" __typename", maxGraphQLTokens) + "}", nil, []string{"token limit"}},
		{"skipped", "subscription { executeWorkflowWithStream(payload: 1) @skip(if: true) }", nil, nil},
		{"introspection", "{ __schema { types { name } } }", nil, []string{"introspection is switched off"}},
		{"deep nesting", "{ executeWorkflow(workflowId: \"x\", payload: " + strings.Repeat("[", 100_000) + ") { status } }", nil, []string{"nesting depth"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply := l.ask(tt.query, tt.variables).Want(200)
			reply.T = t
			reply.graphql(tt.want...)
		})
	}
	failed := l.ask(executeQuery, variablesOf("nope", map[string]any{"text": "x"}))
	want := `{"data":{"executeWorkflow":null},"errors":[{"message":"Workflow not found: nope","path":["executeWorkflow"],"locations":[{"line":2,"column":3}]}]}` + "\n"
	if failed.Body != want {
		t.Errorf("got %s, want %s", failed.Body, want)
	}
}

// TestGraphQLLanguage: aliases, fragments, directives, defaults and several operations mean what they mean in GraphQL.
func TestGraphQLLanguage(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	got := l.ask(`
		# a comment
		fragment R on FlowResult { result }
		query Both($t: String = "7", $no: Boolean = false) {
			a: executeWorkflow(workflowId: "spell-numbers", payload: {text: $t, list: [1, {x: null}]}) { status ...R __typename status }
			b: executeWorkflow(workflowId: "spell-numbers", payload: {text: """8"""}) { ... on FlowResult { status @include(if: $no) result @skip(if: $no) } }
			kind: __typename
		}
		query Other { __typename }`, nil)
	got.graphql("operationName must name")
	reply := l.Call("POST", "/lamatic/graphql", map[string]any{
		"query": `query Both($t: String = "7", $no: Boolean = false) {
			a: executeWorkflow(workflowId: "spell-numbers", payload: {text: $t, list: [1, {x: null}]}) { status ...R __typename status }
			b: executeWorkflow(workflowId: "spell-numbers", payload: {text: """8"""}) { ... on FlowResult { status @include(if: $no) result @skip(if: $no) } }
			kind: __typename
		} fragment R on FlowResult { result } query Other { __typename }`,
		"operationName": "Both",
	}, "Authorization", "Bearer "+l.key, "X-Project-Id", SampleProject)
	want := `{"data":{"a":{"status":"success","result":{"numbers":1,"text":"seven"},"__typename":"FlowResult"},"b":{"result":{"numbers":1,"text":"eight"}},"kind":"Query"}}` + "\n"
	if reply.Body != want {
		t.Errorf("got %s, want %s", reply.Body, want)
	}
}

// No document makes the server panic, and a valid document can be executed.
func FuzzGraphQLCall(f *testing.F) {
	f.Add(executeQuery, `{"workflowId":"x","payload":{"a":[1,null]}}`)
	f.Add(streamQuery, `{"payload":"x"}`)
	f.Add("{ a: __typename ...F } fragment F on Query { checkStatus(requestId: \"1\") @skip(if: true) }", `{}`)
	f.Fuzz(func(t *testing.T, query, variables string) {
		var values map[string]any
		_ = json.Unmarshal([]byte(variables), &values)
		call, errs := newGraphQLCall(query, "", values)
		if errs != nil || call.operation.Operation == "subscription" {
			return
		}
		data, _ := call.execute(func(f *ast.Field, args map[string]any) (any, gqlerror.List) {
			if f.Name == "checkStatus" {
				return map[string]any{"status": "x"}, nil
			}
			_, _, errs := chooseWorkflow("summarize", args["payload"])
			return nil, errs
		})
		if _, err := json.Marshal(data); err != nil {
			t.Error(err)
		}
	})
}
