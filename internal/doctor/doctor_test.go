package doctor

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/redact"
	"github.com/uselamina/lamina/internal/session"
)

// now is the clock of the tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const testKey = "lma_0123456789abcdef"

// newSessions returns a manager for an environment of NAME=VALUE settings. The configuration folder is a new one unless a setting
// names another.
func newSessions(t *testing.T, settings ...string) *session.Manager {
	t.Helper()
	env := map[string]string{"LAMINA_CONFIG_DIR": filepath.Join(t.TempDir(), ".lamina")}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		env[name] = value
	}
	discard := func(string, ...any) {}
	return &session.Manager{
		Getenv: func(name string) string { return env[name] }, Now: func() time.Time { return now }, UserAgent: "lamina/test",
		Secrets: redact.New(func() []string { return []string{"lma_"} }), Say: discard, Note: discard,
	}
}

// saveCredential stores a credential in the default profile.
func saveCredential(t *testing.T, sessions *session.Manager, c config.Credential) {
	t.Helper()
	err := sessions.Store().Update(t.Context(), func(d *config.Document) error {
		d.SetProfile(config.Profile{Name: config.DefaultProfile, Credential: c})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// examine prepares an examination.
func examine(t *testing.T, sessions *session.Manager) *examination {
	t.Helper()
	e, err := newExamination(t.Context(), sessions)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// newService starts a service that accepts testKey.
func newService(t *testing.T) *httptest.Server {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", now.Format(http.TimeFormat))
		if r.Header.Get("X-Api-Key") != testKey {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error": "unknown key", "code": "UNAUTHORIZED"}`))
			return
		}
		_, _ = w.Write([]byte(`{"data": {"user": {"id": "u1", "email": "sam@example.com"}, "workspace": {"id": "w1", "name": "Atelier"}}}`))
	}))
	t.Cleanup(service.Close)
	return service
}

// expect compares the status of a finding, and looks for a part of its text.
func expect(t *testing.T, got Finding, status Status, text string) {
	t.Helper()
	if got.Status != status || !strings.Contains(got.Text, text) {
		t.Errorf("got %s %q, want %s with %q", got.Status, got.Text, status, text)
	}
	if (got.Status == Failed) != (got.failure != fail.Code{}) {
		t.Errorf("got status %s with the code %q", got.Status, got.failure.Name)
	}
}

// find returns the finding of a check.
func find(t *testing.T, r Report, id string) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(f Finding) bool { return f.ID == id })
	if i < 0 {
		t.Fatalf("the report has no check %s", id)
	}
	return r.Checks[i]
}

func TestRun(t *testing.T) {
	t.Parallel()
	service := newService(t)
	tests := []struct {
		name           string
		settings       []string
		wantErr        fail.Code // zero: no check fails
		account        Status
		credentialText string
	}{
		{"accepted key", []string{"LAMINA_API_KEY=" + testKey}, fail.Code{}, OK, "LAMINA_API_KEY, which overrides"},
		{"refused key", []string{"LAMINA_API_KEY=lma_another0123456789"}, fail.InvalidKey, Failed, "LAMINA_API_KEY, which overrides"},
		{"no credential", nil, fail.NotLoggedIn, Skipped, "not signed in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report, err := Run(t.Context(), Options{Sessions: newSessions(t, append(tt.settings, "LAMINA_BASE_URL="+service.URL)...)})
			if err != nil {
				t.Fatal(err)
			}
			if got := find(t, report, "account").Status; got != tt.account {
				t.Errorf("account: got status %s, want %s", got, tt.account)
			}
			if got := find(t, report, "credential").Text; !strings.Contains(got, tt.credentialText) {
				t.Errorf("credential: got %q, want %q", got, tt.credentialText)
			}
			if got := find(t, report, "api").Status; got != OK {
				t.Errorf("api: got status %s, want %s", got, OK)
			}
			var failure *fail.Error
			errors.As(report.Err(), &failure)
			if report.OK != (failure == nil) || failure != nil && failure.Code != tt.wantErr || failure == nil && tt.wantErr != (fail.Code{}) {
				t.Errorf("got OK %v and error %v, want code %q", report.OK, report.Err(), tt.wantErr.Name)
			}
		})
	}
}

func TestRunUnknownService(t *testing.T) {
	t.Parallel()
	sessions := newSessions(t)
	sessions.Flags.Provider = "nosuch"
	if _, err := Run(t.Context(), Options{Sessions: sessions}); err == nil || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("got error %v, want one that names the service", err)
	}
}

func TestReportErr(t *testing.T) {
	t.Parallel()
	r := Report{Checks: []Finding{
		{ID: "config", Status: OK},
		{ID: "api", Status: Failed, failure: fail.Unreachable},
		{ID: "clock", Status: Failed, failure: fail.CheckFailed},
	}}
	var got *fail.Error
	if !errors.As(r.Err(), &got) {
		t.Fatalf("got %v, want a *fail.Error", r.Err())
	}
	want := fail.Error{Code: fail.Unreachable, Message: "2 of 3 checks failed: api, clock", Hint: "lamina explain network_unreachable"}
	if got.Code != want.Code || got.Message != want.Message || got.Hint != want.Hint {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}

// TestChecksAreDocumented compares the checks with the table of docs/troubleshooting.md.
func TestChecksAreDocumented(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(guide), "## What doctor checks")
	table, _, _ = strings.Cut(table, "\n## ")
	var documented, made []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(table, -1) {
		for _, id := range regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, id[1])
		}
	}
	for _, c := range checks() {
		made = append(made, c.id)
		if c.class == "" || c.run == nil {
			t.Errorf("check %s has no class or no function", c.id)
		}
	}
	if !slices.Equal(made, documented) {
		t.Errorf("got the checks %v, want those of the guide: %v", made, documented)
	}
}
