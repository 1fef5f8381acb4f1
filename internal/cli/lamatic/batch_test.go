package lamatic

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/provider"
)

// A limitedService refuses requests as too many, and then runs workflows.
type limitedService struct {
	refusals   int // requests to refuse
	retryAfter string
	requests   int
}

// RoundTrip answers one request.
func (s *limitedService) RoundTrip(req *http.Request) (*http.Response, error) {
	s.requests++
	resp := &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"data":{"executeWorkflow":{"status":"success","result":{"a":1}}}}`)),
	}
	if s.requests <= s.refusals {
		resp.StatusCode, resp.Body = http.StatusTooManyRequests, io.NopCloser(strings.NewReader(`{"message":"slow down"}`))
		resp.Header.Set("Retry-After", s.retryAfter)
	}
	return resp, nil
}

// newTestBatch returns a batch that sends its requests to a service.
func newTestBatch(ctx context.Context, service http.RoundTripper) *batch {
	b := &batch{batchOptions: &batchOptions{}}
	b.starting, b.end = context.WithCancelCause(ctx)
	c := &api.Client{Provider: provider.Lamatic(), BaseURL: "https://project.example/graphql", HTTP: &http.Client{Transport: service}}
	b.watchRateLimit(c)
	b.client = lamatic.New(c, time.Minute)
	return b
}

func TestExecuteRepeatsRefusedRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		service      limitedService
		wantRequests int           // at least, if it is refused for too long: the backoff is a matter of chance
		wantDelay    time.Duration // at least
		wantErr      bool
	}{
		{name: "no refusal", service: limitedService{}, wantRequests: 1},
		{name: "refused for a while", service: limitedService{refusals: 7, retryAfter: "2"}, wantRequests: 8, wantDelay: 14 * time.Second},
		{name: "refused for too long", service: limitedService{refusals: 100, retryAfter: "2"}, wantRequests: 20, wantDelay: 90 * time.Second, wantErr: true},
		{name: "the requested delay is too long", service: limitedService{refusals: 1, retryAfter: "3600"}, wantRequests: 1, wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newTestBatch(t.Context(), &tt.service)
				started := time.Now()
				result, err := b.execute(t.Context(), payload{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
				if (err != nil) != tt.wantErr || err == nil && string(result.Output) != `{"a":1}` {
					t.Errorf("got %+v, %v; want an error: %t", result, err, tt.wantErr)
				}
				if got := tt.service.requests; got != tt.wantRequests && (tt.wantRequests < 20 || got < tt.wantRequests) {
					t.Errorf("got %d requests, want %d", tt.service.requests, tt.wantRequests)
				}
				if got := time.Since(started); got < tt.wantDelay {
					t.Errorf("got a delay of %s, want at least %s", got, tt.wantDelay)
				}
			})
		})
	}
}

// A payload that waits at the barrier when the batch ends is not sent.
func TestExecuteAfterTheEndOfTheBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &limitedService{}
		b := newTestBatch(t.Context(), service)
		b.barrier.close(time.Minute)
		time.AfterFunc(time.Second, func() { b.end(errors.New("the key was refused")) })
		_, err := b.execute(t.Context(), payload{Workflow: "w", Payload: json.RawMessage(`{"a":1}`)})
		if !errors.Is(err, errNotSent) || service.requests != 0 {
			t.Errorf("got the error %v after %d requests, want %v after none", err, service.requests, errNotSent)
		}
	})
}

func TestEndsBatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"refused key", &api.Error{Rule: provider.Rule{Kind: provider.Refused}}, true},
		{"unknown project", &api.Error{Rule: provider.Rule{Kind: provider.Misplaced}}, true},
		{"forbidden", &api.Error{Rule: provider.Rule{Kind: provider.Forbidden}}, true},
		{"failing service", &api.Error{Rule: provider.Rule{Kind: provider.Unavailable}}, false},
		{"too many requests", &api.Error{Rule: provider.Rule{Kind: provider.RateLimited}}, false},
		{"unknown host", &api.UnreachableError{Kind: api.DNS}, true},
		{"lost response", &api.UnreachableError{Kind: api.Cut}, false},
		{"failed workflow", &lamatic.FlowError{Problems: []lamatic.Problem{{Message: "no"}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := endsBatch(tt.err); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}
