package lamatic

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A rig is a client of Lamatic with keys of two projects.
type rig struct {
	*wiretest.Rig
	key, secondKey string
}

func newRig(t *testing.T) rig {
	t.Helper()
	return newRigAt(t, "")
}

// newRigAt returns a rig with a data file.
func newRigAt(t *testing.T, file string) rig {
	t.Helper()
	l := rig{Rig: wiretest.New(t, file, KeyType(), wire.KeyType{Service: "lamina", Prefixes: map[string]string{"": "lma_"}})}
	l.Timers.Release(tokenPause)
	l.key, l.secondKey = l.NewKey(Service, "", SampleProject), l.NewKey(Service, "", secondProject)
	s := New(l.Deps, fetchData)
	if err := s.DeploySamples(); err != nil {
		t.Fatal(err)
	}
	l.Serve(s)
	return l
}

// fetchData returns the data of a data:text/html URL.
func fetchData(_ context.Context, address string) ([]byte, error) {
	html, ok := strings.CutPrefix(address, "data:text/html,")
	if !ok {
		return nil, fmt.Errorf("does not fetch from %s", strings.TrimPrefix(address, "https://"))
	}
	return []byte(html), nil
}

// Call sends a request (see wiretest.Rig.Call).
func (l rig) Call(method, path string, body any, headers ...string) reply {
	l.T.Helper()
	return reply{l.Rig.Call(method, path, body, headers...)}
}

func (l rig) deploy(project string) {
	l.T.Helper()
	l.Call("POST", "/dev/lamatic/deploy", map[string]string{"projectId": project}).Want(200)
}

// ask sends a GraphQL request with the key of the sample project.
func (l rig) ask(query string, variables any, headers ...string) reply {
	l.T.Helper()
	all := append([]string{"Authorization", "Bearer " + l.key, "X-Project-Id", SampleProject}, headers...)
	return l.Call("POST", "/lamatic/graphql", map[string]any{"query": query, "variables": variables}, all...)
}

// A reply is an answer to a GraphQL request.
type reply struct{ wiretest.Reply }

// Want fails the test if the status differs.
func (r reply) Want(status int) reply {
	r.T.Helper()
	r.Reply.Want(status)
	return r
}

// graphql returns the data of the reply. It fails the test unless the reply has exactly these errors.
func (r reply) graphql(messages ...string) map[string]any {
	r.T.Helper()
	got := wiretest.Decode[struct {
		Data   map[string]any
		Errors []struct{ Message string }
	}](r.Reply)
	if len(got.Errors) != len(messages) {
		r.T.Fatalf("got %d errors, want %d: %s", len(got.Errors), len(messages), r.Body)
	}
	for i, want := range messages {
		if !strings.Contains(got.Errors[i].Message, want) {
			r.T.Errorf("got error %q, want %q", got.Errors[i].Message, want)
		}
	}
	return got.Data
}

const executeQuery = `query ExecuteWorkflow($workflowId: String!, $payload: JSON) {
  executeWorkflow(workflowId: $workflowId, payload: $payload) {
    status
    result
  }
}`

// variablesOf returns the variables of executeQuery and streamQuery.
func variablesOf(id string, payload map[string]any) map[string]any {
	return map[string]any{"workflowId": id, "payload": payload}
}

// TestDocumentedCall sends the request of the documentation and its variant with the payload in the document, and
// compares the whole answers.
func TestDocumentedCall(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	got := l.ask(executeQuery, variablesOf("spell-numbers", map[string]any{"text": "21 of 1042"})).Want(200)
	want := `{"data":{"executeWorkflow":{"status":"success","result":{"numbers":2,"text":"twenty-one of one thousand forty-two"}}}}` + "\n"
	if got.Body != want || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s", got.Header.Get("Content-Type"), got.Body)
	}
	got = l.ask(`
query ExecuteWorkflow(
$workflowId: String!
$url: String
) {
executeWorkflow(
workflowId: $workflowId
payload: {
url: $url
}
) {
status
result
}
}
`, map[string]any{"workflowId": "extract-links", "url": `data:text/html,<a href="https://example.com/a">`}).Want(200)
	want = `{"data":{"executeWorkflow":{"status":"success","result":{"count":1,"links":["https://example.com/a"]}}}}` + "\n"
	if got.Body != want {
		t.Errorf("%s", got.Body)
	}
}

// TestRefusals: 401 and 404 for the causes that the documentation names.
func TestRefusals(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	draftKey, laminaKey := l.NewKey(Service, "", draftProject), l.NewKey("lamina", "", "wsp_atelier")
	for name, c := range map[string]struct {
		headers []string
		status  int
		message string
	}{
		"no credential":            {[]string{"Authorization", ""}, 401, "the Authorization header is missing"},
		"without Bearer":           {[]string{"Authorization", l.key}, 401, "not of the form Bearer"},
		"another scheme":           {[]string{"Authorization", "Basic " + l.key}, 401, "not of the form Bearer"},
		"empty Bearer":             {[]string{"Authorization", "Bearer "}, 401, "not of the form Bearer"},
		"unknown key":              {[]string{"Authorization", "Bearer x" + l.key}, 401, "the API key is invalid"},
		"a key of another service": {[]string{"Authorization", "Bearer " + laminaKey}, 401, "the API key is invalid"},
		"no project":               {[]string{"X-Project-Id", ""}, 404, "x-project-id is missing"},
		"unknown project":          {[]string{"X-Project-Id", "prj_x"}, 404, "Project not found"},
		"another project":          {[]string{"X-Project-Id", secondProject}, 404, "Project not found"},
		"a key of another project": {[]string{"Authorization", "Bearer " + l.secondKey}, 404, "Project not found"},
		"not deployed":             {[]string{"Authorization", "Bearer " + draftKey, "X-Project-Id", draftProject}, 404, "not deployed"},
		"not a token":              {[]string{"X-Lamatic-Signature", "x.y.z"}, 401, "access token is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			reply := l.ask("{ __typename }", nil, c.headers...)
			reply.T = t
			reply.Want(c.status).graphql(c.message)
		})
	}
	l.ask("{ __typename }", nil, "Authorization", "Bearer "+l.secondKey, "X-Project-Id", secondProject).Want(200).graphql()
	l.Call("POST", "/lamatic/elsewhere", "{}", "Authorization", "Bearer "+l.key).Want(404).graphql("no project at this address")
	l.Call("GET", "/lamatic/graphql", nil).Want(405).graphql("POST")
	l.Call("POST", "/lamatic/graphql", "not JSON", "Authorization", "Bearer "+l.key, "X-Project-Id", SampleProject).Want(400).graphql("JSON object")
	l.Call("POST", "/lamatic/graphql", `{"query":"`+strings.Repeat(" ", wire.MaxBody)+`"}`, "Authorization", "Bearer "+l.key, "X-Project-Id", SampleProject).
		Want(413).graphql("larger than")
}

// TestKeysWorkOnceDeployed: a key works from the next deployment on, and until it is revoked.
func TestKeysWorkOnceDeployed(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	key, record, err := l.Deps.Keys.Make(Service, "test", "", SampleProject)
	if err != nil {
		t.Fatal(err)
	}
	with := []string{"Authorization", "Bearer " + key}
	l.ask("{ __typename }", nil, with...).Want(401).graphql("not deployed since the key was made")
	l.deploy(secondProject)
	l.ask("{ __typename }", nil, with...).Want(401)
	l.deploy(SampleProject)
	l.ask("{ __typename }", nil, with...).Want(200)
	l.ask("{ __typename }", nil).Want(200)
	if _, err := l.Deps.Keys.Revoke(record.ID); err != nil {
		t.Fatal(err)
	}
	l.ask("{ __typename }", nil, with...).Want(401).graphql("the API key is invalid")
	l.Call("POST", "/dev/lamatic/deploy", `{"projectId":"prj_x"}`).WantError(400, "VALIDATION_ERROR")
}

func TestAccessTokens(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	token := func(body string) string {
		return wiretest.Data[map[string]string](l.Call("POST", "/dev/lamatic/tokens", body).Want(201).Reply)["accessToken"]
	}
	lasting, short := token(`{}`), token(`{"projectId":"prj_sample","expiresIn":"5m"}`)
	for _, signature := range []string{lasting, short} {
		l.ask("{ __typename }", nil, "Authorization", "", "X-Lamatic-Signature", signature).Want(200)
		l.ask("{ __typename }", nil, "X-Lamatic-Signature", signature, "X-Project-Id", secondProject).Want(404)
	}
	parts := strings.Split(short, ".")
	forged := strings.Split(token(`{"projectId":"prj_second"}`), ".")
	l.ask("{ __typename }", nil, "X-Lamatic-Signature", parts[0]+"."+forged[1]+"."+parts[2]).Want(401)
	l.Clock.Advance(5 * time.Minute)
	l.ask("{ __typename }", nil, "X-Lamatic-Signature", short).Want(403).graphql("expired")
	l.ask("{ __typename }", nil, "X-Lamatic-Signature", lasting).Want(200)
	l.Call("POST", "/dev/lamatic/tokens", `{"expiresIn":"soon"}`).WantError(400, "VALIDATION_ERROR")
}

// TestGraphQLErrors: what is wrong with a document, a workflow or a payload is told with status 200.
func TestGraphQLErrors(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		want      []string
	}{
		"syntax":             {"query {", nil, []string{"Expected Name"}},
		"empty":              {"", nil, []string{"operationName"}},
		"unknown field":      {"{ runWorkflow }", nil, []string{"Cannot query field"}},
		"a mutation":         {"mutation { executeWorkflow }", nil, []string{"does not support operation type"}},
		"no workflow id":     {executeQuery, map[string]any{"payload": map[string]any{"text": "x"}}, []string{"must be defined"}},
		"id is no string":    {executeQuery, map[string]any{"workflowId": 3}, []string{"cannot use"}},
		"unused variable":    {"query ($x: String) { __typename }", nil, []string{"never used"}},
		"unknown workflow":   {executeQuery, variablesOf("nope\x1b[1m", map[string]any{"text": "x"}), []string{"Workflow not found: nope[1m"}},
		"no payload":         {executeQuery, map[string]any{"workflowId": "summarize"}, []string{"not empty"}},
		"empty payload":      {executeQuery, variablesOf("summarize", map[string]any{}), []string{"not empty"}},
		"missing input":      {executeQuery, variablesOf("summarize", map[string]any{"_": 1}), []string{"text is required"}},
		"null input":         {executeQuery, variablesOf("summarize", map[string]any{"text": nil}), []string{"text is required"}},
		"wrong types":        {executeQuery, variablesOf("summarize", map[string]any{"text": 1, "sentences": "2"}), []string{"text must be of type string", "sentences must be of type integer"}},
		"a fraction":         {executeQuery, variablesOf("summarize", map[string]any{"text": "x", "sentences": 1.5}), []string{"sentences must be of type integer"}},
		"flow fails":         {executeQuery, variablesOf("summarize", map[string]any{"text": "..."}), []string{"the text has no words"}},
		"foreign host":       {executeQuery, variablesOf("extract-links", map[string]any{"url": "https://example.com/"}), []string{"does not fetch from example.com"}},
		"too large a number": {executeQuery, variablesOf("spell-numbers", map[string]any{"text": "99999999999999999999"}), []string{"too large to spell"}},
		"unknown agent":      {`query ($p: JSON!) { executeAgent(agentId: "x", payload: $p) { status } }`, map[string]any{"p": map[string]any{"text": "x"}}, []string{"Agent not found"}},
		"unknown request":    {`{ checkStatus(requestId: "x") }`, nil, []string{"Request not found"}},
		"too many tokens":    {"{" + strings.Repeat(" __typename", maxGraphQLTokens) + "}", nil, []string{"token limit"}},
		"skipped":            {"subscription { executeWorkflowWithStream(payload: 1) @skip(if: true) }", nil, nil},
		"introspection":      {"{ __schema { types { name } } }", nil, []string{"introspection is switched off"}},
		"deep nesting":       {"{ executeWorkflow(workflowId: \"x\", payload: " + strings.Repeat("[", 100_000) + ") { status } }", nil, []string{"nesting depth"}},
	} {
		t.Run(name, func(t *testing.T) {
			reply := l.ask(c.query, c.variables).Want(200)
			reply.T = t
			reply.graphql(c.want...)
		})
	}
	failed := l.ask(executeQuery, variablesOf("nope", map[string]any{"text": "x"}))
	want := `{"data":{"executeWorkflow":null},"errors":[{"message":"Workflow not found: nope","path":["executeWorkflow"],"locations":[{"line":2,"column":3}]}]}` + "\n"
	if failed.Body != want {
		t.Errorf("%s", failed.Body)
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
		t.Errorf("%s", reply.Body)
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	const query = `query ExecuteAgent($agentId: String!, $payload: JSON!) { executeAgent(agentId: $agentId, payload: $payload) { status result } }`
	for payload, member := range map[string]string{`{"text":"One."}`: "summary", `{"html":"<a href='http://e.com'>"}`: "links", `{"text":"x","seconds":1}`: "requestId"} {
		var p any
		_ = json.Unmarshal([]byte(payload), &p)
		got := l.ask(query, map[string]any{"agentId": "assistant", "payload": p}).Want(200).graphql()
		result := got["executeAgent"].(map[string]any)["result"].(map[string]any)
		if result[member] == nil {
			t.Errorf("%s: %v", payload, result)
		}
	}
}

// TestPolling: a slow flow answers with a request id, whose status changes with time. Both SDKs' queries for it serve.
func TestPolling(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	start := func(payload map[string]any) string {
		got := l.ask(executeQuery, variablesOf("report", payload)).Want(200).graphql()["executeWorkflow"].(map[string]any)
		if got["status"] != "processing" {
			t.Errorf("%v", got)
		}
		return got["result"].(map[string]any)["requestId"].(string)
	}
	good, bad := start(map[string]any{"text": "a b a", "seconds": 30}), start(map[string]any{"text": "!", "seconds": 30})
	const scalar = `query CheckStatus($requestId: String!) { checkStatus(requestId: $requestId) }`
	const object = `query CheckStatus($requestId: String!) { checkStatus(requestId: $requestId) { status result } }`
	status := func(query, id string, headers ...string) map[string]any {
		return l.ask(query, map[string]string{"requestId": id}, headers...).Want(200).graphql()["checkStatus"].(map[string]any)
	}
	if got := status(scalar, good); got["status"] != "processing" || got["requestId"] != good {
		t.Errorf("%v", got)
	}
	l.Clock.Advance(30 * time.Second)
	if got := status(object, good); got["status"] != "success" || len(got) != 2 || got["result"].(map[string]any)["words"] != 3.0 {
		t.Errorf("%v", got)
	}
	if got := status(scalar, bad); got["status"] != "failed" || !strings.Contains(got["message"].(string), "no words to report on") {
		t.Errorf("%v", got)
	}
	l.ask(scalar, map[string]string{"requestId": good}, "Authorization", "Bearer "+l.secondKey, "X-Project-Id", secondProject).
		Want(200).graphql("Request not found")
}

const streamQuery = `subscription ExecuteWorkflowWithStream($workflowId: String, $payload: JSON!) {
  executeWorkflowWithStream(workflowId: $workflowId, payload: $payload)
}`

// TestStream compares a whole stream: keep-alive, null frame, tokens, the node with its text doubled, the flow's end.
func TestStream(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	got := l.ask(streamQuery, variablesOf("spell-numbers", map[string]any{"text": "2 and 3"}), "Accept", "text/event-stream").Want(200)
	if ct := got.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("type %s", ct)
	}
	frame := func(inner string) string { return `data: {"data":{"executeWorkflowWithStream":` + inner + "}}\n\n" }
	token := func(text string) string {
		return frame(`{"data":{"generatedResponse":"` + text + `"},"nodeId":"LLMNode_1","status":"streaming"}`)
	}
	want := ": keep-alive\n\n" + frame("null") + token("two ") + token("and ") + token("three") +
		frame(`{"data":{"_meta":{"model_name":"local","total_cost":0,"total_tokens":3},"generatedResponse":"two and threetwo and three"},`+
			`"isNodeExecutionFinished":true,"nodeId":"LLMNode_1","status":"success"}`) +
		frame(`{"isFlowExecutionFinished":true,"result":{"numbers":2,"text":"two and three"},"status":"success"}`) +
		"data: [DONE]\n\n"
	if got.Body != want {
		t.Errorf("got\n%s\nwant\n%s", got.Body, want)
	}
	failed := l.ask(streamQuery, variablesOf("summarize", map[string]any{"text": "!"})).Want(200)
	if body := failed.Body; !strings.Contains(body, `"errorMsg":"the text has no words`) || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("%s", body)
	}
	plain := l.ask(streamQuery, variablesOf("summarize", map[string]any{}), "Accept", "text/event-stream").Want(200)
	plain.graphql("not empty")
	if plain.Header.Get("Content-Type") != "application/json" {
		t.Error("a payload that is refused is told in a stream")
	}
	l.ask(streamQuery, nil, "Authorization", "", "Accept", "text/event-stream").Want(401).graphql("missing")
}

// TestSlowStream: a flow that takes its time sends keep-alive comments.
func TestSlowStream(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	l.Timers.Release(keepAliveEvery)
	l.Timers.Release(5 * time.Second)
	got := l.ask(streamQuery, variablesOf("report", map[string]any{"text": "a", "seconds": 35})).Want(200)
	if n := strings.Count(got.Body, ": keep-alive\n\n"); n != 4 || !strings.Contains(got.Body, `"words":1`) {
		t.Errorf("%d keep-alive comments in\n%s", n, got.Body)
	}
}

// TestStateSurvives: deployments and runs are kept in the data file.
func TestStateSurvives(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/lamina.db"
	const statusQuery = `query($id: String!) { checkStatus(requestId: $id) { status } }`
	before := newRigAt(t, file)
	started := before.ask(executeQuery, variablesOf("report", map[string]any{"text": "a", "seconds": 0})).Want(200).graphql()
	id := started["executeWorkflow"].(map[string]any)["result"].(map[string]any)["requestId"]
	if err := before.Deps.Store.Close(); err != nil {
		t.Fatal(err)
	}
	after := wiretest.New(t, file, KeyType())
	after.Serve(New(after.Deps, fetchData)) // does not deploy
	got := after.Call("POST", "/lamatic/graphql", map[string]any{"query": statusQuery, "variables": map[string]any{"id": id}},
		"Authorization", "Bearer "+before.key, "X-Project-Id", SampleProject)
	if want := `{"data":{"checkStatus":{"status":"success"}}}` + "\n"; got.Body != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
}

func TestFlows(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "zero", 13: "thirteen", 40: "forty", 99: "ninety-nine", 100: "one hundred", 512: "five hundred twelve", 1000: "one thousand",
		20_021: "twenty thousand twenty-one", 1_000_000: "one million", 999_999_999: "nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred ninety-nine",
	} {
		if got := spelled(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	text := "Cats sleep. Cats eat fish, and fish feed cats! Is 3.5 a number? \n\nThe end"
	if got := splitSentences(text); len(got) != 4 || got[2] != "Is 3.5 a number?" || got[3] != "The end" {
		t.Errorf("%q", got)
	}
	result, err := summarize(t.Context(), nil, inputValues{"text": text, "sentences": 1})
	if err != nil || result["summary"] != "Cats eat fish, and fish feed cats!" {
		t.Errorf("%v %v", result, err)
	}
	if got := splitTokens(" a  b\nc"); strings.Join(got, "|") != " |a  |b\n|c" {
		t.Errorf("%q", got)
	}
}

// FuzzGraphQLCall: no document and no variables bring the platform down, and what passes can be executed.
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
