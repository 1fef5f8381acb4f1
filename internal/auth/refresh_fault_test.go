package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// respond returns a fault: a response with a status and a body.
func respond(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, _ := w.(http.Hijacker).Hijack()
	_ = conn.Close()
	return true
}

func redirectElsewhere(w http.ResponseWriter, r *http.Request) bool {
	http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	return true
}

func TestFaultsKeepTheSession(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		fault      func(http.ResponseWriter, *http.Request) bool
		want       any
		hasJournal bool // the service may have carried out the refresh
	}{
		{"500", respond(500, `{"error":"invalid_grant"}`), new(*StatusError), true},
		{"502", respond(502, "<html>rt-secret-0"), new(*StatusError), true},
		{"503", respond(503, ""), new(*StatusError), false},
		{"429", respond(429, `{"error":"slow_down"}`), new(*StatusError), false},
		{"408", respond(408, ""), new(*StatusError), false},
		{"425", respond(425, ""), new(*StatusError), false},
		{"page of a proxy", respond(200, "<html>sign in to the hotel rt-secret-0"), new(*ResponseError), true},
		{"empty object", respond(200, "{}"), new(*ResponseError), true},
		{"malformed token", respond(200, `{"access_token":"a\nb","token_type":"bearer"}`), new(*ResponseError), true},
		{"unknown token type", respond(200, `{"access_token":"ab","token_type":"mac"}`), new(*ResponseError), true},
		{"too large", respond(200, `{"access_token":"a"}`+strings.Repeat(" ", maxResponse)), new(*ResponseError), true},
		{
			"temporary refusal", respond(400, `{"error":"temporarily_unavailable","error_description":"rt\u001b[31m"}`),
			new(*OAuthError), false,
		},
		{"connection cut off", cutOff, new(*UnreachableError), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.setFault(test.fault)
			s.clock.add(2 * time.Hour)
			before := s.stored()
			_, err := s.token()
			var refresh *RefreshError
			if !errors.As(err, &refresh) || !errors.As(err, test.want) {
				t.Fatalf("got %T %v, want a *RefreshError with cause %T", err, err, test.want)
			}
			if strings.Contains(err.Error(), "rt-secret") || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("got %q, want no text of the response", err)
			}
			after := s.stored()
			if got := !s.session.sentBefore(after).IsZero(); got != test.hasJournal {
				t.Errorf("got journal: %v, want %v", got, test.hasJournal)
			}
			if !reflect.DeepEqual(after, before) {
				t.Errorf("stored %#v\nwant   %#v", after, before)
			}
			if got := s.count("/elsewhere"); got != 0 {
				t.Errorf("got %d redirected requests, want none", got)
			}
			s.setFault(nil)
			s.wantToken("lma_mcp_at_a-1")
			s.wantNoJournal()
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		s := newRig(t)
		s.clock.add(2 * time.Hour)
		s.Close()
		_, err := s.token()
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) {
			t.Errorf("got %v, want an *UnreachableError", err)
		}
		s.wantNoJournal()
		if got := s.stored().RefreshToken; got != "rt-secret-0" {
			t.Errorf("got refresh token %q, want rt-secret-0", got.Reveal())
		}
	})
}

func TestFaultBeforeExpiry(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.setFault(respond(http.StatusServiceUnavailable, ""))
	s.clock.add(59*time.Minute + 30*time.Second)
	s.wantToken("lma_mcp_at_a-0") // a refresh in the background fails
	s.session.Wait(5 * time.Second)
	s.session = s.newSession()
	s.clock.add(25 * time.Second)
	s.wantToken("lma_mcp_at_a-0") // the request waits for a refresh, which fails
	if got := s.count("/cli/oauth/token"); got != 2 {
		t.Errorf("got %d refresh requests, want 2", got)
	}
}

func TestInvalidGrantEndsTheSession(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(*rig)
		reason  Reason
	}{
		{"revoked", func(*rig) {}, ReasonRefused},
		{"unused", func(s *rig) { s.clock.add(31 * 24 * time.Hour) }, ReasonUnused},
		{"lost response", func(s *rig) { _ = s.session.writeJournal(context.Background(), s.stored()) }, ReasonLostResponse},
		{"journal of another token", func(s *rig) {
			_ = s.session.writeJournal(context.Background(), config.Credential{RefreshToken: "rt-secret-before"})
		}, ReasonRefused},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.locked(func() { clear(s.refresh) })
			s.clock.add(2 * time.Hour)
			test.prepare(s)
			_, err := s.token()
			wantEnded(t, err, test.reason)
			s.wantNoJournal()
			if lost := (*LostResponseError)(nil); errors.As(err, &lost) != (test.reason == ReasonLostResponse) {
				t.Errorf("got %T, want a *LostResponseError only for %s", err, ReasonLostResponse)
			}
			got := s.stored()
			if got.EndedAt.IsZero() || got.EndedReason != string(test.reason) || got.RefreshToken != "rt-secret-0" || got.Token == "" {
				t.Errorf("stored %#v, want the tokens and the end with reason %s", got, test.reason)
			}
			_, err = s.token()
			wantEnded(t, err, test.reason)
			if got := s.refreshes(); got != 1 {
				t.Errorf("got %d refreshes, want 1", got)
			}
		})
	}
}

// Every definite refusal ends the session, because a retry cannot help. The record is kept, and is not sent again.
func TestRefusalEndsTheSession(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  func(http.ResponseWriter, *http.Request) bool
		reason Reason
		detail string
	}{
		{"invalid_request", respond(400, `{"error":"invalid_request","error_description":"token expired"}`), ReasonRejected, "invalid_request: token expired"},
		{"empty 400", respond(400, ""), ReasonRejected, "status 400 Bad Request"},
		{"page with status 400", respond(400, "<html>rt-secret-0"), ReasonRejected, "status 400 Bad Request"},
		{"invalid_client", respond(401, `{"error":"invalid_client"}`), ReasonUnknownClient, "invalid_client"},
		{"unauthorized_client", respond(400, `{"error":"unauthorized_client"}`), ReasonUnknownClient, "unauthorized_client"},
		{"interaction_required", respond(400, `{"error":"interaction_required"}`), ReasonRejected, "interaction_required"},
		{"invalid_token", respond(401, `{"error":"invalid_token"}`), ReasonRejected, "invalid_token"},
		{"empty 401", respond(401, ""), ReasonRejected, "status 401 Unauthorized"},
		{"403", respond(403, "blocked"), ReasonRejected, "status 403 Forbidden"},
		{"404", respond(404, "{}"), ReasonRejected, "status 404 Not Found"},
		{"redirect", redirectElsewhere, ReasonRejected, "status 307 Temporary Redirect"},
		{"refusal with status 200", respond(200, `{"error":"bad_refresh_token"}`), ReasonRejected, "bad_refresh_token"},
		{"invalid_grant with status 200", respond(200, `{"error":"invalid_grant","error_description":"gone"}`), ReasonRefused, "gone"},
		{
			"error object", respond(400, `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"no such\u001b[31m token"}}`),
			ReasonRejected, "INVALID_ARGUMENT: no such[31m token",
		},
		{"error object with status 200", respond(200, `{"error":{"code":7}}`), ReasonRejected, "7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.setFault(test.fault)
			s.clock.add(2 * time.Hour)
			_, err := s.token()
			wantEnded(t, err, test.reason)
			if !strings.Contains(err.Error(), test.detail) {
				t.Errorf("got %q, want the server's reason %q", err, test.detail)
			}
			got := s.stored()
			if got.EndedAt.IsZero() || got.EndedDetail != test.detail || got.RefreshToken != "rt-secret-0" {
				t.Errorf("stored %#v, want the tokens and the end with detail %q", got, test.detail)
			}
			if client := ClientOf(got); (client.ID == "") != (test.reason == ReasonUnknownClient) {
				t.Errorf("got client %q for the next sign-in after %s", client.ID, test.reason)
			}
			s.wantNoJournal()
			s.setFault(nil)
			_, err = s.token()
			wantEnded(t, err, test.reason)
			if !strings.Contains(err.Error(), test.detail) {
				t.Errorf("second command: got %q, want the server's reason %q", err, test.detail)
			}
			if got := s.count("/cli/oauth/token"); got != 1 {
				t.Errorf("got %d refresh requests, want 1", got)
			}
			if got := s.count("/elsewhere"); got != 0 {
				t.Errorf("got %d redirected requests, want none", got)
			}
		})
	}
}

// A program that does not take the lock has refreshed the session. Its result is used, even if it is stored a little later.
func TestInvalidGrantAdoptsAnotherRefresh(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.clock.add(2 * time.Hour)
	s.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/cli/oauth/token" {
			return false
		}
		time.AfterFunc(60*time.Millisecond, func() { // the Node client writes in place, without the lock
			c := s.stored()
			raw, _ := os.ReadFile(s.store.Path())
			text := strings.NewReplacer("lma_mcp_at_a-0", "lma_mcp_at_node", "rt-secret-0", "rt-secret-node",
				c.ExpiresAt.Format("2006-01-02T15:04:05.000Z"), s.clock.Now().Add(time.Hour).Format("2006-01-02T15:04:05.000Z")).Replace(string(raw))
			_ = os.WriteFile(s.store.Path(), []byte(text), 0o600)
		})
		writeJSON(w, 400, map[string]any{"error": "invalid_grant"})
		return true
	})
	s.wantToken("lma_mcp_at_node")
	if got := s.stored(); !got.EndedAt.IsZero() || got.RefreshToken != "rt-secret-node" {
		t.Errorf("stored %#v, want the refresh token rt-secret-node and no end", got)
	}
}
