package lamatic

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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

// The documented request, and its variant with the payload in the document, have the documented answers.
func TestDocumentedCall(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	got := l.ask(executeQuery, variablesOf("spell-numbers", map[string]any{"text": "21 of 1042"})).Want(200)
	want := `{"data":{"executeWorkflow":{"status":"success","result":{"numbers":2,"text":"twenty-one of one thousand forty-two"}}}}` + "\n"
	if got.Body != want || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s, want application/json %s", got.Header.Get("Content-Type"), got.Body, want)
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
		t.Errorf("got %s, want %s", got.Body, want)
	}
}

// The documented causes are refused with 401 and 404.
func TestRefusals(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	draftKey, laminaKey := l.NewKey(Service, "", draftProject), l.NewKey("lamina", "", "wsp_atelier")
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		message string
	}{
		{"no credential", []string{"Authorization", ""}, 401, "the Authorization header is missing"},
		{"without Bearer", []string{"Authorization", l.key}, 401, "not of the form Bearer"},
		{"another scheme", []string{"Authorization", "Basic " + l.key}, 401, "not of the form Bearer"},
		{"empty Bearer", []string{"Authorization", "Bearer "}, 401, "not of the form Bearer"},
		{"unknown key", []string{"Authorization", "Bearer x" + l.key}, 401, "the API key is invalid"},
		{"a key of another service", []string{"Authorization", "Bearer " + laminaKey}, 401, "the API key is invalid"},
		{"no project", []string{"X-Project-Id", ""}, 404, "x-project-id is missing"},
		{"unknown project", []string{"X-Project-Id", "prj_x"}, 404, "Project not found"},
		{"another project", []string{"X-Project-Id", secondProject}, 404, "Project not found"},
		{"a key of another project", []string{"Authorization", "Bearer " + l.secondKey}, 404, "Project not found"},
		{"not deployed", []string{"Authorization", "Bearer " + draftKey, "X-Project-Id", draftProject}, 404, "not deployed"},
		{"not a token", []string{"X-Lamatic-Signature", "x.y.z"}, 401, "access token is invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply := l.ask("{ __typename }", nil, tt.headers...)
			reply.T = t
			reply.Want(tt.status).graphql(tt.message)
		})
	}
	l.ask("{ __typename }", nil, "Authorization", "Bearer "+l.secondKey, "X-Project-Id", secondProject).Want(200).graphql()
	l.Call("POST", "/lamatic/elsewhere", "{}", "Authorization", "Bearer "+l.key).Want(404).graphql("no project at this address")
	l.Call("GET", "/lamatic/graphql", nil).Want(405).graphql("POST")
	l.Call("POST", "/lamatic/graphql", "not JSON", "Authorization", "Bearer "+l.key, "X-Project-Id", SampleProject).Want(400).graphql("JSON object")
	l.Call("POST", "/lamatic/graphql", `{"query":"`+strings.Repeat(" ", wire.MaxBody)+`"}`, "Authorization", "Bearer "+l.key, "X-Project-Id", SampleProject).
		Want(413).graphql("larger than")
}

// A key works after the next deployment, until it is revoked.
func TestKeysNeedADeployment(t *testing.T) {
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

func TestAgent(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	const query = `query ExecuteAgent($agentId: String!, $payload: JSON!) { executeAgent(agentId: $agentId, payload: $payload) { status result } }`
	for _, tt := range []struct {
		name    string
		payload map[string]any
		member  string
	}{
		{"text", map[string]any{"text": "One."}, "summary"},
		{"page", map[string]any{"html": "<a href='http://e.com'>"}, "links"},
		{"text and seconds", map[string]any{"text": "x", "seconds": 1}, "requestId"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := l.ask(query, map[string]any{"agentId": "assistant", "payload": tt.payload}).Want(200).graphql()
			result := got["executeAgent"].(map[string]any)["result"].(map[string]any)
			if result[tt.member] == nil {
				t.Errorf("result: got %v, want the member %s", result, tt.member)
			}
		})
	}
}

// A slow workflow answers with a request id. Its status changes with time, for the queries of both SDKs.
func TestPolling(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	start := func(payload map[string]any) string {
		got := l.ask(executeQuery, variablesOf("report", payload)).Want(200).graphql()["executeWorkflow"].(map[string]any)
		if got["status"] != "processing" {
			t.Errorf("started: got %v, want processing", got)
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
		t.Errorf("status: got %v, want processing and the id %s", got, good)
	}
	l.Clock.Advance(30 * time.Second)
	if got := status(object, good); got["status"] != "success" || len(got) != 2 || got["result"].(map[string]any)["words"] != 3.0 {
		t.Errorf("status: got %v, want success with 3 words", got)
	}
	if got := status(scalar, bad); got["status"] != "failed" || !strings.Contains(got["message"].(string), "no words to report on") {
		t.Errorf("status: got %v, want failed with the message of the workflow", got)
	}
	l.ask(scalar, map[string]string{"requestId": good}, "Authorization", "Bearer "+l.secondKey, "X-Project-Id", secondProject).
		Want(200).graphql("Request not found")
}

const streamQuery = `subscription ExecuteWorkflowWithStream($workflowId: String, $payload: JSON!) {
  executeWorkflowWithStream(workflowId: $workflowId, payload: $payload)
}`

// A stream has a keep-alive comment, an empty frame, the tokens, the end of the node and the end of the workflow.
func TestStream(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	got := l.ask(streamQuery, variablesOf("spell-numbers", map[string]any{"text": "2 and 3"}), "Accept", "text/event-stream").Want(200)
	if ct := got.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("Content-Type: got %s, want text/event-stream", ct)
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
		t.Errorf("failed stream: got %s, want the error and the end marker", body)
	}
	plain := l.ask(streamQuery, variablesOf("summarize", map[string]any{}), "Accept", "text/event-stream").Want(200)
	plain.graphql("not empty")
	if plain.Header.Get("Content-Type") != "application/json" {
		t.Errorf("refused payload: got %s, want application/json", plain.Header.Get("Content-Type"))
	}
	l.ask(streamQuery, nil, "Authorization", "", "Accept", "text/event-stream").Want(401).graphql("missing")
}

// The stream of a slow workflow has keep-alive comments.
func TestSlowStream(t *testing.T) {
	t.Parallel()
	l := newRig(t)
	l.Timers.Release(keepAliveEvery)
	l.Timers.Release(5 * time.Second)
	got := l.ask(streamQuery, variablesOf("report", map[string]any{"text": "a", "seconds": 35})).Want(200)
	if n := strings.Count(got.Body, ": keep-alive\n\n"); n != 4 || !strings.Contains(got.Body, `"words":1`) {
		t.Errorf("got %d keep-alive comments in\n%s\nwant 4 and the result", n, got.Body)
	}
}

// Deployments and runs are in the data file.
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

func TestSpelled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		want string
	}{
		{0, "zero"},
		{13, "thirteen"},
		{40, "forty"},
		{99, "ninety-nine"},
		{100, "one hundred"},
		{512, "five hundred twelve"},
		{1000, "one thousand"},
		{20_021, "twenty thousand twenty-one"},
		{1_000_000, "one million"},
		{999_999_999, "nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred ninety-nine"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			if got := spelled(tt.n); got != tt.want {
				t.Errorf("spelled(%d) = %q, want %q", tt.n, got, tt.want)
			}
		})
	}
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	text := "Cats sleep. Cats eat fish, and fish feed cats! Is 3.5 a number? \n\nThe end"
	if got := splitSentences(text); len(got) != 4 || got[2] != "Is 3.5 a number?" || got[3] != "The end" {
		t.Errorf("splitSentences: got %q, want 4 sentences", got)
	}
	result, err := summarize(t.Context(), nil, inputValues{"text": text, "sentences": 1})
	if err != nil || result["summary"] != "Cats eat fish, and fish feed cats!" {
		t.Errorf("summarize: got %v, %v; want the sentence about fish", result, err)
	}
	if got := splitTokens(" a  b\nc"); strings.Join(got, "|") != " |a  |b\n|c" {
		t.Errorf("splitTokens: got %q, want words with the space after them", got)
	}
}
