package cli

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestScrub(t *testing.T) {
	t.Parallel()
	const key, refresh = "lma_key-0123456789", "rt-0123456789"
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"refusal": {400, key + " and " + refresh + " and " + key, "[redacted] and [redacted] and [redacted]"},
		"success": {200, `{"refresh_token": "` + refresh + `"}`, `{"refresh_token": "` + refresh + `"}`}, // a service may rotate to the same
		"failure": {503, "no " + refresh, "no [redacted]"},
		"plain":   {404, "nothing here", "nothing here"},
		"led off": {302, key, "[redacted]"},
	} {
		for _, body := range []string{`{"refresh_token": "` + refresh + `", "code": "short"}`, "refresh_token=" + refresh + "&code=short"} {
			req, err := http.NewRequest(http.MethodPost, "https://h.example/token", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Api-Key", key)
			transport := &scrubTransport{next: roundTripper(func(sent *http.Request) (*http.Response, error) {
				if raw, err := io.ReadAll(sent.Body); string(raw) != body || err != nil {
					t.Errorf("%s: sent %q, %v", name, raw, err)
				}
				header := http.Header{"X-Request-Id": {key}}
				return &http.Response{StatusCode: c.status, Status: "x " + key, Header: header, Body: io.NopCloser(strings.NewReader(c.body))}, nil
			})}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if string(got) != c.want || err != nil {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			if shown := resp.Status + resp.Header.Get("X-Request-Id"); c.status != 200 && strings.Contains(shown, key) {
				t.Errorf("%s: shows %q", name, shown)
			}
		}
	}
}

// TestScrubKeepsACutACut: an error that breaks off must not look whole.
func TestScrubKeepsACutACut(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequest(http.MethodGet, "https://h.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer 0123456789")
	cut := errors.New("cut off")
	resp, err := (&scrubTransport{next: roundTripper(func(*http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader("half of 0123456789"), failingReader{cut})
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: io.NopCloser(body)}, nil
	})}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); string(got) != "half of [redacted]" || !errors.Is(err, cut) {
		t.Errorf("got %q, %v", got, err)
	}
}
