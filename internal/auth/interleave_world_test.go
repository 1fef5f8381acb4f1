package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/config/configtest"
	"github.com/uselamina/lamina/internal/provider"
)

// A world is what processes share, in memory: a disk, locks, and a service with its authorization server. Whatever a
// process does to it is a step, which happens when the scheduler lets it.
type world struct {
	dir    string // exists, and stays empty: the store looks at its mode
	broken broken
	now    time.Time

	joint  bool
	faults []string // what may go wrong, as long as there are any
	left   int      // how many more

	mu    sync.Mutex
	procs []*proc

	files   map[string]file // what processes see
	durable map[string]file // the names that a loss of power leaves
	holder  map[string]*proc
	server  service
	whole   string // the document when it was last found in order
	renames int    // of the document, since its folder was last synced
}

type file struct {
	data   string
	synced bool // survives a loss of power
}

// service is the far end. A refresh token works once.
type service struct {
	serial    int  // of the live refresh token, and of the access token given with it
	rejects   int  // access tokens up to this serial are not accepted
	strict    bool // a new access token ends the one before
	revokes   bool // a refresh token that comes twice ends the session
	revoked   bool
	rotations int
	reuses    int
	rotatedBy *proc
}

// broken says in which way a world, or what stands for our code in it, does not do what it must. Each is a mistake that
// the promises have to bring to light.
type broken struct {
	noLock, earlyUnlock, noSecondLook, tornWrite, noSync, noFolderSync, noNote, wrongRefusal, noExcuse bool
}

// A proc is a process. It may have several threads: its command, and a refresh beside it.
type proc struct {
	w       *world
	id      int
	name    string
	run     func(*proc) error
	source  *Session
	cancel  context.CancelFunc
	ctx     context.Context
	pending []*step

	dead, done  bool
	err         error
	history     [2]uint64 // of all that each thread has seen: what it will do is a function of that
	firstRead   string
	waiting     bool // in Source.Wait
	ticked      bool
	interrupted bool
	hits        []string // the faults it met
	stored      bool     // its rotation is in the document
	durable     bool     // and safe from a loss of power
	foreign     bool     // does not run our code
	midway      bool     // a foreign program between the service's answer and the end of its write
	slept       time.Duration
	comparing   bool // between the last look at the document and the rename
	temps       int
}

// A step waits to happen.
type step struct {
	p       *proc
	thread  int
	what    string
	local   bool   // nobody else can notice whether it happens now or later
	stops   string // a fault before a local step that is not the same as the fault after it
	enabled func() bool
	faults  []string
	do      func(fault string) string // carries it out, under world.mu, and returns what the process sees
	dead    bool
	gone    chan struct{}
}

var errDead = errors.New("the process is dead")

// may reports whether a fault may happen now.
func (w *world) may(fault string) bool { return w.left > 0 && slices.Contains(w.faults, fault) }

// take waits for the scheduler and reports whether the step happened.
func (p *proc) take(s step) bool {
	w := p.w
	w.mu.Lock()
	if p.dead {
		w.mu.Unlock()
		return false
	}
	s.p, s.thread = p, thread()
	if s.local && !w.joint && !slices.ContainsFunc(append(s.faults, s.stops), w.may) {
		p.see(&s, "", s.do(""))
		w.mu.Unlock()
		return true
	}
	s.gone = make(chan struct{})
	p.pending = append(p.pending, &s)
	w.mu.Unlock()
	<-s.gone
	return !s.dead
}

// thread is 1 for a refresh, 0 for everything else.
func thread() int {
	var pcs [30]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*Session).renew") {
			return 1
		}
		if !more {
			return 0
		}
	}
}

// happen carries out a step and lets its thread go on.
func (s *step) happen(fault string) {
	p := s.p
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.pending = slices.DeleteFunc(p.pending, func(other *step) bool { return other == s })
	if fault != "" {
		p.hits = append(p.hits, fault)
	}
	if s.what != "sleep" {
		for _, other := range p.w.procs {
			if p.foreign {
				other.slept = 0
			}
		}
	}
	p.see(s, fault, s.do(fault))
	close(s.gone)
}

func (p *proc) see(s *step, fault, result string) {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, p.history[s.thread])
	for _, text := range []string{s.what, fault, result} {
		h.WriteString(text)
		h.WriteByte(0)
	}
	p.history[s.thread] = h.Sum64()
}

var seed = maphash.MakeSeed()

// die ends a process as SIGKILL does: its locks are free, and nothing it still wants to do happens.
func (p *proc) die() {
	p.dead = true
	for lock, holder := range p.w.holder {
		if holder == p {
			delete(p.w.holder, lock)
		}
	}
	for _, s := range p.pending {
		s.dead = true
		close(s.gone)
	}
	p.pending = nil
}

func (w *world) start(p *proc) {
	p.w, p.id = w, len(w.procs)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	at := w.now
	store := configtest.NewStore(w.dir, memoryDisk{p})
	store.Now = func() time.Time { return at }
	p.source = &Session{
		Store: store, Provider: provider.Lamina(),
		HTTP: &http.Client{Transport: wire{p}}, Now: func() time.Time { return at }, Rand: func() float64 { return 0 },
		sleep: func(_ context.Context, d time.Duration) error {
			memoryDisk{p}.Sleep(d)
			return nil
		},
	}
	w.procs = append(w.procs, p)
	go func() {
		err := p.run(p)
		w.mu.Lock()
		defer w.mu.Unlock()
		if !p.dead {
			p.done, p.err = true, err
			p.die() // a process that ends takes its threads along
		}
		p.cancel()
	}()
}

// memoryDisk is the disk as one process uses it.
type memoryDisk struct{ p *proc }

func base(path string) string { return filepath.Base(path) }

func isDocument(path string) bool { return base(path) == "config.json" }

func (d memoryDisk) Read(path string) ([]byte, error) {
	var data string
	var known bool
	ok := d.p.take(step{what: "read " + base(path), local: !isDocument(path), do: func(string) string {
		var f file
		f, known = d.p.w.files[base(path)]
		data = f.data
		if d.p.w.broken.noSecondLook && isDocument(path) {
			if d.p.firstRead == "" {
				d.p.firstRead = data
			}
			data = d.p.firstRead
		}
		return data
	}})
	switch {
	case !ok:
		return nil, errDead
	case !known:
		return nil, syscall.ENOENT
	}
	return []byte(data), nil
}

func (d memoryDisk) WriteTemp(target string, data []byte) (string, error) {
	w := d.p.w
	note := !isDocument(target)
	d.p.comparing = !note
	var name string
	failed := false
	ok := d.p.take(step{what: "write beside " + base(target), local: true, faults: []string{"disk full"}, do: func(fault string) string {
		if failed = fault != ""; failed {
			return "full"
		}
		d.p.temps++
		name = fmt.Sprintf("%s.tmp-%d-%d", base(target), d.p.id, d.p.temps)
		if !(note && w.broken.noNote) {
			w.files[name] = file{string(data), !w.broken.noSync}
		}
		return ""
	}})
	switch {
	case !ok:
		return "", errDead
	case failed:
		return "", syscall.ENOSPC
	}
	return filepath.Join(filepath.Dir(target), name), nil
}

func (d memoryDisk) Rename(from, to string) error {
	w := d.p.w
	if w.broken.earlyUnlock {
		d.unlock(config.RefreshLock("").String())
	}
	if w.broken.tornWrite && isDocument(to) {
		d.p.take(step{what: "truncate", do: func(string) string { w.files[base(to)] = file{"", true}; return "" }})
	}
	ok := d.p.take(step{what: "rename to " + base(to), local: !isDocument(to), stops: kill, do: func(string) string {
		if f, there := w.files[base(from)]; there {
			w.files[base(to)] = f
			delete(w.files, base(from))
		}
		if isDocument(to) {
			w.renames++
			d.p.comparing = false
			d.p.stored = w.server.rotatedBy == d.p
		}
		return ""
	}})
	if !ok {
		return errDead
	}
	return nil
}

func (d memoryDisk) SyncDir(string) error {
	w := d.p.w
	ok := d.p.take(step{what: "sync the folder", local: true, do: func(string) string {
		if !w.broken.noFolderSync {
			w.durable, w.renames = maps.Clone(w.files), 0
		}
		d.p.durable = d.p.stored
		return ""
	}})
	if !ok {
		return errDead
	}
	return nil
}

func (d memoryDisk) Remove(path string) error {
	w := d.p.w
	d.p.comparing = false
	ok := d.p.take(step{what: "remove", local: true, stops: kill, do: func(string) string { delete(w.files, base(path)); return "" }})
	if !ok {
		return errDead
	}
	return nil
}

func (d memoryDisk) Lock(ctx context.Context, path string) (func(), error) {
	w := d.p.w
	lock := base(path)
	free := func() bool { return w.holder[lock] == nil || w.broken.noLock }
	late := false
	ok := d.p.take(step{what: "lock " + lock, enabled: free, faults: []string{"waited too long"}, do: func(fault string) string {
		if late = fault != ""; !late {
			w.holder[lock] = d.p
		}
		return ""
	}})
	switch {
	case !ok:
		return nil, errDead
	case late:
		return nil, context.DeadlineExceeded
	case ctx.Err() != nil:
		d.unlock(lock)
		return nil, ctx.Err()
	}
	return func() { d.unlock(lock) }, nil
}

// unlock is no step: nobody can tell it from the step before it.
func (d memoryDisk) unlock(lock string) {
	w := d.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder[lock] == d.p {
		delete(w.holder, lock)
	}
}

// promptly is how long a foreign program takes, at most, for each of its steps from the service's answer to the end of
// its write. We look again for a quarter of a second; for one that is slower nothing can be promised.
const promptly = 100 * time.Millisecond

// Sleep may take shorter or longer than it should, but never so long that a foreign program is not prompt.
func (d memoryDisk) Sleep(t time.Duration) {
	w := d.p.w
	foreign := slices.ContainsFunc(w.procs, func(p *proc) bool { return p.foreign })
	d.p.take(step{what: "sleep", local: !foreign, do: func(string) string { d.p.slept += t; return "" }, enabled: func() bool {
		return !slices.ContainsFunc(w.procs, func(p *proc) bool { return p.midway }) || d.p.slept+t < promptly
	}})
}

// wire is the network as one process uses it.
type wire struct{ p *proc }

func (n wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if strings.HasSuffix(req.URL.Path, "/token") {
		return n.refresh(req)
	}
	status := 0
	ok := n.p.take(step{what: "api", do: func(string) string {
		status = n.p.w.server.account(req.Header.Get("x-api-key"))
		return fmt.Sprint(status)
	}})
	if !ok {
		return nil, errDead
	}
	return answerWith(status, `{}`), nil
}

func answerWith(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

func (n wire) refresh(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var body struct {
		Token string `json:"refresh_token"`
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&body); err != nil {
		return nil, err
	}
	var resp *http.Response
	cut, lost := false, false
	ok := n.p.take(step{what: "request", faults: []string{"cut", "503", "500"}, do: func(fault string) string {
		switch fault {
		case "cut":
			cut = true
		case "503":
			resp = answerWith(http.StatusServiceUnavailable, "")
			if n.p.w.broken.wrongRefusal {
				resp = answerWith(http.StatusBadRequest, `{"error":"invalid_grant"}`)
			}
		case "500":
			n.p.w.server.refresh(n.p, body.Token) // carried out, and then something broke
			resp = answerWith(http.StatusInternalServerError, "")
		default:
			resp = n.p.w.server.refresh(n.p, body.Token)
		}
		if cut {
			return "cut"
		}
		return resp.Status
	}})
	switch {
	case !ok:
		return nil, errDead
	case cut:
		return nil, io.ErrUnexpectedEOF
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	ok = n.p.take(step{what: "answer", local: true, faults: []string{"lost"}, do: func(fault string) string { lost = fault != ""; return "" }})
	switch {
	case !ok:
		return nil, errDead
	case lost:
		return nil, io.ErrUnexpectedEOF
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	}
	return resp, nil
}

func (s *service) account(token string) int {
	var serial int
	if _, err := fmt.Sscanf(token, "lma_mcp_at_%d", &serial); err != nil || s.revoked || serial <= s.rejects || s.strict && serial != s.serial {
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

func (s *service) refresh(p *proc, token string) *http.Response {
	if token != fmt.Sprintf("rt-%d", s.serial) || s.revoked {
		s.reuses++
		s.revoked = s.revoked || s.revokes
		return answerWith(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	s.serial++
	s.rotations++
	s.rotatedBy, p.stored, p.durable, p.midway = p, false, false, p.foreign
	return answerWith(http.StatusOK, fmt.Sprintf(
		`{"access_token":"lma_mcp_at_%d","refresh_token":"rt-%d","token_type":"Bearer","expires_in":3600}`, s.serial, s.serial))
}

// nodeClient does what the Node client does when its token is near its end: it takes no lock, and writes what it read,
// with the new tokens, over the file.
func nodeClient(p *proc) error {
	path := filepath.Join(p.w.dir, "config.json")
	raw, err := memoryDisk{p}.Read(path)
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	credentials := doc["credentials"].(map[string]any)
	if end, err := time.Parse(time.RFC3339, credentials["expiresAt"].(string)); err == nil && end.Sub(p.w.now) > time.Minute {
		return nil
	}
	body := fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, credentials["refreshToken"])
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, "http://127.0.0.1/cli/oauth/token", strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := wire{p}.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("status %v", resp))
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&tokens); err != nil {
		return err
	}
	credentials["apiKey"], credentials["refreshToken"] = tokens.Access, tokens.Refresh
	credentials["expiresAt"] = p.w.now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z")
	changed, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	// Between our last look and the rename are some microseconds, in which nothing can be promised either.
	free := func() bool {
		return !slices.ContainsFunc(p.w.procs, func(other *proc) bool {
			return other.comparing && slices.ContainsFunc(other.pending, func(s *step) bool { return s.what == "rename to config.json" })
		})
	}
	p.take(step{what: "truncate", enabled: free, do: func(string) string { p.w.files["config.json"] = file{"", true}; return "" }})
	p.take(step{what: "write in place", enabled: free, do: func(string) string {
		p.w.files["config.json"] = file{string(changed), true}
		p.midway, p.stored = false, true
		return ""
	}})
	return nil
}
