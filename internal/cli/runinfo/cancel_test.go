package runinfo

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

// TestCancelOfAGeneration cancels at a service that cancels only runs of apps.
func TestCancelOfAGeneration(t *testing.T) {
	t.Parallel()
	tests := []struct{ id, message, status string }{
		{"completed", "", "completed"},
		{"running", "the service does not cancel this run", ""},
		{"nothing", "there is no run", ""},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		id, isGeneration := strings.CutPrefix(r.URL.Path, "/v1/generate/runs/")
		if !isGeneration || id == "nothing" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"error":"Run not found","code":"NOT_FOUND"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"data":{"runId":%q,"status":%q,"model":"m","createdAt":"2026-06-01T00:00:00Z"}}`, id, id)
	}))
	defer server.Close()
	folder := t.TempDir()
	env := &cmdutil.Env{Sessions: &session.Manager{Now: time.Now, Getenv: func(name string) string { return map[string]string{"LAMINA_CONFIG_DIR": folder}[name] }}}
	for _, test := range tests {
		reply, err := Cancel(t.Context(), env, &api.Client{BaseURL: server.URL}, test.id)
		var failure *fail.Error
		switch {
		case test.message == "" && (err != nil || string(reply.Data.Status) != test.status || !strings.Contains(string(reply.Raw), `{"data":{"runId":"completed"`)):
			t.Errorf("%s: got %+v (%v), want its state", test.id, reply, err)
		case test.message != "" && (!errors.As(err, &failure) || !strings.Contains(failure.Message, test.message)):
			t.Errorf("%s: got %v, want %q", test.id, err, test.message)
		}
	}
}
