package platform

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

var kills = flag.Int("kills", 3, "how often TestAnsweredRequestsSurviveKills kills the platform")

// victimEnv names the data file of a process that is there to be killed.
const victimEnv = "LAMINA_TEST_VICTIM"

func TestMain(m *testing.M) {
	if file := os.Getenv(victimEnv); file != "" {
		fmt.Fprintln(os.Stderr, beVictim(file))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// beVictim serves a platform until the process is killed. Its first line of output says how to reach it.
func beVictim(file string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	s, err := New(Options{BaseURL: base, DataFile: file, AutoApprove: true, RateLimit: -1, timing: &timing{}})
	if err != nil {
		return err
	}
	key, _, err := s.NewAPIKey("victim")
	if err != nil {
		return err
	}
	fmt.Println(base, key)
	return http.Serve(listener, s)
}

// A witness makes requests of a platform that is killed again and again, and remembers what was answered.
type witness struct {
	t    *testing.T
	file string
	base string
	key  string
	http *http.Client

	mu      sync.Mutex
	runs    []string            // ids of runs that were accepted
	uploads map[string][32]byte // path of an asset → SHA-256 of the bytes that were accepted
	rights  map[string]bool     // paths that may be uploaded to
	logins  []*login
}

// A login is what the last answer to a client's token request held.
type login struct {
	clientID string
	access   string
	refresh  string
	asking   bool // a refresh was sent and not answered: only the server knows whether it happened
}

// revive starts the platform and returns what kills it.
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
		w.t.Fatalf("the platform did not start: %v %q", err, line)
	}
	return kill
}

// ask makes a request, and returns status 0 if it was not answered in full.
func (w *witness) ask(method, path, contentType string, body []byte, headers ...string) (status int, answer []byte) {
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

// call asks the API, and decodes what is in the envelope.
func (w *witness) call(method, path, body string, into any) (status int) {
	status, answer := w.ask(method, path, "application/json", []byte(body), "X-Api-Key", w.key)
	if status/100 == 2 && into != nil {
		if err := json.Unmarshal(answer, &struct{ Data any }{into}); err != nil {
			w.t.Errorf("%s %s: %v: %s", method, path, err, answer)
		}
	}
	return status
}

// token asks the token endpoint, and keeps what it answers.
func (w *witness) token(l *login, form url.Values) (status int) {
	l.asking = true
	form.Set("client_id", l.clientID)
	status, answer := w.ask("POST", "/cli/oauth/token", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if status == http.StatusOK {
		var reply tokenReply
		if err := json.Unmarshal(answer, &reply); err != nil {
			w.t.Error(err)
		}
		l.access, l.refresh, l.asking = reply.AccessToken, reply.RefreshToken, false
	}
	return status
}

func (w *witness) refresh(l *login) (status int) {
	return w.token(l, url.Values{"grant_type": {grantRefresh}, "refresh_token": {l.refresh}})
}

// signIn registers a client and signs it in.
func (w *witness) signIn() *login {
	w.t.Helper()
	_, answer := w.ask("POST", "/cli/oauth/register", "application/json", []byte(`{"redirect_uris": ["`+testRedirect+`"]}`))
	var c client
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
		"grant_type": {grantCode}, "code": {back.Query().Get("code")}, "redirect_uri": {testRedirect}, "code_verifier": {testVerifier},
	})
	if status != http.StatusOK {
		w.t.Fatalf("sign-in: %d", status)
	}
	return l
}

// hammer makes requests in parallel until the platform is gone.
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
					w.t.Errorf("%s: %d", what, status)
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
	right := strings.TrimPrefix(reply.Uploads[0].UploadURL, w.base)
	w.mu.Lock()
	w.rights[right] = true
	w.mu.Unlock()
	content := randomBytes(1 + rand.IntN(chunkSize+chunkSize/2))
	if status, _ = w.ask("PUT", right, "video/mp4", content); status == http.StatusOK {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.rights, right)
		w.uploads[strings.TrimPrefix(reply.Uploads[0].AssetURL, w.base)] = sha256.Sum256(content)
	}
	return status
}

// waitForAnswers waits until a run and an upload were answered since it was called.
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
	w.t.Fatal("no run and no upload was answered")
}

// check asks whether everything that was answered is still true.
func (w *witness) check() {
	w.t.Helper()
	for _, id := range w.runs {
		if status := w.call("GET", "/v1/runs/"+id, "", nil); status != http.StatusOK {
			w.t.Errorf("run %s: %d", id, status)
		}
	}
	for path, digest := range w.uploads {
		if status, got := w.ask("GET", path, "", nil); status != http.StatusOK || sha256.Sum256(got) != digest {
			w.t.Errorf("upload %s: %d, %d bytes that are not those that were sent", path, status, len(got))
		}
	}
	for right := range w.rights {
		if status, _ := w.ask("PUT", right, "video/mp4", []byte("x")); status != http.StatusOK {
			w.t.Errorf("upload address: %d", status)
		}
	}
	clear(w.rights)
	for i, l := range w.logins {
		if status, _ := w.ask("GET", "/v1/account", "", nil, "X-Api-Key", l.access); status != http.StatusOK {
			w.t.Errorf("the last access token of login %d: %d", i, status)
		}
		if l.asking {
			w.logins[i] = w.signIn()
		} else if status := w.refresh(l); status != http.StatusOK {
			w.t.Errorf("the last refresh token of login %d: %d", i, status)
		}
	}
}

// Whatever was answered before the process was killed is true when it runs again; what was not answered happened in
// full or not at all.
func TestAnsweredRequestsSurviveKills(t *testing.T) {
	t.Parallel()
	w := &witness{
		t: t, file: filepath.Join(t.TempDir(), "state.db"), uploads: map[string][32]byte{}, rights: map[string]bool{},
		http: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	kill := w.revive()
	for range 6 {
		w.logins = append(w.logins, w.signIn())
	}
	for range *kills {
		all := w.hammer()
		w.waitForAnswers()
		time.Sleep(rand.N(150 * time.Millisecond))
		kill()
		all.Wait()
		kill = w.revive()
		w.check()
	}
	kill()
	t.Logf("%d runs, %d uploads", len(w.runs), len(w.uploads))
	checkWholeness(t, w.file)
}

// checkWholeness opens a data file and checks that its runs end and its files are whole and belong to assets.
func checkWholeness(t *testing.T, file string) {
	t.Helper()
	s, err := New(Options{DataFile: file, timing: &timing{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for unfinished := 1; unfinished > 0; {
		changed := s.runsChanged.next()
		s.store.view(func(tx *tx) { unfinished = len(tx.keys(bucketQueue)) })
		if unfinished > 0 {
			<-changed
		}
	}
	var assets []asset
	s.store.view(func(tx *tx) { assets = list[asset](tx, bucketAssets) })
	files := 0
	for _, a := range assets {
		if a.File == nil {
			continue
		}
		files++
		hash := sha256.New()
		if n, err := io.Copy(hash, s.media.open(*a.File)); err != nil || n != a.File.Size || fmt.Sprintf("%x", hash.Sum(nil)) != a.File.Digest {
			t.Errorf("asset %s: %d of %d bytes: %v", a.ID, n, a.File.Size, err)
		}
	}
	if held := s.media.held(t); len(held) != files {
		t.Errorf("%d files are kept for %d assets", len(held), files)
	}
}
