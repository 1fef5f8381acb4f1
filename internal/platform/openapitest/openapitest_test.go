package openapitest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

const file = "../../../docs/openapi.yaml"

// TestVersion: the description is one of OpenAPI 3.1, where null is a type and nullable has no meaning.
func TestVersion(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(raw), "openapi: 3.1.") {
		t.Error("got another version than OpenAPI 3.1")
	}
	for i, line := range strings.Split(string(raw), "\n") {
		if strings.Contains(line, "nullable:") {
			t.Errorf(`line %d: write type: [string, "null"], because nullable has no meaning in OpenAPI 3.1`, i+1)
		}
	}
}

// TestHandler: a difference is reported with its operation and its place.
func TestHandler(t *testing.T) {
	t.Parallel()
	d, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	const run = `{"runId":"r","workflowId":"w","status":"queued","outputs":[],"errorMessage":null,"startedAt":null,"completedAt":null,"createdAt":"2026-01-31T12:00:00Z"}`
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		response, want           string // want: parts of the report, separated by spaces; empty: none
	}{
		{"as described", "GET", "/v1/runs/r", "", 200, `{"data":` + run + `}`, ""},
		{"a wrong type", "GET", "/v1/runs/r", "", 200, `{"data":` + strings.Replace(run, `"queued"`, `5`, 1) + `}`, "getRun /data/status"},
		{"an unknown field", "GET", "/v1/runs/r", "", 200, `{"data":` + run + `,"more":1}`, "getRun more"},
		{"an unknown status", "POST", "/v1/runs/r/cancel", "", 302, `{}`, "cancelRun 302"},
		{"a wrong request that is accepted", "POST", "/v1/apps/a/runs", `{"inputs":{"text":5}}`, 202, `{"data":{"runId":"r","workflowId":"w","workflowName":"n","status":"queued"}}`, "startRun accepts /inputs/text"},
		{"a wrong request that is refused", "POST", "/v1/apps/a/runs", `{"inputs":{"text":5}}`, 400, `{"error":"Invalid inputs","code":"VALIDATION_ERROR","retryable":false,"requestId":"q"}`, ""},
		{"a refusal in another form", "GET", "/v1/account", "", 500, `oops`, "getAccount 500"},
		{"an address that is not described", "GET", "/v1/horoscope", "", 200, `{}`, "/v1/horoscope described"},
		{"an unknown address", "GET", "/v1/horoscope", "", 404, `{}`, ""},
		{"a wrong event", "GET", "/v1/runs/r/stream", "", 200, "event: progress\ndata: {\"runId\":\"r\"}\n\n", "streamRun progress outputs"},
		{"events as described", "GET", "/v1/runs/r/stream", "", 200, "event: progress\ndata: " + run + "\n\nevent: ping\ndata: 1\n\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, succeeded := "", ""
			handler := d.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				if strings.HasSuffix(r.URL.Path, "/stream") {
					w.Header().Set("Content-Type", "text/event-stream")
				}
				w.Header().Set("X-Request-Id", "q")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.response)
			}), func(err error) { got = err.Error() }, func(id string) { succeeded = id })
			req := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body))
			req.Header.Set("Content-Type", "application/json")
			reply := httptest.NewRecorder()
			handler.ServeHTTP(reply, req)
			if reply.Code != tt.status || reply.Body.String() != tt.response {
				t.Errorf("got %d %s, want the response as it is", reply.Code, reply.Body)
			}
			if isSuccess := tt.want == "" && tt.status < 400; isSuccess != (succeeded != "") {
				t.Errorf("got the succeeded operation %q, want one: %t", succeeded, isSuccess)
			}
			if tt.want == "" && got != "" {
				t.Errorf("got the report %q, want none", got)
			}
			for part := range strings.FieldsSeq(tt.want) {
				if !strings.Contains(got, part) {
					t.Errorf("got the report %q, want %q in it", got, part)
				}
			}
		})
	}
}
