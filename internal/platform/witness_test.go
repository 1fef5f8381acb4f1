package platform

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// A witness sends requests to a platform that is killed repeatedly, and keeps the answers.
type witness struct {
	t    *testing.T
	file string
	base string
	key  string
	http *http.Client

	mu      sync.Mutex
	runs    []string            // ids of runs that were accepted
	uploads map[string][32]byte // path of an asset → SHA-256 of the accepted bytes
	pending map[string]bool     // upload paths without an upload
	logins  []*login
}

// A login has the last tokens of a client.
type login struct {
	clientID string
	access   string
	refresh  string
	isUnsure bool // a refresh was sent and not answered
}

// revive starts the platform and returns a function that kills it.
func (w *witness) revive() (kill func()) {
	w.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+w.file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		w.http.CloseIdleConnections()
	})
	w.t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &w.base, &w.key); scanErr != nil {
		w.t.Fatalf("start of the platform: got %q (%v), want an address and a key", line, err)
	}
	return kill
}

// send sends a request. The status is 0 if the answer is missing or incomplete.
func (w *witness) send(method, path, contentType string, body []byte, headers ...string) (status int, answer []byte) {
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, bytes.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil
	}
	return resp.StatusCode, answer
}

// call sends a request to the API and decodes the member data.
func (w *witness) call(method, path, body string, into any) (status int) {
	status, answer := w.send(method, path, "application/json", []byte(body), "X-Api-Key", w.key)
	if status/100 == 2 && into != nil {
		if err := json.Unmarshal(answer, &struct{ Data any }{into}); err != nil {
			w.t.Errorf("%s %s: got %s (%v), want JSON", method, path, answer, err)
		}
	}
	return status
}

// token sends a request to the token endpoint and keeps the tokens.
func (w *witness) token(l *login, form url.Values) (status int) {
	l.isUnsure = true
	form.Set("client_id", l.clientID)
	status, answer := w.send("POST", "/cli/oauth/token", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if status == http.StatusOK {
		var reply struct {
			AccessToken  string `json:"access_token"`
			RefreshToken string `json:"refresh_token"`
		}
		if err := json.Unmarshal(answer, &reply); err != nil {
			w.t.Error(err)
		}
		l.access, l.refresh, l.isUnsure = reply.AccessToken, reply.RefreshToken, false
	}
	return status
}

func (w *witness) refresh(l *login) (status int) {
	return w.token(l, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {l.refresh}})
}

// signIn registers a client and signs it in.
func (w *witness) signIn() *login {
	w.t.Helper()
	_, answer := w.send("POST", "/cli/oauth/register", "application/json", []byte(`{"redirect_uris": ["`+testRedirect+`"]}`))
	var c struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(answer, &c); err != nil {
		w.t.Fatal(err)
	}
	query := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {testRedirect},
		"code_challenge": {testChallenge}, "code_challenge_method": {"S256"},
	}
	resp, err := w.http.Get(w.base + "/cli/oauth/authorize?" + query.Encode())
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		w.t.Fatal(err)
	}
	l := &login{clientID: c.ID}
	status := w.token(l, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {testRedirect}, "code_verifier": {testVerifier},
	})
	if status != http.StatusOK {
		w.t.Fatalf("sign-in: got %d, want 200", status)
	}
	return l
}

// hammer sends requests in parallel until the platform does not answer.
func (w *witness) hammer() *sync.WaitGroup {
	var all sync.WaitGroup
	repeat := func(what string, once func() int) {
		all.Go(func() {
			for {
				switch status := once(); status {
				case 0:
					return
				case http.StatusOK, http.StatusAccepted, http.StatusServiceUnavailable: // the queue is full
				default:
					w.t.Errorf("%s: got %d, want 200, 202 or 503", what, status)
					return
				}
			}
		})
	}
	for i := range 2 {
		repeat("run", w.startRun)
		repeat("upload", w.upload)
		turn := 0
		repeat("refresh", func() int {
			turn++
			return w.refresh(w.logins[i+2*(turn%(len(w.logins)/2))])
		})
	}
	return &all
}

func (w *witness) startRun() (status int) {
	var started api.RunStarted
	status = w.call("POST", "/v1/apps/countdown/runs", `{"inputs":{"seconds":"0"}}`, &started)
	if status == http.StatusAccepted {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.runs = append(w.runs, started.RunID)
	}
	return status
}

func (w *witness) upload() (status int) {
	var reply api.UploadURLs
	if status = w.call("POST", "/v1/assets/upload-urls", `{"files":[{"filename":"a.mp4","mediaType":"video"}]}`, &reply); status != http.StatusOK {
		return status
	}
	path := strings.TrimPrefix(reply.Uploads[0].UploadURL, w.base)
	w.mu.Lock()
	w.pending[path] = true
	w.mu.Unlock()
	content := wire.RandomBytes(1 + rand.IntN(3<<19))
	if status, _ = w.send("PUT", path, "video/mp4", content); status == http.StatusOK {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.pending, path)
		w.uploads[strings.TrimPrefix(reply.Uploads[0].AssetURL, w.base)] = sha256.Sum256(content)
	}
	return status
}

// waitForAnswers waits until one more run and one more upload are answered.
func (w *witness) waitForAnswers() {
	w.t.Helper()
	count := func() (runs, uploads int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.runs), len(w.uploads)
	}
	runs, uploads := count()
	for range 4000 {
		if r, u := count(); r > runs && u > uploads {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("got no answer for a run and an upload, want one for each")
}

// check checks that all answers still hold.
func (w *witness) check() {
	w.t.Helper()
	for _, id := range w.runs {
		if status := w.call("GET", "/v1/runs/"+id, "", nil); status != http.StatusOK {
			w.t.Errorf("run %s: got %d, want 200", id, status)
		}
	}
	for path, digest := range w.uploads {
		if status, got := w.send("GET", path, "", nil); status != http.StatusOK || sha256.Sum256(got) != digest {
			w.t.Errorf("upload %s: got %d and %d other bytes, want 200 and the uploaded bytes", path, status, len(got))
		}
	}
	for path := range w.pending {
		if status, _ := w.send("PUT", path, "video/mp4", []byte("x")); status != http.StatusOK {
			w.t.Errorf("upload address: got %d, want 200", status)
		}
	}
	clear(w.pending)
	for i, l := range w.logins {
		if status, _ := w.send("GET", "/v1/account", "", nil, "X-Api-Key", l.access); status != http.StatusOK {
			w.t.Errorf("last access token of login %d: got %d, want 200", i, status)
		}
		if l.isUnsure {
			w.logins[i] = w.signIn()
		} else if status := w.refresh(l); status != http.StatusOK {
			w.t.Errorf("last refresh token of login %d: got %d, want 200", i, status)
		}
	}
}
