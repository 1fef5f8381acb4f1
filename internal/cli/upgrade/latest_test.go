package upgrade

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestLatest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, location string
		status         int
		want           string // "" means an error
	}{
		{"a release", "/uselamina/lamina/releases/tag/v1.2.3", http.StatusFound, "1.2.3"},
		{"a candidate", "https://github.com/uselamina/lamina/releases/tag/v2.0.0-rc.1", http.StatusFound, "2.0.0-rc.1"},
		{"no release", "/uselamina/lamina/releases", http.StatusFound, ""},
		{"another page", "/login?to=v1.2.3", http.StatusFound, ""},
		{"control characters", "/tag/v1.2.3%1b]0;x", http.StatusFound, ""},
		{"no redirect", "", http.StatusOK, ""},
		{"a failure", "", http.StatusBadGateway, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				if r.Method != http.MethodHead || r.UserAgent() != "" {
					t.Errorf("got %s of %q, want HEAD without a name", r.Method, r.UserAgent())
				}
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(tt.status)
			}))
			defer server.Close()
			got, err := latest(t.Context(), server.Client(), server.URL)
			if got != tt.want || (err == nil) != (tt.want != "") || requests != 1 {
				t.Errorf("got %q, %v after %d requests, want %q after one", got, err, requests, tt.want)
			}
		})
	}
}
