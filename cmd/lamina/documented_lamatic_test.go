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

// A documentedLamatic is a server written from Lamatic's documentation alone. Its only workflow, echo, answers with its payload.
type documentedLamatic struct {
	t  *testing.T
	mu sync.Mutex
	// together is how many requests have to be there at once before the first ones are answered; 0: none.
	barrier  int
	waiting  []chan struct{}
	inFlight int
	most     int
	refuse   int // so many requests are told that they are too many
	texts    []string
}

func (s *documentedLamatic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, want := range map[string]string{
		"Authorization": "Bearer the-key", "X-Project-Id": "the-project", "Content-Type": "application/json",
	} {
		if got := r.Header.Get(name); got != want {
			s.t.Errorf("%s: %q, want %q", name, got, want)
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
		s.t.Errorf("%s %s %s", r.Method, r.URL, raw)
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

// enter counts a request, and waits until enough of them are there. It reports false for one that is too many.
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

// newDocumentedLamatic starts the server, and returns somebody who has its key.
func newDocumentedLamatic(t *testing.T, s *documentedLamatic) user {
	t.Helper()
	s.t = t
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return newUser(t, "http://127.0.0.1:9", "LAMATIC_API_KEY=the-key", "LAMATIC_PROJECT_ID=the-project", "LAMATIC_ENDPOINT="+hs.URL+"/graphql")
}

func TestDocumentedLamatic(t *testing.T) {
	t.Parallel()
	u := newDocumentedLamatic(t, &documentedLamatic{})
	if got := u.output(t, "lamatic", "run", "echo", "-i", `text={"} $x`, "--jq", ".data.executeWorkflow.result.text"); got != "{\"} $x\n" {
		t.Errorf("got %q", got)
	}
	out, err := u.command("lamatic", "run", "other", "-i", "text=x", "--json").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(string(out), "no such workflow") {
		t.Errorf("%v %s", err, out)
	}
}

// TestLamaticBatchLimit: as many workflows run at once as were asked for, never more; each payload is sent once, although
// some are told to wait; and the lines come in the order of the file.
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
		t.Errorf("got\n%s", got)
	}
	if slices.Sort(s.texts); s.most != parallel || !slices.Equal(s.texts, texts) {
		t.Errorf("%d at once, %q", s.most, s.texts)
	}
}
