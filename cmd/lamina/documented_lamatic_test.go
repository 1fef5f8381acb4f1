package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A documentedLamatic is a server written from Lamatic's documentation alone. Its only workflow, echo, returns its payload.
type documentedLamatic struct {
	t  *testing.T
	mu sync.Mutex
	// barrier is the number of concurrent requests that must arrive before the first is answered; 0 means no barrier.
	barrier  int
	waiting  []chan struct{}
	inFlight int
	most     int
	refuse   int // the number of requests that get 429
	texts    []string
}

func (s *documentedLamatic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, header := range []struct{ name, want string }{
		{"Authorization", "Bearer the-key"}, {"X-Project-Id", "the-project"}, {"Content-Type", "application/json"},
	} {
		if got := r.Header.Get(header.name); got != header.want {
			s.t.Errorf("%s: got %q, want %q", header.name, got, header.want)
		}
	}
	var body struct {
		Query     string
		Variables struct {
			WorkflowID string
			Payload    map[string]string
		}
	}
	raw, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(raw, &body); err != nil || r.Method != http.MethodPost || r.URL.Path != "/graphql" {
		s.t.Errorf("got %s %s with %s, want POST /graphql with JSON", r.Method, r.URL, raw)
	}
	if !s.enter(body.Variables.Payload["text"]) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer s.leave()
	w.Header().Set("Content-Type", "application/json")
	if body.Variables.WorkflowID != "echo" || !strings.Contains(body.Query, "executeWorkflow(workflowId: $workflowId, payload: $payload)") {
		_, _ = io.WriteString(w, `{"errors":[{"message":"no such workflow"}]}`)
		return
	}
	result, _ := json.Marshal(body.Variables.Payload)
	_, _ = fmt.Fprintf(w, `{"data":{"executeWorkflow":{"status":"success","result":%s}}}`, result)
}

// enter counts a request and waits at the barrier. It returns false for a request that gets 429.
func (s *documentedLamatic) enter(text string) bool {
	s.mu.Lock()
	if s.refuse > 0 {
		s.refuse--
		s.mu.Unlock()
		return false
	}
	s.texts = append(s.texts, text)
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	if s.inFlight >= s.barrier {
		s.barrier = 0
		for _, ch := range s.waiting {
			close(ch)
		}
		s.waiting = nil
	}
	ch := make(chan struct{})
	if s.barrier == 0 {
		close(ch)
	} else {
		s.waiting = append(s.waiting, ch)
	}
	s.mu.Unlock()
	<-ch
	return true
}

func (s *documentedLamatic) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// newDocumentedLamatic starts the server, and returns a user with its key.
func newDocumentedLamatic(t *testing.T, s *documentedLamatic) user {
	t.Helper()
	s.t = t
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return newUser(t, "http://127.0.0.1:9", "LAMATIC_API_KEY=the-key", "LAMATIC_PROJECT_ID=the-project", "LAMATIC_ENDPOINT="+hs.URL+"/graphql")
}

// TestDocumentedLamatic runs a workflow, and one that does not exist.
func TestDocumentedLamatic(t *testing.T) {
	t.Parallel()
	u := newDocumentedLamatic(t, &documentedLamatic{})
	if got := u.output(t, "lamatic", "run", "echo", "-i", `text={"} $x`, "--jq", ".data.executeWorkflow.result.text"); got != "{\"} $x\n" {
		t.Errorf("got %q, want the payload", got)
	}
	out, err := u.command("lamatic", "run", "other", "-i", "text=x", "--json").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(string(out), "no such workflow") {
		t.Errorf("got %v and %s, want exit status 3 and the message of the server", err, out)
	}
}

// TestLamaticBatchLimit runs exactly --parallel workflows at once, sends each payload once although some requests get 429,
// and prints the results in the order of the file.
func TestLamaticBatchLimit(t *testing.T) {
	t.Parallel()
	const parallel, payloads = 3, 20
	s := &documentedLamatic{barrier: parallel, refuse: 2}
	u := newDocumentedLamatic(t, s)
	var file, want strings.Builder
	var texts []string
	for i := range payloads {
		text := fmt.Sprintf("n%02d", i)
		texts = append(texts, text)
		fmt.Fprintf(&file, "{\"text\":%q}\n", text)
		fmt.Fprintf(&want, "%d %s\n", i, text)
	}
	if err := os.WriteFile(filepath.Join(u.home, "payloads.ndjson"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got := u.output(t, "lamatic", "batch", "echo", "payloads.ndjson", "--parallel", fmt.Sprint(parallel), "--jq", `"\(.index) \(.result.text)"`)
	if got != want.String() {
		t.Errorf("got\n%swant\n%s", got, want.String())
	}
	if slices.Sort(s.texts); s.most != parallel || !slices.Equal(s.texts, texts) {
		t.Errorf("got %d at once and %q, want %d and %q", s.most, s.texts, parallel, texts)
	}
}
