//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// canary is part of every secret that the canary service issues, and of nothing else.
const canary = "CANARY"

const (
	canaryKey     = "lma_" + canary + "-key-0123456789abcdef"
	canaryAccess  = "lma_mcp_at_" + canary + "-access-0123456789"
	canaryRefresh = "lma_mcp_rt_" + canary + "-refresh-0123456789"
	canaryCode    = "lma_mcp_ac_" + canary + "-code-0123456789"
	canaryDevice  = "lma_mcp_dc_" + canary + "-device-0123456789"
)

// How a canary service responds.
const (
	good    = "good"
	broken  = "broken"  // with 503
	echoing = "echoing" // with 400 and the request, secrets included
)

// A canaryService is an API with an authorization server. Its secrets contain the canary.
type canaryService struct {
	URL    string
	manner string

	mu   sync.Mutex
	seen []string // secrets that the client generated: PKCE verifiers and states
}

// newCanaryService starts a service that responds in a manner: good, broken or echoing.
func newCanaryService(t *testing.T, manner string) *canaryService {
	t.Helper()
	s := &canaryService{manner: manner}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// addSecret adds a secret that the client generated.
func (s *canaryService) addSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret != "" {
		s.seen = append(s.seen, secret)
	}
}

// secrets returns the canary and the secrets that the client generated.
func (s *canaryService) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{canary}, s.seen...)
}

// ServeHTTP implements http.Handler.
func (s *canaryService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	switch {
	case s.manner == broken:
		answer(w, http.StatusServiceUnavailable, object{"error": "down for maintenance"})
	case s.manner == echoing:
		sent := fmt.Sprint(string(body), " ", r.Header.Get("X-Api-Key"), " ", r.Header)
		w.Header().Set("X-Request-Id", r.Header.Get("X-Api-Key"))
		answer(w, http.StatusBadRequest, object{
			"error": "no use for " + sent, "error_description": sent, "code": sent, "requestId": sent,
			"details": []object{{"field": "key", "message": sent, "allowed": []string{sent}}},
		})
	case strings.HasPrefix(r.URL.Path, "/v1/"):
		s.serveAPI(w, r)
	default:
		s.serveOAuth(w, r, body)
	}
}

func (s *canaryService) serveAPI(w http.ResponseWriter, r *http.Request) {
	run := object{
		"runId": "run-1", "status": "completed", "createdAt": "2026-01-02T03:04:05Z",
		"outputs": []object{{"id": "1", "label": "poster", "type": "text", "status": "completed", "value": "Hello"}},
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	var data any
	switch {
	case r.Header.Get("X-Api-Key") == "":
		answer(w, http.StatusUnauthorized, object{"error": "no key", "code": "UNAUTHORIZED"})
		return
	case path == "account":
		data = object{"user": object{"id": "u", "email": "sam@example.com"}, "workspace": object{"id": "w", "name": "Atelier", "role": "owner"}}
	case path == "apps":
		data = []object{{"appId": "poster", "name": "Poster"}}
	case strings.HasSuffix(path, "/runs") && r.Method == http.MethodPost:
		data = object{"runId": "run-1", "workflowName": "Poster", "status": "queued"}
	case strings.HasPrefix(path, "apps/"):
		data = object{"appId": "poster", "name": "Poster", "parameters": []object{{"id": "a", "key": "text", "name": "text", "type": "text"}}}
	case path == "runs":
		data = []object{run}
	case strings.HasPrefix(path, "runs/") && !strings.HasSuffix(path, "/stream"):
		data = run
	default:
		answer(w, http.StatusNotFound, object{"error": "nothing here", "code": "NOT_FOUND"})
		return
	}
	answer(w, http.StatusOK, object{"data": data})
}

func (s *canaryService) serveOAuth(w http.ResponseWriter, r *http.Request, body []byte) {
	base := s.URL + "/cli/oauth"
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server/cli/oauth":
		answer(w, http.StatusOK, object{
			"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
			"registration_endpoint": base + "/register", "device_authorization_endpoint": base + "/device",
			"revocation_endpoint": base + "/revoke", "code_challenge_methods_supported": []string{"S256"},
		})
	case "/cli/oauth/register":
		answer(w, http.StatusCreated, object{"client_id": "client-1"})
	case "/cli/oauth/authorize":
		state := r.URL.Query().Get("state")
		s.addSecret(state)
		back := url.Values{"state": {state}, "code": {canaryCode}}
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	case "/cli/oauth/device":
		answer(w, http.StatusOK, object{
			"device_code": canaryDevice, "user_code": "ABCD-EFGH", "verification_uri": s.URL + "/device", "expires_in": 600, "interval": 1,
		})
	case "/cli/oauth/token":
		var fields map[string]string
		_ = json.Unmarshal(body, &fields)
		s.addSecret(fields["code_verifier"])
		answer(w, http.StatusOK, object{
			"access_token": canaryAccess, "refresh_token": canaryRefresh, "token_type": "Bearer", "expires_in": 3600,
		})
	case "/cli/oauth/revoke":
		answer(w, http.StatusOK, object{})
	default:
		answer(w, http.StatusNotFound, object{"error": "nothing here"})
	}
}
