package fail_test

import (
	"errors"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
)

// TestLost: a request that must not be made twice may have been carried out unless the service or the network says that it was not.
func TestLost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want fail.Code // the zero Code: the error as it is
		text string
	}{
		{"success", nil, fail.Code{}, ""},
		{"not sent", &api.UnreachableError{Kind: api.Refused}, fail.Code{}, ""},
		{"cut", &api.UnreachableError{Kind: api.Cut}, fail.UnknownOutcome, "the response to x was lost, so it may have run"},
		{"interrupted", &api.UnreachableError{Kind: api.Interrupted}, fail.Interrupted, "interrupted; it may have run"},
		{"refused", &api.Error{Status: 400}, fail.Code{}, ""},
		{"a failure that the service names", &api.Error{Status: 500}, fail.Code{}, ""},
		{"unavailable", &api.Error{Status: 503}, fail.Code{}, ""},
		{"a gateway that lost the response", &api.Error{Service: "Lamina", Status: 502, Message: "Bad Gateway"}, fail.UnknownOutcome, "Lamina answered 502: Bad Gateway; it may have run"},
		{"a gateway that did not wait", &api.Error{Service: "Lamina", Status: 504, Message: "Timeout"}, fail.UnknownOutcome, "Lamina answered 504: Timeout; it may have run"},
		{"no JSON", &api.UnexpectedError{Status: 200, Reason: "no JSON"}, fail.UnknownOutcome, ": no JSON; it may have run"},
		{"the page of a refusal", &api.UnexpectedError{Status: 403, Reason: "a page"}, fail.Code{}, ""},
		{"a redirect", &api.UnexpectedError{Status: 302, Reason: "a redirect"}, fail.Code{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := fail.Lost(tt.err, "x", "it may have run", "lamina check")
			if tt.want == (fail.Code{}) {
				if !errors.Is(got, tt.err) {
					t.Errorf("got %v, want %v as it is", got, tt.err)
				}
				return
			}
			f := fail.Context{}.Describe(got)
			if f.ErrorCode() != tt.want || f.Message != tt.text || f.Hint != "lamina check" {
				t.Errorf("got %+v, want the code %s, %q and a hint", f, tt.want.Name, tt.text)
			}
		})
	}
}
