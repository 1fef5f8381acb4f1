package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The servers of this file and of documented_laghav_test.go and documented_lamatic_test.go are written from the pages of the
// services' documentation, not from the local platform, so that a mistake of the platform is not a mistake of the client.

// sampleKey is concatenated so that a scan for keys does not report this file.
func sampleKey(prefix string) string { return prefix + "seed" + "0000" + "key9" }

// newDocumentedLaminr serves the two pages of Laminr: keys in x-api-key, paths below a prefix, uploads in three steps.
func newDocumentedLaminr(t *testing.T, prefix string) string {
	t.Helper()
	refuse := func(w http.ResponseWriter, status int, code, message string) {
		answer(w, status, object{"error": object{"code": code, "message": message}})
	}
	storage := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.Header.Get("Content-Type") != "application/pdf" || r.Header.Get("X-Api-Key") != "" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	return newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		switch key := r.Header.Get("X-Api-Key"); {
		case key == sampleKey("sk_test_"):
			refuse(w, 403, "forbidden", "Insufficient permissions for this resource")
		case key != sampleKey("sk_live_"):
			refuse(w, 401, "unauthorized", "Invalid or missing API key")
		case r.URL.Path != prefix+"/files":
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPost:
			var asked struct {
				FileName string `json:"file_name"`
			}
			if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.FileName == "" || r.Header.Get("Content-Type") != "application/json" {
				refuse(w, 400, "bad_request", "file_name is required")
				return
			}
			answer(w, 200, object{"upload_url": storage + "/put?signature=s", "uri": "tenants/1/files/20260101-1-" + asked.FileName})
		default:
			answer(w, 200, []object{{"uri": "tenants/1/files/20260101-1-a.pdf"}})
		}
	})
}

// TestDocumentedLaminr signs in, lists and uploads below both prefixes that the documentation has.
func TestDocumentedLaminr(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"/v1", "/api/v1"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			base := newDocumentedLaminr(t, prefix)
			u := newUser(t, "", "LAMINR_BASE_URL="+base)
			status, _, messages := u.runWithInput(t, sampleKey("sk_live_")+"x", "login", "--provider", "laminr", "--with-api-key", "-o", "text")
			if status != 4 {
				t.Errorf("wrong key: got exit status %d, want 4", status)
			}
			mustContain(t, messages, "Laminr does not accept", "Invalid or missing API key (401 unauthorized)")
			status, out, messages := u.runWithInput(t, sampleKey("sk_live_"), "login", "--provider", "laminr", "--with-api-key", "-o", "text")
			if status != 0 {
				t.Fatalf("sign-in: got exit status %d, want 0: %s", status, messages)
			}
			mustContain(t, out, "Signed in to Laminr", "live key, accepted by the service")
			mustContain(t, u.output(t, "laminr", "files", "-o", "text"), "a.pdf")
			if err := os.WriteFile(filepath.Join(u.home, "loan.pdf"), []byte("%PDF-1.7 a loan"), 0o600); err != nil {
				t.Fatal(err)
			}
			mustContain(t, u.output(t, "laminr", "upload", "loan.pdf", "-o", "text"), "tenants/1/files/20260101-1-loan.pdf")

			testing := newUser(t, "", "LAMINR_BASE_URL="+base, "LAMINR_API_KEY="+sampleKey("sk_test_"))
			mustContain(t, testing.fails(t, 4, "laminr", "files", "--json"), `"code":"auth_wrong_class"`, "Insufficient permissions")
		})
	}
}

// newDocumentedLightfast serves Lightfast's page on authentication, and the search of the same API version. It has no other
// path and accepts only POST.
func newDocumentedLightfast(t *testing.T) string {
	t.Helper()
	refuse := func(w http.ResponseWriter, status int, code, message string) {
		answer(w, status, object{"error": code, "message": message, "requestId": "req_abc123"})
	}
	return newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		switch key := r.Header.Get("Authorization"); {
		case r.Method != http.MethodPost:
			refuse(w, 405, "METHOD_NOT_ALLOWED", "Use POST")
		case key == "Bearer "+sampleKey("sk-lf-other"):
			refuse(w, 403, "FORBIDDEN", "User not authorized to access the organization")
		case key != "Bearer "+sampleKey("sk-lf-"):
			refuse(w, 401, "UNAUTHORIZED", "Authentication required. Provide 'Authorization: Bearer <api-key>' header or sign in.")
		case r.URL.Path != "/api/v1/search":
			refuse(w, 404, "NOT_FOUND", "No such route")
		default:
			answerSearch(w, r, refuse)
		}
	})
}

// answerSearch answers a search for a page of three results.
func answerSearch(w http.ResponseWriter, r *http.Request, refuse func(http.ResponseWriter, int, string, string)) {
	var asked struct {
		Query  string `json:"query"`
		Limit  int    `json:"limit"`
		Offset int    `json:"offset"`
	}
	raw, _ := io.ReadAll(r.Body)
	if json.Unmarshal(raw, &asked) != nil || asked.Query == "" {
		refuse(w, 400, "VALIDATION_ERROR", "query is required")
		return
	}
	const total, page = 3, 2 // a page may have fewer results than the limit
	results := []object{}
	for i := asked.Offset; i < total && len(results) < min(asked.Limit, page); i++ {
		results = append(results, object{
			"id": fmt.Sprintf("doc_%d", i), "title": fmt.Sprintf("Hit %d of %s", i, asked.Query), "snippet": "as it stands", "score": 0.9,
			"source": "github", "type": "pull_request", "url": "https://example.com/" + fmt.Sprint(i), "occurredAt": "2026-01-01T00:00:00Z",
		})
	}
	answer(w, 200, object{"results": results, "total": total, "requestId": "req_abc124"})
}

// TestDocumentedLightfast signs in and searches over several pages.
func TestDocumentedLightfast(t *testing.T) {
	t.Parallel()
	u := newUser(t, "", "LIGHTFAST_BASE_URL="+newDocumentedLightfast(t)+"/api/v1")
	for _, refused := range []struct {
		key  string
		says []string
	}{
		{sampleKey("sk-lf-nobody"), []string{"Lightfast does not accept", "(401 UNAUTHORIZED)", "request req_abc123"}},
		{sampleKey("sk-lf-other"), []string{"Lightfast does not accept", "(403 FORBIDDEN)", "not of this organization"}},
	} {
		status, _, messages := u.runWithInput(t, refused.key, "login", "--provider", "lightfast", "--with-api-key", "-o", "text")
		if status != 4 {
			t.Errorf("%s: got exit status %d, want 4", refused.key, status)
		}
		mustContain(t, messages, refused.says...)
	}
	status, out, messages := u.runWithInput(t, sampleKey("sk-lf-"), "login", "--provider", "lightfast", "--with-api-key", "-o", "text")
	if status != 0 {
		t.Fatalf("sign-in: got exit status %d, want 0: %s", status, messages)
	}
	mustContain(t, messages, "costs a search for one result")
	mustContain(t, out, "Signed in to Lightfast", "accepted by the service")
	mustContain(t, u.output(t, "lightfast", "search", "session", "--limit", "2", "-o", "text"), "Hit 0 of session", "https://example.com/0")
	all := u.output(t, "lightfast", "search", "session", "--all", "-o", "ndjson")
	if lines := strings.Count(all, "\n"); lines != 3 {
		t.Errorf("got %d results on all pages, want 3:\n%s", lines, all)
	}
	mustContain(t, u.fails(t, 5, "lightfast", "contents", "doc_1", "--json"), `"code":"not_found"`, `"requestId":"req_abc123"`)
}

// newDocumentedLamina serves Lamina's page on authentication: two headers for the key, one workspace for each key.
func newDocumentedLamina(t *testing.T) string {
	t.Helper()
	return newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-Api-Key")
		if key == "" {
			key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		workspace := r.Header.Get("X-Workspace-Id")
		switch {
		case key == "":
			answer(w, 401, object{"error": "Missing API key"})
		case key != sampleKey("lma_"):
			answer(w, 401, object{"error": "Invalid API key"})
		case workspace != "" && workspace != "wsp_1":
			answer(w, 403, object{"error": "Workspace header does not match API key workspace scope"})
		default:
			answer(w, 200, object{"data": object{
				"user": object{"id": "usr_1", "email": "sam@example.com"}, "workspace": object{"id": "wsp_1", "name": "One", "role": "owner"},
			}})
		}
	})
}

// TestDocumentedLamina signs in with a key and calls the API.
func TestDocumentedLamina(t *testing.T) {
	t.Parallel()
	u := newUser(t, newDocumentedLamina(t))
	status, _, messages := u.runWithInput(t, sampleKey("lma_x"), "login", "--with-api-key", "-o", "text")
	if status != 4 {
		t.Errorf("wrong key: got exit status %d, want 4", status)
	}
	mustContain(t, messages, "Invalid API key")
	status, out, messages := u.runWithInput(t, sampleKey("lma_"), "login", "--with-api-key", "-o", "text")
	if status != 0 {
		t.Fatalf("sign-in: got exit status %d, want 0: %s", status, messages)
	}
	mustContain(t, out, "sam@example.com", "One")
	mustContain(t, u.output(t, "whoami", "--jq", ".data.workspace.id"), "wsp_1")
	mustContain(t, u.output(t, "api", "/v1/account", "--jq", ".data.user.id"), "usr_1")
	mustContain(t, u.fails(t, 4, "whoami", "--workspace", "wsp_2", "--json"), `"code":"auth_wrong_workspace"`)
}
