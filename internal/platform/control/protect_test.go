package control

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestProtect: a control needs the token in every spelling of its path, and nothing else does.
func TestProtect(t *testing.T) {
	t.Parallel()
	handler := Protect("secret", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, want := range map[string]int{
		"/": 401, "//": 401, "/apps/poster": 401, "/runs/r": 401, "/./runs/r": 401, "/settings": 401, "/pages/style.css": 418, "/v1/runs/r": 418,
		"/dev": 401, "/dev/keys": 401, "//dev/keys": 401, "/v1/../dev/keys": 401, "/dev/./keys": 401, "/%64ev/keys": 401, "/../dev": 401,
		"/v1/apps": 418, "/device": 418, "/dev/../v1": 418, "/v1/dev/keys": 418,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: got status %d, want %d", path, w.Code, want)
		}
		r.Header.Set("Authorization", "Bearer secret")
		w = httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusTeapot {
			t.Errorf("%s with the token: got status %d, want %d", path, w.Code, http.StatusTeapot)
		}
	}
}
