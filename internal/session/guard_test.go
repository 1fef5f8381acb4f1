package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// TestGuard checks that no setting carries a key of another service, built-in or described, and that its prefix is redacted.
func TestGuard(t *testing.T) {
	t.Parallel()
	var received []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received = append(received, r.Header)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	const described = `{"name": "larder", "title": "Larder", "baseUrl": "https://larder.example", "keyHeader": "X-Key", "envKey": "LARDER_KEY",
		"keyShapes": [{"prefix": "ldr-"}], "errors": {}, "rateLimit": {}}`
	tests := []struct {
		name, value string
		problem     string
	}{
		{"a value", "shelf-7", ""},
		{"the service's own key", "lgh_live_0123456789abcdef", ""},
		{"a word that begins as a key does", "lma_7", ""},
		{"a key of Lamina", "lma_0123456789abcdef", "a key of Lamina"},
		{"a key inside a value", "x=lma_0123456789abcdef", "a key of Lamina"},
		{"a key of a described service", "ldr-0123456789abcdef", "a key of Larder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			folder := filepath.Join(f.home, ".lamina", "providers")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "larder.json"), []byte("\ufeff"+described), 0o600); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(f.manager.KeyPrefixes(), "ldr-") {
				t.Error("the prefix of the described service is unknown")
			}
			p := provider.Laghav()
			p.Settings = []provider.Setting{{Name: "extra", Header: "X-Extra"}}
			client, err := f.manager.KeyClient(p, server.URL, "lgh_live_"+"fedcba9876543210", map[string]string{"extra": tt.value})
			if err != nil {
				t.Fatal(err)
			}
			received = nil
			_, err = client.Do(t.Context(), api.Call{Method: "GET", Path: "/x"})
			var refused *fail.Error
			switch {
			case tt.problem == "" && (err != nil || len(received) != 1):
				t.Errorf("got %v and %d requests, want one", err, len(received))
			case tt.problem != "" && (!errors.As(err, &refused) || !strings.Contains(refused.Message, tt.problem) || len(received) != 0):
				t.Errorf("got %v and %d requests, want %q and none", err, len(received), tt.problem)
			}
		})
	}
}

// TestRefuseBlank checks which empty variables a stored credential tolerates: those that it does not use.
func TestRefuseBlank(t *testing.T) {
	t.Parallel()
	tests := []struct {
		variable, profile string
		isRefused         bool
	}{
		{"LAMINA_API_KEY", "", true},
		{"LAMINA_API_KEY", "default", false},
		{"LAMINA_PROFILE", "", true},
		{"LAMINA_PROFILE", "default", false},
		{"LAMINA_BASE_URL", "default", true},
		{"LAMINA_WORKSPACE", "", true},
		{"LAGHAV_API_KEY", "", false},
		{"NO_COLOR", "", false},
	}
	for _, tt := range tests {
		f := newFixture(t)
		f.signIn("default", "", nil)
		f.manager.Flags.Profile = tt.profile
		f.manager.IsBlank = func(name string) bool { return name == tt.variable }
		_, err := f.manager.Open()
		if (err != nil) != tt.isRefused || err != nil && !strings.Contains(err.Error(), tt.variable+" is set, but empty") {
			t.Errorf("%s with --profile %q: got %v, want it refused: %v", tt.variable, tt.profile, err, tt.isRefused)
		}
	}
}
