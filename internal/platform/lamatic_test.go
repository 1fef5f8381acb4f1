package platform

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A lamaticRig is a rig with keys of two of Lamatic's projects.
type lamaticRig struct {
	*rig
	key, secondKey string
}

func newLamaticRig(t *testing.T) lamaticRig {
	t.Helper()
	rg := newRig(t, nil)
	rg.timers.release(tokenPause)
	access, err := rg.s.NewServiceKeys("test")
	if err != nil {
		t.Fatal(err)
	}
	l := lamaticRig{rig: rg, key: access[serviceLamatic].APIKey}
	l.secondKey, _ = l.newKey(lamaticSecond)
	l.deploy(lamaticSecond)
	return l
}

func (l lamaticRig) newKey(project string) (string, serviceKey) {
	l.t.Helper()
	key, record, err := l.s.newServiceKey(serviceLamatic, "test", "", project)
	if err != nil {
		l.t.Fatal(err)
	}
	return key, record
}

func (l lamaticRig) deploy(project string) {
	l.t.Helper()
	l.call("POST", "/dev/lamatic/deploy", map[string]string{"projectId": project}).want(200)
}

// ask sends a GraphQL request with a key for a project.
func (l lamaticRig) ask(query string, variables any, headers ...string) reply {
	l.t.Helper()
	all := append([]string{"X-Api-Key", "", "Authorization", "Bearer " + l.key, "X-Project-Id", lamaticSample}, headers...)
	return l.call("POST", "/lamatic/graphql", map[string]any{"query": query, "variables": variables}, all...)
}

// graphql decodes what was answered, and fails the test unless there are exactly the errors that were expected.
func (r reply) graphql(messages ...string) map[string]any {
	r.t.Helper()
	var got struct {
		Data   map[string]any
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(r.body, &got); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	if len(got.Errors) != len(messages) {
		r.t.Fatalf("%d errors, want %d: %s", len(got.Errors), len(messages), r.body)
	}
	for i, want := range messages {
		if !strings.Contains(got.Errors[i].Message, want) {
			r.t.Errorf("error %q, want %q", got.Errors[i].Message, want)
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

func workflow(id string, payload map[string]any) map[string]any {
	return map[string]any{"workflowId": id, "payload": payload}
}

// TestLamaticDocumentedCall sends the request of the documentation and its variant with the payload in the document, and
// compares the whole answers.
func TestLamaticDocumentedCall(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	got := l.ask(executeQuery, workflow("spell-numbers", map[string]any{"text": "21 of 1042"})).want(200)
	want := `{"data":{"executeWorkflow":{"status":"success","result":{"numbers":2,"text":"twenty-one of one thousand forty-two"}}}}` + "\n"
	if string(got.body) != want || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s", got.header.Get("Content-Type"), got.body)
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
`, map[string]any{"workflowId": "extract-links", "url": `data:text/html,<a href="https://example.com/a">`}).want(200)
	want = `{"data":{"executeWorkflow":{"status":"success","result":{"count":1,"links":["https://example.com/a"]}}}}` + "\n"
	if string(got.body) != want {
		t.Errorf("%s", got.body)
	}
}

// TestLamaticRefusals: 401 and 404 for the causes that the documentation names.
func TestLamaticRefusals(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	draftKey, _ := l.newKey(lamaticDraft)
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
		"a key of another service": {[]string{"Authorization", "Bearer " + l.rig.key}, 401, "the API key is invalid"},
		"no project":               {[]string{"X-Project-Id", ""}, 404, "x-project-id is missing"},
		"unknown project":          {[]string{"X-Project-Id", "prj_x"}, 404, "Project not found"},
		"another project":          {[]string{"X-Project-Id", lamaticSecond}, 404, "Project not found"},
		"a key of another project": {[]string{"Authorization", "Bearer " + l.secondKey}, 404, "Project not found"},
		"not deployed":             {[]string{"Authorization", "Bearer " + draftKey, "X-Project-Id", lamaticDraft}, 404, "not deployed"},
		"not a token":              {[]string{"X-Lamatic-Signature", "x.y.z"}, 401, "access token is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			reply := l.ask("{ __typename }", nil, c.headers...)
			reply.t = t
			reply.want(c.status).graphql(c.message)
		})
	}
	l.ask("{ __typename }", nil, "Authorization", "Bearer "+l.secondKey, "X-Project-Id", lamaticSecond).want(200).graphql()
	l.call("POST", "/lamatic/elsewhere", "{}", "Authorization", "Bearer "+l.key).want(404).graphql("no project at this address")
	l.call("GET", "/lamatic/graphql", nil).want(405).graphql("POST")
	l.call("POST", "/lamatic/graphql", "not JSON", "Authorization", "Bearer "+l.key, "X-Project-Id", lamaticSample).want(400).graphql("JSON object")
	l.call("POST", "/lamatic/graphql", `{"query":"`+strings.Repeat(" ", maxJSONBody)+`"}`, "Authorization", "Bearer "+l.key, "X-Project-Id", lamaticSample).
		want(413).graphql("larger than")
}

// TestLamaticKeysWorkOnceDeployed: a key works from the next deployment on, and until it is revoked.
func TestLamaticKeysWorkOnceDeployed(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	key, record := l.newKey(lamaticSample)
	with := []string{"Authorization", "Bearer " + key}
	l.ask("{ __typename }", nil, with...).want(401).graphql("not deployed since the key was made")
	l.deploy(lamaticSecond)
	l.ask("{ __typename }", nil, with...).want(401)
	l.deploy(lamaticSample)
	l.ask("{ __typename }", nil, with...).want(200)
	l.ask("{ __typename }", nil).want(200)
	now := l.clock.Now()
	record.RevokedAt = &now
	l.update(func(tx *tx) { put(tx, bucketServiceKeys, l.s.digest(key), record) })
	l.ask("{ __typename }", nil, with...).want(401).graphql("the API key is invalid")
	l.call("POST", "/dev/lamatic/deploy", `{"projectId":"prj_x"}`).wantError(400, "VALIDATION_ERROR")
}

func TestLamaticAccessTokens(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	token := func(body string) string {
		return data[map[string]string](l.call("POST", "/dev/lamatic/tokens", body).want(201))["accessToken"]
	}
	lasting, short := token(`{}`), token(`{"projectId":"prj_sample","expiresIn":"5m"}`)
	for _, signature := range []string{lasting, short} {
		l.ask("{ __typename }", nil, "Authorization", "", "X-Lamatic-Signature", signature).want(200)
		l.ask("{ __typename }", nil, "X-Lamatic-Signature", signature, "X-Project-Id", lamaticSecond).want(404)
	}
	parts := strings.Split(short, ".")
	forged := strings.Split(token(`{"projectId":"prj_second"}`), ".")
	l.ask("{ __typename }", nil, "X-Lamatic-Signature", parts[0]+"."+forged[1]+"."+parts[2]).want(401)
	l.clock.advance(5 * time.Minute)
	l.ask("{ __typename }", nil, "X-Lamatic-Signature", short).want(403).graphql("expired")
	l.ask("{ __typename }", nil, "X-Lamatic-Signature", lasting).want(200)
	l.call("POST", "/dev/lamatic/tokens", `{"expiresIn":"soon"}`).wantError(400, "VALIDATION_ERROR")
}

// TestLamaticGraphQLErrors: what is wrong with a document, a workflow or a payload is told with status 200.
func TestLamaticGraphQLErrors(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
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
		"unknown workflow":   {executeQuery, workflow("nope\x1b[1m", map[string]any{"text": "x"}), []string{"Workflow not found: nope[1m"}},
		"no payload":         {executeQuery, map[string]any{"workflowId": "summarize"}, []string{"not empty"}},
		"empty payload":      {executeQuery, workflow("summarize", map[string]any{}), []string{"not empty"}},
		"missing input":      {executeQuery, workflow("summarize", map[string]any{"_": 1}), []string{"text is required"}},
		"null input":         {executeQuery, workflow("summarize", map[string]any{"text": nil}), []string{"text is required"}},
		"wrong types":        {executeQuery, workflow("summarize", map[string]any{"text": 1, "sentences": "2"}), []string{"text must be of type string", "sentences must be of type integer"}},
		"a fraction":         {executeQuery, workflow("summarize", map[string]any{"text": "x", "sentences": 1.5}), []string{"sentences must be of type integer"}},
		"flow fails":         {executeQuery, workflow("summarize", map[string]any{"text": "..."}), []string{"the text has no words"}},
		"foreign host":       {executeQuery, workflow("extract-links", map[string]any{"url": "https://example.com/"}), []string{"does not fetch from example.com"}},
		"too large a number": {executeQuery, workflow("spell-numbers", map[string]any{"text": "99999999999999999999"}), []string{"too large to spell"}},
		"unknown agent":      {`query ($p: JSON!) { executeAgent(agentId: "x", payload: $p) { status } }`, map[string]any{"p": map[string]any{"text": "x"}}, []string{"Agent not found"}},
		"unknown request":    {`{ checkStatus(requestId: "x") }`, nil, []string{"Request not found"}},
		"too many tokens":    {"{" + strings.Repeat(" __typename", maxGraphQLTokens) + "}", nil, []string{"token limit"}},
		"skipped":            {"subscription { executeWorkflowWithStream(payload: 1) @skip(if: true) }", nil, nil},
		"introspection":      {"{ __schema { types { name } } }", nil, []string{"introspection is switched off"}},
		"deep nesting":       {"{ executeWorkflow(workflowId: \"x\", payload: " + strings.Repeat("[", 100_000) + ") { status } }", nil, []string{"nesting depth"}},
	} {
		t.Run(name, func(t *testing.T) {
			reply := l.ask(c.query, c.variables).want(200)
			reply.t = t
			reply.graphql(c.want...)
		})
	}
	failed := l.ask(executeQuery, workflow("nope", map[string]any{"text": "x"}))
	want := `{"data":{"executeWorkflow":null},"errors":[{"message":"Workflow not found: nope","path":["executeWorkflow"],"locations":[{"line":2,"column":3}]}]}` + "\n"
	if string(failed.body) != want {
		t.Errorf("%s", failed.body)
	}
}

// TestLamaticGraphQLLanguage: aliases, fragments, directives, defaults and several operations mean what they mean in GraphQL.
func TestLamaticGraphQLLanguage(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
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
	reply := l.call("POST", "/lamatic/graphql", map[string]any{
		"query": `query Both($t: String = "7", $no: Boolean = false) {
			a: executeWorkflow(workflowId: "spell-numbers", payload: {text: $t, list: [1, {x: null}]}) { status ...R __typename status }
			b: executeWorkflow(workflowId: "spell-numbers", payload: {text: """8"""}) { ... on FlowResult { status @include(if: $no) result @skip(if: $no) } }
			kind: __typename
		} fragment R on FlowResult { result } query Other { __typename }`,
		"operationName": "Both",
	}, "Authorization", "Bearer "+l.key, "X-Project-Id", lamaticSample)
	want := `{"data":{"a":{"status":"success","result":{"numbers":1,"text":"seven"},"__typename":"FlowResult"},"b":{"result":{"numbers":1,"text":"eight"}},"kind":"Query"}}` + "\n"
	if string(reply.body) != want {
		t.Errorf("%s", reply.body)
	}
}

func TestLamaticAgent(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	const query = `query ExecuteAgent($agentId: String!, $payload: JSON!) { executeAgent(agentId: $agentId, payload: $payload) { status result } }`
	for payload, member := range map[string]string{`{"text":"One."}`: "summary", `{"html":"<a href='http://e.com'>"}`: "links", `{"text":"x","seconds":1}`: "requestId"} {
		var p any
		_ = json.Unmarshal([]byte(payload), &p)
		got := l.ask(query, map[string]any{"agentId": "assistant", "payload": p}).want(200).graphql()
		result := got["executeAgent"].(map[string]any)["result"].(map[string]any)
		if result[member] == nil {
			t.Errorf("%s: %v", payload, result)
		}
	}
}

// TestLamaticPolling: a slow flow answers with a request id, whose status changes with time. Both SDKs' queries for it serve.
func TestLamaticPolling(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	start := func(payload map[string]any) string {
		got := l.ask(executeQuery, workflow("report", payload)).want(200).graphql()["executeWorkflow"].(map[string]any)
		if got["status"] != "processing" {
			t.Errorf("%v", got)
		}
		return got["result"].(map[string]any)["requestId"].(string)
	}
	good, bad := start(map[string]any{"text": "a b a", "seconds": 30}), start(map[string]any{"text": "!", "seconds": 30})
	const scalar = `query CheckStatus($requestId: String!) { checkStatus(requestId: $requestId) }`
	const object = `query CheckStatus($requestId: String!) { checkStatus(requestId: $requestId) { status result } }`
	status := func(query, id string, headers ...string) map[string]any {
		return l.ask(query, map[string]string{"requestId": id}, headers...).want(200).graphql()["checkStatus"].(map[string]any)
	}
	if got := status(scalar, good); got["status"] != "processing" || got["requestId"] != good {
		t.Errorf("%v", got)
	}
	l.clock.advance(30 * time.Second)
	if got := status(object, good); got["status"] != "success" || len(got) != 2 || got["result"].(map[string]any)["words"] != 3.0 {
		t.Errorf("%v", got)
	}
	if got := status(scalar, bad); got["status"] != "failed" || !strings.Contains(got["message"].(string), "no words to report on") {
		t.Errorf("%v", got)
	}
	l.ask(scalar, map[string]string{"requestId": good}, "Authorization", "Bearer "+l.secondKey, "X-Project-Id", lamaticSecond).
		want(200).graphql("Request not found")
}

const streamQuery = `subscription ExecuteWorkflowWithStream($workflowId: String, $payload: JSON!) {
  executeWorkflowWithStream(workflowId: $workflowId, payload: $payload)
}`

// TestLamaticStream compares a whole stream: keep-alive, null frame, tokens, the node with its text doubled, the flow's end.
func TestLamaticStream(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	got := l.ask(streamQuery, workflow("spell-numbers", map[string]any{"text": "2 and 3"}), "Accept", "text/event-stream").want(200)
	if ct := got.header.Get("Content-Type"); ct != "text/event-stream" {
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
	if string(got.body) != want {
		t.Errorf("got\n%s\nwant\n%s", got.body, want)
	}
	failed := l.ask(streamQuery, workflow("summarize", map[string]any{"text": "!"})).want(200)
	if body := string(failed.body); !strings.Contains(body, `"errorMsg":"the text has no words`) || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("%s", body)
	}
	plain := l.ask(streamQuery, workflow("summarize", map[string]any{}), "Accept", "text/event-stream").want(200)
	plain.graphql("not empty")
	if plain.header.Get("Content-Type") != "application/json" {
		t.Error("a payload that is refused is told in a stream")
	}
	l.ask(streamQuery, nil, "Authorization", "", "Accept", "text/event-stream").want(401).graphql("missing")
}

// TestLamaticSlowStream: a flow that takes its time sends keep-alive comments.
func TestLamaticSlowStream(t *testing.T) {
	t.Parallel()
	l := newLamaticRig(t)
	l.timers.release(keepAliveEvery)
	l.timers.release(5 * time.Second)
	got := l.ask(streamQuery, workflow("report", map[string]any{"text": "a", "seconds": 35})).want(200)
	if n := strings.Count(string(got.body), ": keep-alive\n\n"); n != 4 || !strings.Contains(string(got.body), `"words":1`) {
		t.Errorf("%d keep-alive comments in\n%s", n, got.body)
	}
}

// TestLamaticStateSurvives: deployments and runs are kept in the data file.
func TestLamaticStateSurvives(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/lamina.db"
	var key, id string
	for range 2 {
		s, err := New(Options{DataFile: file, RateLimit: -1})
		if err != nil {
			t.Fatal(err)
		}
		if key == "" {
			access, err := s.NewServiceKeys("test")
			if err != nil {
				t.Fatal(err)
			}
			key = access[serviceLamatic].APIKey
			started, _ := s.executeFlow(t.Context(), lamaticSample, "report", map[string]any{"text": "a", "seconds": 0.0})
			id = started.(map[string]any)["result"].(map[string]any)["requestId"].(string)
		}
		req := httptest.NewRequestWithContext(t.Context(), "POST", "http://localhost/lamatic/graphql", strings.NewReader(`{"query":"{ checkStatus(requestId: \"`+id+`\") }"}`))
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("X-Project-Id", lamaticSample)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"status":"success"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
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
	if got := flowSentences(text); len(got) != 4 || got[2] != "Is 3.5 a number?" || got[3] != "The end" {
		t.Errorf("%q", got)
	}
	result, err := summarizeFlow(t.Context(), nil, flowPayload{"text": text, "sentences": 1})
	if err != nil || result["summary"] != "Cats eat fish, and fish feed cats!" {
		t.Errorf("%v %v", result, err)
	}
	if got := flowTokens(" a  b\nc"); strings.Join(got, "|") != " |a  |b\n|c" {
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
			_, _, errs := chooseFlow("summarize", args["payload"])
			return nil, errs
		})
		if _, err := json.Marshal(data); err != nil {
			t.Error(err)
		}
	})
}
