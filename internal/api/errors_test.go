package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
)

// TestRefusals covers each form in which the service, or a proxy in front of it, refuses a request.
func TestRefusals(t *testing.T) {
	t.Parallel()
	wantKinds := map[int]provider.Kind{
		400: provider.Invalid, 401: provider.Refused, 403: provider.Forbidden, 404: provider.NotFound, 429: provider.RateLimited,
		500: provider.Unavailable, 501: provider.Unavailable, 502: provider.Unavailable, 520: provider.Unavailable,
	}
	tests := []struct {
		name    string
		status  int
		body    string
		headers []string
		want    Error
	}{
		{
			"gen 2", 404, `{"error":"Execution not found","code":"NOT_FOUND","retryable":false,"requestId":"req_body","new":{}}`,
			[]string{"X-Request-Id", "req_header"},
			Error{Status: 404, Code: CodeNotFound, Message: "Execution not found", RequestID: "req_body"},
		},
		{
			"gen 2, request id in the header", 403, `{"error":"App access denied","code":"FORBIDDEN"}`, []string{"X-Request-Id", "req_header"},
			Error{Status: 403, Code: CodeForbidden, Message: "App access denied", RequestID: "req_header"},
		},
		{
			"gen 2 validation", 400,
			`{"error":"Invalid inputs","code":"VALIDATION_ERROR","retryable":false,"details":[{"field":"size","message":"not an option","allowed":["S","M",3]}],"requestId":"r"}`,
			nil,
			Error{
				Status: 400, Code: CodeValidation, Message: "Invalid inputs", RequestID: "r",
				Details: []Detail{{Field: "size", Message: "not an option", Allowed: []string{"S", "M", "3"}}},
			},
		},
		{
			"gen 1", 400, `{"error":"Invalid inputs","details":["size: must be one of S, M","text is required"]}`, nil,
			Error{Status: 400, Message: "Invalid inputs", Details: []Detail{{Message: "size: must be one of S, M"}, {Message: "text is required"}}},
		},
		{"gen 0", 401, `{"error":"Missing API key"}`, nil, Error{Status: 401, Message: "Missing API key"}},
		{
			"model validation", 400,
			`{"error":"Invalid params","code":"VALIDATION_ERROR","details":{"code":"invalid_params","message":"bad","details":{"errors":[{"field":"duration","error":"out_of_range","message":"must be 3 to 15","range":[3,15],"got":20},{"field":"prompt","error":"is missing"}]}}}`,
			nil,
			Error{
				Status: 400, Code: CodeValidation, Message: "Invalid params",
				Details: []Detail{{Field: "duration", Code: "out_of_range", Message: "must be 3 to 15", Range: []byte("[3,15]"), Got: []byte("20")}, {Field: "prompt", Message: "is missing"}},
			},
		},
		{
			"429 JSON", 429, `{"error":"Too many requests","code":"RATE_LIMITED","retryable":true,"retryAfter":12,"requestId":"r"}`,
			[]string{"Retry-After", "99"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too many requests", Retryable: true, RetryAfter: 12 * time.Second, RequestID: "r"},
		},
		{
			"429 JSON of gen 1", 429, `{"error":"Too many requests"}`, []string{"Retry-After", "9"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too many requests", Retryable: true, RetryAfter: 9 * time.Second},
		},
		{
			"429 plain", 429, "too many requests from this IP\nplease wait", []string{"Content-Type", "text/plain", "Retry-After", " 30 "},
			Error{Status: 429, Code: CodeRateLimited, Message: "too many requests from this IP", Retryable: true, RetryAfter: 30 * time.Second},
		},
		{
			"429 with a date", 429, "", []string{"Date", "Sat, 11 Apr 2026 08:00:00 GMT", "Retry-After", "Sat, 11 Apr 2026 08:01:30 GMT"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too Many Requests", Retryable: true, RetryAfter: 90 * time.Second},
		},
		{
			"429 with a date in the past", 429, "", []string{"Date", "Sat, 11 Apr 2026 08:00:00 GMT", "Retry-After", "Sat, 11 Apr 2026 07:00:00 GMT"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too Many Requests", Retryable: true},
		},
		{
			"429 with an invalid time", 429, "<html>", []string{"Retry-After", "soon"},
			Error{Status: 429, Code: CodeRateLimited, Message: "Too Many Requests", Retryable: true},
		},
		{
			"429 with a cut character", 429, strings.Repeat("x", 199) + "é", []string{"Content-Type", "text/plain", "Retry-After", "-5"},
			Error{Status: 429, Code: CodeRateLimited, Message: strings.Repeat("x", 199), Retryable: true},
		},
		{
			"429 with a huge time", 429, `{"error":"x","retryAfter":9223372036854775807}`, nil,
			Error{Status: 429, Code: CodeRateLimited, Message: "x", Retryable: true, RetryAfter: retry.MaxAfter},
		},
		{
			"field of a wrong type", 429, `{"error":"x","code":"RATE_LIMITED","retryAfter":1.5,"requestId":"r"}`, []string{"Retry-After", "2"},
			Error{Status: 429, Code: CodeRateLimited, Message: "x", Retryable: true, RetryAfter: 2 * time.Second, RequestID: "r"},
		},
		{"500", 500, `{"error":"boom","code":"INTERNAL_ERROR","retryable":true}`, nil, Error{Status: 500, Code: "INTERNAL_ERROR", Message: "boom", Retryable: true}},
		{"502 HTML", 502, "<html>Bad gateway</html>", []string{"Content-Type", "text/html"}, Error{Status: 502, Message: "Bad Gateway", Retryable: true}},
		{"501 HTML", 501, "<html></html>", []string{"Content-Type", "text/html"}, Error{Status: 501, Message: "Not Implemented"}},
		{"520 of a proxy", 520, "", nil, Error{Status: 520, Message: "no reason given", Retryable: true}},
		{"401 without a body", 401, "", nil, Error{Status: 401, Message: "the key is malformed, revoked or unknown"}},
		{"404 of other JSON", 404, `{"message":"no route"}`, nil, Error{Status: 404, Message: "Not Found"}},
		{"400 of an object", 400, `{"error":{"message":"x"}}`, nil, Error{Status: 400, Message: "Bad Request"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, tt.status, tt.body, tt.headers...) })
			_, err := c.StartRun(t.Context(), "a1", StartRun{}, "")
			if tt.status == 429 {
				c.MaxWait = time.Nanosecond // no second attempt
				_, err = c.StartRun(t.Context(), "a1", StartRun{}, "")
			}
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want an Error", err)
			}
			if want := wantKinds[tt.status]; got.Service != "Lamina" || got.Rule.Kind != want {
				t.Errorf("got a refusal of %s of the kind %s, want Lamina and %s", got.Service, got.Rule.Kind, want)
			}
			got.Service, got.Rule = "", provider.Rule{}
			tt.want.Method, tt.want.Path = "POST", "/v1/apps/a1/runs"
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
			if want := fmt.Sprintf("POST /v1/apps/a1/runs: the service answered %d: %s", tt.status, tt.want.Message); err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
		})
	}
}

// TestUnexpectedRefusals: an error response that is not of the API is an UnexpectedError.
func TestUnexpectedRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body string }{
		{"web page", "  <!doctype html>"}, {"text", "404 page not found"}, {"broken JSON", `{"error":`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				reply(w, 404, tt.body, "Content-Type", "text/plain", "X-Request-Id", "r")
			})
			_, err := c.Run(t.Context(), "r1")
			var got *UnexpectedError
			if !errors.As(err, &got) || got.Status != 404 || got.RequestID != "r" {
				t.Errorf("got %v, want an UnexpectedError with status 404", err)
			}
		})
	}
}

// TestRefusedWorkspace: the error contains the required workspace, which may be the reason.
func TestRefusedWorkspace(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, says(403, `{"error":"Workspace header does not match API key workspace scope","code":"FORBIDDEN"}`))
	c.Workspace = "w2"
	_, err := c.Account(t.Context())
	var got *Error
	if !errors.As(err, &got) || got.Workspace != "w2" || got.Code != CodeForbidden {
		t.Errorf("got %+v, want FORBIDDEN and workspace w2", err)
	}
}

// TestRefusalCutOff: an error response with an incomplete body is still an Error, because its status is known.
func TestRefusalCutOff(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":`)
		_ = http.NewResponseController(w).Flush()
		cut(w)
	})
	_, err := c.Run(t.Context(), "r1")
	var got *Error
	if !errors.As(err, &got) || got.Status != 404 || got.Message != "Not Found" {
		t.Errorf("got %v, want status 404", err)
	}
}

// FuzzRefusal: every response with an error status gives a typed error with a message and a limited delay.
func FuzzRefusal(f *testing.F) {
	f.Add(404, []byte(`{"error":"x","code":"NOT_FOUND","details":["a"]}`), "application/json", "3")
	f.Add(429, []byte("too many"), "text/plain", "Sat, 11 Apr 2026 08:01:30 GMT")
	f.Add(502, []byte("<html>"), "text/html", "")
	f.Add(302, []byte(""), "", "x")
	f.Fuzz(func(t *testing.T, status int, body []byte, contentType, after string) {
		if status < 300 || status > 599 {
			return
		}
		resp := &http.Response{
			StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(bytes.NewReader(body)),
			Header: http.Header{"Content-Type": {contentType}, "Retry-After": {after}},
		}
		err := (&Client{Now: newClock().now}).refusal(Call{Method: "GET", Path: "/v1/x"}, resp)
		var refused *Error
		var unexpected *UnexpectedError
		switch {
		case errors.As(err, &refused):
			if refused.Message == "" || refused.Status != status || refused.RetryAfter < 0 || refused.RetryAfter > retry.MaxAfter {
				t.Errorf("got %+v, want a message, status %d and a limited delay", refused, status)
			}
			if utf8.Valid(body) && !utf8.ValidString(refused.Message) {
				t.Errorf("got the message %q, want valid UTF-8", refused.Message)
			}
		case errors.As(err, &unexpected):
			if status >= 500 || status == 429 || unexpected.Reason == "" {
				t.Errorf("status %d: got %v, want an Error", status, err)
			}
		default:
			t.Errorf("got %v, want a typed error", err)
		}
	})
}
