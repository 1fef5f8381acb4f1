package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// object is a JSON object.
type object = map[string]any

// newHandler serves until the test ends.
func newHandler(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
