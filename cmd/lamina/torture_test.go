//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The torture test: real processes of the real program against a real local platform, whose request log is the judge.
// docs/sessions.md says what is promised. LAMINA_TEST_TORTURE=N makes N rounds of each test instead of one.

// tortureRounds is how often each test is done.
func tortureRounds() int {
	n, _ := strconv.Atoi(os.Getenv("LAMINA_TEST_TORTURE"))
	return max(1, n)
}

// A victim is somebody signed in to a platform of their own.
type victim struct {
	t    testing.TB
	home string
	url  string // of the platform
}

// newVictim starts a platform, signs in, and puts fields of later programs into the configuration.
func newVictim(t testing.TB, devFlags ...string) *victim {
	t.Helper()
	v := &victim{t: t, home: t.TempDir()}
	dev, err := startDev(v.home, v.home, append([]string{"--auto-approve", "--rate-limit", "0"}, devFlags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.stop() })
	v.url = dev.BaseURL
	v.login()
	return v
}

func (v *victim) login() {
	v.t.Helper()
	cmd := v.command("login", "--no-browser", "-o", "text")
	cmd.Env = append(cmd.Env, "LAMINA_BASE_URL="+v.url)
	screen, err := cmd.StderrPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		v.t.Fatal(err)
	}
	var seen []string
	for lines := bufio.NewScanner(screen); lines.Scan(); {
		seen = append(seen, lines.Text())
		if page := regexp.MustCompile(`http://\S+/cli/oauth/authorize\?\S+`).FindString(lines.Text()); page != "" {
			if resp, err := http.Get(page); err == nil { // the platform approves, and redirects to the program
				resp.Body.Close()
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		v.t.Fatalf("login: %v\n%s", err, strings.Join(seen, "\n"))
	}
	v.edit(func(doc, credentials, _ map[string]any) {
		doc["future"], credentials["device"] = map[string]any{"deep": []any{1.0}}, "laptop"
	})
}

// command is a process of the program.
func (v *victim) command(args ...string) *exec.Cmd {
	cmd := exec.Command("lamina", args...)
	cmd.Env = append(os.Environ(), "HOME="+v.home, "NO_COLOR=1", "LAMINA_OUTPUT=json", "LAMINA_CONFIG_DIR=", "LAMINA_API_KEY=")
	return cmd
}

func (v *victim) path() string { return filepath.Join(v.home, ".lamina", "config.json") }

// An end is how a process ended.
type end struct {
	status int
	stderr string
	took   time.Duration
}

func (v *victim) run(cmd *exec.Cmd) end {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		v.t.Error(err)
	}
	return end{cmd.ProcessState.ExitCode(), stderr.String(), time.Since(began)}
}

// parallel runs n processes of the same command at once.
func (v *victim) parallel(n int, args ...string) []end {
	return v.inParallel(n, func() *exec.Cmd { return v.command(args...) })
}

func (v *victim) inParallel(n int, command func() *exec.Cmd) []end {
	ends := make([]end, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { ends[i] = v.run(command()) })
	}
	all.Wait()
	return ends
}

func (v *victim) wantAllFine(ends []end) {
	v.t.Helper()
	for i, e := range ends {
		if e.status != 0 {
			v.t.Errorf("process %d of %d ended with %d: %s", i, len(ends), e.status, e.stderr)
		}
	}
}

// edit changes the configuration as a person would, while no command runs.
func (v *victim) edit(change func(doc, credentials, session map[string]any)) {
	v.t.Helper()
	doc := v.document()
	credentials, _ := doc["credentials"].(map[string]any)
	session, _ := credentials["session"].(map[string]any)
	change(doc, credentials, session)
	raw, err := json.Marshal(doc)
	if err := errors.Join(err, os.WriteFile(v.path(), raw, 0o600)); err != nil {
		v.t.Fatal(err)
	}
}

// document is the configuration. It is never torn, and no field of a later program is ever lost.
func (v *victim) document() map[string]any {
	v.t.Helper()
	raw, err := os.ReadFile(v.path())
	var doc map[string]any
	if err := errors.Join(err, json.Unmarshal(raw, &doc)); err != nil {
		v.t.Fatalf("the document is torn: %v: %q", err, raw)
	}
	return doc
}

func (v *victim) refreshToken() string {
	v.t.Helper()
	doc := v.document()
	credentials, _ := doc["credentials"].(map[string]any)
	if doc["future"] == nil || credentials["device"] != "laptop" {
		v.t.Errorf("a field was lost: %v", slices.Collect(maps.Keys(doc)))
	}
	token, _ := credentials["refreshToken"].(string)
	return token
}

// shift moves the times of the stored token, as seen by a clock that was moved the other way.
func (v *victim) shift(by time.Duration) {
	v.t.Helper()
	v.edit(func(_, credentials, session map[string]any) {
		for _, in := range []struct {
			fields map[string]any
			name   string
		}{{credentials, "expiresAt"}, {session, "obtainedAt"}, {session, "issuedAt"}} {
			text, _ := in.fields[in.name].(string)
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				v.t.Fatalf("%s: %v", in.name, err)
			}
			in.fields[in.name] = at.Add(by).UTC().Format("2006-01-02T15:04:05.000Z")
		}
	})
}

// control talks to the platform below /dev.
func (v *victim) control(method, path, body string) []byte {
	v.t.Helper()
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		v.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, raw, err)
	}
	return raw
}

// expire lets the access token expire for everybody: two hours pass for the service and for the file.
func (v *victim) expire() {
	v.t.Helper()
	v.control(http.MethodPost, "/dev/clock", `{"advance": "2h"}`)
	v.shift(-2 * time.Hour)
	v.forget()
}

// forget clears the platform's log and its faults.
func (v *victim) forget() {
	v.control(http.MethodDelete, "/dev/requests", "")
	v.control(http.MethodDelete, "/dev/faults", "")
}

func (v *victim) fault(plan string) { v.control(http.MethodPost, "/dev/faults", plan) }

// A logged request is one that the platform received.
type logged struct {
	Path, GrantType string
	Status          int
	Time            time.Time
}

func (v *victim) log() []logged {
	v.t.Helper()
	var reply struct{ Data []logged }
	if err := json.Unmarshal(v.control(http.MethodGet, "/dev/requests", ""), &reply); err != nil {
		v.t.Fatal(err)
	}
	return reply.Data
}

// refreshes counts what the platform was asked, and what it carried out and answered.
func (v *victim) refreshes() (asked, answered int) {
	for _, r := range v.log() {
		if r.GrantType == "refresh_token" {
			asked++
			if r.Status == http.StatusOK {
				answered++
			}
		}
	}
	return asked, answered
}

func (v *victim) wantRefreshes(want int) {
	v.t.Helper()
	if asked, answered := v.refreshes(); asked != want || answered != want {
		v.t.Errorf("the platform was asked for %d refreshes and answered %d, want %d", asked, answered, want)
	}
}

const lostAnswer = "but its response was lost before it was stored"

func TestTortureHerd(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	herd := 16
	if isFullLength() {
		herd = 64
	}
	for range tortureRounds() {
		for name, prepare := range map[string]func(){
			"expired by both clocks": v.expire,
			"rejected, with a clock two hours behind": func() {
				v.control(http.MethodPost, "/dev/clock", `{"advance": "2h"}`)
				v.forget()
			},
			"still good, with a clock two hours ahead": func() { v.shift(-2 * time.Hour); v.forget() },
		} {
			before := v.refreshToken()
			prepare()
			v.wantAllFine(v.parallel(herd, "whoami"))
			v.wantRefreshes(1)
			if v.refreshToken() == before {
				t.Errorf("%s: the new refresh token is not stored", name)
			}
			if t.Failed() {
				t.Fatalf("while the token was %s", name)
			}
		}
	}
}

// A slow disk: other writers that sync all the time. This slows real disks down, and a disk in memory hardly.
func TestTortureSlowDisk(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for i := range 4 {
		busy.Go(func() {
			f, err := os.Create(filepath.Join(v.home, fmt.Sprintf("busy-%d", i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for block := make([]byte, 1<<20); ctx.Err() == nil; {
				_, _ = f.WriteAt(block, 0)
				_ = f.Sync()
			}
		})
	}
	for range tortureRounds() {
		v.expire()
		v.wantAllFine(v.parallel(16, "whoami"))
		v.wantRefreshes(1)
	}
	stop()
	busy.Wait()
}

// A full disk: nothing is spent, the session is kept, and the message names the file.
func TestTortureFullDisk(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	for _, blocks := range []string{"0", "1", "2"} {
		v.expire()
		before := v.refreshToken()
		cmd := v.command()
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "ulimit -f " + blocks + "; exec lamina whoami"}
		if e := v.run(cmd); e.status != 1 || !strings.Contains(e.stderr, ".json cannot be written") {
			t.Errorf("%s blocks: status %d: %s", blocks, e.status, e.stderr)
		}
		v.wantRefreshes(0)
		if v.refreshToken() != before {
			t.Error("the record changed")
		}
	}
	v.wantAllFine(v.parallel(1, "whoami"))
}

// What the token endpoint can do wrong. One process is hit; the others go on.
func TestTortureFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan    string
		status  int  // of the process that is hit
		rotated bool // the service may have carried it out, so the session may be lost
	}{
		"503":             {`"status": 503`, 8, false},
		"429":             {`"status": 429, "headers": {"Retry-After": "1"}`, 6, false},
		"a proxy's page":  {`"status": 403, "html": true`, 8, false},
		"cut before":      {`"cut": "before"`, 0, false}, // the request is repeated
		"answer lost":     {`"cut": "after"`, 4, true},
		"answer cut":      {`"cut": "body", "cutAfterBytes": 20`, 4, true},
		"slow, and right": {`"delay": "300ms"`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			for range tortureRounds() {
				v.expire()
				v.fault(`{"path": "/cli/oauth/token", ` + c.plan + `}`)
				v.wantFault(v.parallel(6, "whoami"), c.status, c.rotated)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// wantFault checks six processes of which the first to refresh met a fault.
func (v *victim) wantFault(ends []end, status int, rotated bool) {
	v.t.Helper()
	statuses := map[int]int{}
	for _, e := range ends {
		statuses[e.status]++
		if e.status == 4 && !strings.Contains(e.stderr, lostAnswer) {
			v.t.Errorf("not what happened: %s", e.stderr)
		}
	}
	asked, _ := v.refreshes()
	switch {
	case status == 0 && statuses[0] == 6 && asked <= 2:
	case status != 0 && !rotated && statuses[status] == 1 && statuses[0] == 5 && asked == 2: // the session lives
	case rotated && statuses[status] == 6 && asked == 2: // one more, to learn that it is over
		if e := v.run(v.command("whoami")); e.status != 4 || !strings.Contains(e.stderr, lostAnswer) {
			v.t.Errorf("later: status %d: %s", e.status, e.stderr)
		}
		v.login()
	default:
		v.t.Errorf("statuses %v after %d requests, want one of %d: %v", statuses, asked, status, ends)
	}
	v.wantAllFine(v.parallel(1, "whoami"))
	_ = v.refreshToken()
}

// While the token is still good, no fault of the token endpoint is noticed by anybody.
func TestTortureFaultsBesideAGoodToken(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	for range tortureRounds() {
		v.forget()
		v.shift(-(time.Hour - 50*time.Second))
		v.fault(`{"path": "/cli/oauth/token", "status": 503, "times": 1000}`)
		v.wantAllFine(v.parallel(8, "whoami"))
		v.forget()
		v.wantAllFine(v.parallel(8, "whoami"))
		v.wantRefreshes(1)
	}
}

// A gate stands between the program and the platform, and stops at the token endpoint.
type gate struct {
	*httptest.Server
	busy    sync.WaitGroup
	mu      sync.Mutex
	before  func() // called when a refresh has arrived
	after   func() // called when the platform has carried it out, before it is answered
	lenient bool   // a refresh token that comes twice is refused here, so that the platform does not end the session
	spent   map[string]bool
}

func newGate(v *victim) *gate {
	g := &gate{spent: map[string]bool{}}
	target, err := url.Parse(v.url)
	if err != nil {
		v.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of clients that were killed
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cli/oauth/token" {
			proxy.ServeHTTP(w, r)
			return
		}
		g.refresh(w, r, proxy)
	}))
	v.t.Cleanup(g.Close)
	v.moveTo(g.URL)
	return g
}

// moveTo lets the stored login lead to another address of the platform.
func (v *victim) moveTo(address string) {
	v.t.Helper()
	v.edit(func(_, credentials, _ map[string]any) {
		for name, value := range credentials {
			if text, ok := value.(string); ok {
				credentials[name] = strings.Replace(text, v.url, address, 1)
			}
		}
	})
}

func (g *gate) refresh(w http.ResponseWriter, r *http.Request, platform http.Handler) {
	g.busy.Add(1)
	defer g.busy.Done()
	body, _ := io.ReadAll(r.Body)
	var fields struct {
		Token string `json:"refresh_token"`
	}
	_ = json.Unmarshal(body, &fields)
	g.mu.Lock()
	before, after, spent := g.before, g.after, g.lenient && g.spent[fields.Token]
	g.spent[fields.Token] = true
	g.mu.Unlock()
	if spent {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error": "invalid_grant"}`)
		return
	}
	if before != nil {
		before()
	}
	rec := httptest.NewRecorder()
	again := r.Clone(context.WithoutCancel(r.Context())) // the service goes on when its client dies
	again.Body = io.NopCloser(bytes.NewReader(body))
	platform.ServeHTTP(rec, again)
	if after != nil {
		after()
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (g *gate) set(before, after func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before, g.after = before, after
}

// A process is killed at every step of a refresh.
func TestTortureKill(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			g := newGate(v)
			for range tortureRounds() {
				for _, step := range []string{"start", "note", "request", "rotated", "write", "renamed", "any"} {
					v.killAt(g, step, signal)
					if t.Failed() {
						t.Fatalf("killed at: %s", step)
					}
				}
			}
		})
	}
}

// killAt kills a command with an expired token at a step, and checks what the next one finds.
func (v *victim) killAt(g *gate, step string, signal syscall.Signal) {
	v.t.Helper()
	v.expire()
	before := v.refreshToken()
	cmd := v.command("whoami")
	started := make(chan struct{})
	var once sync.Once
	strike := func() {
		once.Do(func() {
			<-started
			_ = cmd.Process.Signal(signal)
		})
	}
	hold := func() {
		strike()
		time.Sleep(20 * time.Millisecond) // so that it has died, if it dies of that
	}
	over, watched := make(chan struct{}), make(chan struct{})
	close(watched)
	watch := func(reached func() bool) {
		watched = make(chan struct{})
		go func() {
			defer close(watched)
			for !reached() {
				select {
				case <-over:
					return
				default:
				}
			}
			strike()
		}()
	}
	answered := make(chan struct{})
	switch step {
	case "start":
		watch(func() bool { return true })
	case "note":
		watch(func() bool { return v.holds("refresh-*.json*") })
	case "request":
		g.set(hold, nil)
	case "rotated":
		g.set(nil, hold)
	case "write":
		g.set(nil, func() { close(answered) })
		watch(func() bool { return isClosed(answered) && v.holds("config.json.tmp-*") })
	case "renamed":
		watch(func() bool { raw, _ := os.ReadFile(v.path()); return !bytes.Contains(raw, []byte(before)) })
	case "any":
		wait := time.Duration(rand.IntN(60)) * time.Millisecond
		end := time.Now().Add(wait)
		watch(func() bool { return time.Now().After(end) })
	}
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	close(started)
	_ = cmd.Wait()
	close(over)
	<-watched
	g.set(nil, nil)
	time.Sleep(20 * time.Millisecond) // what it sent may not have arrived
	g.busy.Wait()
	v.wantAlive(g, before, signal)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (v *victim) holds(pattern string) bool {
	found, err := filepath.Glob(filepath.Join(v.home, ".lamina", pattern))
	return err == nil && len(found) > 0
}

// wantAlive checks a session after a command was killed: it works with at most one refresh, or, if the service had
// rotated and SIGKILL came before that was stored, the loss is told as what it is.
func (v *victim) wantAlive(g *gate, before string, signal syscall.Signal) {
	v.t.Helper()
	e := v.run(v.command("whoami"))
	_, answered := v.refreshes()
	lost := e.status == 4 && v.refreshToken() == before // the one refresh was not the next command's, which would have stored it
	switch {
	case answered != 1:
		v.t.Errorf("%d refreshes for one expiry", answered)
	case lost && signal != syscall.SIGKILL:
		v.t.Errorf("%s lost the session", signal)
	case lost && !strings.Contains(e.stderr, lostAnswer):
		v.t.Errorf("the loss is not told: %s", e.stderr)
	case !lost && e.status != 0:
		v.t.Errorf("the next command ended with %d: %s", e.status, e.stderr)
	}
	if !lost {
		return
	}
	v.login()
	v.moveTo(g.URL)
}

// The Node client is simulated: it takes no lock, and truncates the file before it writes what it had read, with its
// changes. The gate is lenient, as far as is known like the service.
func TestTortureNode(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	g := newGate(v)
	g.lenient = true
	for range tortureRounds() {
		v.expire()
		rotated := make(chan struct{})
		g.set(nil, func() { close(rotated) })
		var both sync.WaitGroup
		both.Go(func() { v.nodeRefresh(g, 40*time.Millisecond) })
		<-rotated // the Node client was first
		g.set(nil, nil)
		v.wantAllFine(v.parallel(8, "whoami"))
		both.Wait()
		if _, answered := v.refreshes(); answered != 1 {
			t.Errorf("%d refreshes", answered)
		}
		_ = v.refreshToken()

		v.expire() // and now we are first
		v.wantAllFine(v.parallel(8, "whoami"))
		v.nodeRefresh(g, 0)
		v.wantRefreshes(1)

		// It writes something else, thirty times a second, while commands read.
		ctx, stop := context.WithCancel(t.Context())
		both.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				v.nodeWrite(v.document(), func(doc map[string]any) { doc["webhook"] = map[string]any{"port": float64(n)} }, 3*time.Millisecond)
				time.Sleep(30 * time.Millisecond)
			}
		})
		v.wantAllFine(v.parallel(16, "whoami"))
		stop()
		both.Wait()
	}
}

// nodeRefresh does what the Node client does when its token is near its end.
func (v *victim) nodeRefresh(g *gate, pause time.Duration) {
	doc := v.document()
	credentials := doc["credentials"].(map[string]any)
	end, err := time.Parse(time.RFC3339, credentials["expiresAt"].(string))
	if err == nil && time.Until(end) > time.Minute {
		return
	}
	body, _ := json.Marshal(map[string]any{
		"grant_type": "refresh_token", "refresh_token": credentials["refreshToken"], "client_id": credentials["clientId"],
	})
	resp, err := http.Post(g.URL+"/cli/oauth/token", "application/json", bytes.NewReader(body))
	if err != nil {
		v.t.Error(err)
		return
	}
	defer resp.Body.Close()
	var tokens map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&tokens); err != nil || resp.StatusCode != http.StatusOK {
		v.t.Errorf("the Node client: %s %v", resp.Status, err)
		return
	}
	v.nodeWrite(doc, func(map[string]any) {
		credentials["apiKey"], credentials["refreshToken"] = tokens["access_token"], tokens["refresh_token"]
		life := time.Duration(tokens["expires_in"].(float64)) * time.Second
		credentials["expiresAt"] = time.Now().Add(life).UTC().Format("2006-01-02T15:04:05.000Z")
	}, pause)
}

func (v *victim) nodeWrite(doc map[string]any, change func(map[string]any), pause time.Duration) {
	change(doc)
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		v.t.Error(err)
		return
	}
	f, err := os.OpenFile(v.path(), os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		v.t.Error(err)
		return
	}
	defer f.Close()
	time.Sleep(pause)
	_, _ = f.Write(raw[:len(raw)/2])
	time.Sleep(pause / 4)
	_, _ = f.Write(raw[len(raw)/2:])
}

// A long command lives through many expiries. Without the event stream it asks again and again.
func TestTortureLongCommand(t *testing.T) {
	t.Parallel()
	life, seconds := "1s", 3
	if tortureRounds() > 1 {
		life, seconds = "2s", 8
	}
	for name, c := range map[string]struct {
		how, fault string
		many       bool // many refreshes are needed
	}{
		"the stream outlives the token": {"wait", "", false},
		"a stream that is cut":          {"watch", `{"path": "/v1/runs/*", "cut": "body", "cutAfterBytes": 1500, "times": 4}`, false},
		"without stream and waiting":    {"watch", `{"path": "/v1/runs/*", "status": 404, "times": 2}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, "--access-token-ttl", life)
			atLeast := map[bool]int{true: 2}[c.many]
			outlives(t, seconds, atLeast, func(seconds int) int {
				id := v.startRuns(1, seconds)[0]
				v.forget()
				if c.fault != "" {
					v.fault(c.fault)
				}
				if e := v.run(v.command("runs", c.how, id, "--interval", "1s")); e.status != 0 {
					t.Errorf("status %d: %s", e.status, e.stderr)
				}
				asked, answered := v.refreshes()
				if asked != answered {
					t.Errorf("%d refreshes, %d of them answered", asked, answered)
				}
				t.Logf("%d refreshes in %d requests", asked, len(v.log()))
				return asked
			})
		})
	}
}

// Two commands wait for the same eight runs, for as long as several tokens live: whatever road they take to the news,
// each gets all of it, and both together refresh once for each expiry.
func TestTortureManyRuns(t *testing.T) {
	t.Parallel()
	const life = 2 * time.Second
	seconds := 2
	if tortureRounds() > 1 {
		seconds = 10
	}
	for name, lost := range map[string][]string{"by streams": nil, "by asking": {"/stream", "/wait"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, "--access-token-ttl", life.String())
			outlives(t, seconds, 2, func(seconds int) int {
				ids := v.startRuns(8, seconds)
				v.forget()
				for _, id := range ids {
					for _, end := range lost {
						v.fault(`{"path": "/v1/runs/` + id + end + `", "status": 404, "times": 1000}`)
					}
				}
				var both sync.WaitGroup
				for range 2 {
					both.Go(func() { v.wantCompleted(ids) })
				}
				both.Wait()
				return v.wantOneRefreshEach(life)
			})
		})
	}
}

// outlives tries with runs of some seconds, and with longer ones where a busy machine was so late that too few tokens
// expired meanwhile: refreshes are what try counts.
func outlives(t *testing.T, seconds, atLeast int, try func(seconds int) (refreshes int)) {
	t.Helper()
	for ; try(seconds) < atLeast && !t.Failed(); seconds *= 2 {
		if seconds > 60 {
			t.Fatalf("fewer than %d refreshes: does the command outlive its tokens?", atLeast)
		}
	}
}

// startRuns starts runs that take some seconds, of which four work at a time, and returns their ids.
func (v *victim) startRuns(count, seconds int) []string {
	v.t.Helper()
	var ids []string
	for range count {
		out, err := v.command("run", "countdown", "-i", "seconds="+strconv.Itoa(seconds), "--jq", ".data.runId").Output()
		if err != nil {
			v.t.Fatal(err)
		}
		ids = append(ids, strings.Trim(string(out), "\"\n"))
	}
	return ids
}

// wantCompleted waits for runs with one command, which tells that each has completed.
func (v *victim) wantCompleted(ids []string) {
	cmd := v.command(append([]string{"runs", "wait", "--interval", "1s"}, ids...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if e := v.run(cmd); e.status != 0 || strings.Contains(e.stderr, "trying again") || strings.Contains(e.stderr, "still waiting") {
		v.t.Errorf("status %d: %s", e.status, e.stderr)
	}
	var reply struct {
		Data []struct{ RunID, Status string }
	}
	if err := json.Unmarshal(out.Bytes(), &reply); err != nil || len(reply.Data) != len(ids) {
		v.t.Errorf("%d of %d runs: %v", len(reply.Data), len(ids), err)
		return
	}
	for i, run := range reply.Data {
		if run.RunID != ids[i] || run.Status != "completed" {
			v.t.Errorf("run %s: %+v", ids[i], run)
		}
	}
}

// wantOneRefreshEach checks that all refreshes were answered, and that there were not two in the life of one token. That is
// measured to the second, as the server's Date tells the time. It returns how many there were.
func (v *victim) wantOneRefreshEach(life time.Duration) int {
	v.t.Helper()
	var last time.Time
	count, rejected := 0, 0
	for _, r := range v.log() {
		switch {
		case r.Status == http.StatusUnauthorized:
			rejected++ // and renewed, and repeated
		case r.GrantType != "refresh_token":
		case r.Status != http.StatusOK:
			v.t.Errorf("a refresh was answered %d", r.Status)
		case !last.IsZero() && r.Time.Sub(last) < life*9/10-time.Second:
			v.t.Errorf("a token that lives %s was renewed after %s", life, r.Time.Sub(last))
		default:
			count, last = count+1, r.Time
		}
	}
	v.t.Logf("%d refreshes in %d requests, of which %d were rejected at first", count, len(v.log()), rejected)
	return count
}
