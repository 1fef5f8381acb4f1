package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A scenario is a few processes, and what may go wrong.
type scenario struct {
	name   string
	start  beginning
	procs  []program
	faults []string // kinds; see the constants
	budget int      // how many faults in one run
	broken broken
	server service
	joint  bool // also look between steps that only a loss of power can tell apart
}

// A beginning is the state of the stored token.
type beginning struct {
	left     time.Duration // what our clock says
	rejected bool          // what the service says
}

var (
	expired  = beginning{-time.Hour, true}
	nearEnd  = beginning{30 * time.Second, false} // refreshed beside the request
	rejected = beginning{50 * time.Minute, true}  // the clocks disagree, or it was revoked
)

type program struct {
	name    string
	run     func(*proc) error
	foreign bool
}

// The faults that are not those of one step.
const (
	kill      = "kill"
	interrupt = "interrupt"
	power     = "power"
)

// everyFault is all that may happen to our processes and to the service.
var everyFault = []string{kill, interrupt, "cut", "503", "500", "lost", "disk full", "waited too long"}

// command is one request of one process, with all the real code between the program and the network.
var command = program{name: "command", run: func(p *proc) error {
	transport := &Transport{Base: wire{p}, Header: "x-api-key", Source: p.source}
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, "http://127.0.0.1/v1/account", nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errRefused
	}
	p.w.mu.Lock()
	p.waiting = true
	p.w.mu.Unlock()
	p.source.Wait(2 * time.Second)
	p.source.mu.Lock()
	alone := p.source.running == nil
	p.source.mu.Unlock()
	p.take(step{what: "exit", local: alone, do: func(string) string { return "" }})
	return err
}}

var errRefused = errors.New("the service said 401")

// settings is a process that writes something else.
var settings = program{name: "settings", run: func(p *proc) error {
	return p.source.Store.Update(p.ctx, func(d *config.Document) error {
		d.SetProfile(config.Profile{Name: "other", Credential: config.Credential{Kind: config.APIKey, Token: "lma_other"}})
		return nil
	})
}}

var node = program{name: "node", run: nodeClient, foreign: true}

// strict is a service that ends the session when a refresh token comes twice, and an access token when it is renewed.
// lenient is one that merely refuses.
var (
	strict  = service{strict: true, revokes: true}
	lenient = service{}
)

// TestEveryInterleaving runs the real code of a few processes (Transport, Source and config.Store) in every order of
// their steps, with a fault at every step, and checks the promises of docs/sessions.md in every state.
//
// That it is alive is shown by TestBrokenWorlds, and was shown once by breaking the code itself. Each of these was found:
// no second look inside the lock (renew); a 503 taken for invalid_grant, no look for another's refresh, what it stored not
// adopted, the end of a session not marked (refused, invalidGrant); the lock let go before the rename, no second try to
// save (rotate, save); no note, one that is removed while its reason lasts, and one that outlives it (note.go); the
// refresh bound to the command's context; a refresh that begins, or is not waited for, when the program ends (Wait); no
// repetition after a 401 (Transport); a torn document not read again, and no comparison with what the Node client wrote
// meanwhile (config.Store). Not found was a note that is believed for another token: TestInvalidGrantEndsTheSession is
// for that.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	scenarios := []scenario{
		{name: "three expired", start: expired, procs: []program{command, command, command}, server: strict},
		{name: "three rejected", start: rejected, procs: []program{command, command, command}, server: strict},
		{name: "two near the end", start: nearEnd, procs: []program{command, command}, server: strict},
		{name: "two expired, a fault", start: expired, procs: []program{command, command}, server: strict, faults: everyFault, budget: 1},
		{name: "two rejected, a fault", start: rejected, procs: []program{command, command}, server: strict, faults: everyFault, budget: 1},
		{name: "one near the end, a fault", start: nearEnd, procs: []program{command}, server: strict, faults: everyFault, budget: 1},
		{name: "two expired, loss of power", start: expired, procs: []program{command, command}, server: strict, faults: []string{power}, budget: 1, joint: true},
		{name: "two expired beside another write", start: expired, procs: []program{command, command, settings}, server: strict},
		{name: "one expired beside the Node client, a fault", start: expired, procs: []program{command, node}, server: lenient, faults: []string{interrupt, "cut", "503", "disk full"}, budget: 1},
		{name: "another write beside the Node client", start: expired, procs: []program{settings, node}, server: lenient},
	}
	if os.Getenv("LAMINA_TEST_LONG") == "1" || os.Getenv("LAMINA_TEST_TORTURE") != "" { // a third process takes most of the time
		scenarios = append(scenarios,
			scenario{name: "three expired, a fault", start: expired, procs: []program{command, command, command}, server: strict, faults: everyFault, budget: 1},
		)
	}
	if os.Getenv("LAMINA_TEST_TORTURE") != "" {
		scenarios = append(scenarios,
			scenario{name: "three near the end", start: nearEnd, procs: []program{command, command, command}, server: strict},
			scenario{name: "two expired, two faults", start: expired, procs: []program{command, command}, server: strict, faults: everyFault, budget: 2},
			scenario{name: "two near the end, a fault", start: nearEnd, procs: []program{command, command}, server: strict, faults: everyFault, budget: 1},
			scenario{name: "two expired beside another write, a kill", start: expired, procs: []program{command, command, settings}, server: strict, faults: []string{kill}, budget: 1},
			scenario{name: "two expired beside the Node client", start: expired, procs: []program{command, command, node}, server: lenient},
			scenario{name: "two near the end beside the Node client", start: nearEnd, procs: []program{command, command, node}, server: lenient},
		)
	}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			e := explore(t, sc)
			t.Logf("%d states, %d runs, %d steps in %s; ends %v", len(e.seen), e.runs, e.steps, e.took.Round(time.Millisecond), e.ends)
			if e.violation != "" {
				t.Error(e.violation)
			}
			if e.runs < 2 || len(e.ends) == 0 {
				t.Errorf("explored next to nothing: ends %v", e.ends)
			}
		})
	}
}

// TestBrokenWorlds shows that the promises would notice: each of these worlds does one thing that ours must not do.
func TestBrokenWorlds(t *testing.T) {
	t.Parallel()
	two := []program{command, command}
	for name, sc := range map[string]scenario{
		"the lock does not exclude":            {start: expired, procs: two, server: strict, broken: broken{noLock: true}},
		"the lock is let go before the rename": {start: expired, procs: two, server: strict, broken: broken{earlyUnlock: true}},
		"no second look inside the lock":       {start: expired, procs: two, server: strict, broken: broken{noSecondLook: true}},
		"the file is written in place":         {start: expired, procs: two, server: strict, broken: broken{tornWrite: true}},
		"a 503 counts as a refusal":            {start: expired, procs: two, server: strict, faults: []string{"503"}, budget: 1, broken: broken{wrongRefusal: true}},
		"no note before the request":           {start: expired, procs: two, server: strict, faults: []string{kill}, budget: 1, broken: broken{noNote: true}},
		"the file is not synced":               {start: expired, procs: two, server: strict, faults: []string{power}, budget: 1, joint: true, broken: broken{noSync: true}},
		"the folder is not synced":             {start: expired, procs: two, server: strict, faults: []string{power}, budget: 1, joint: true, broken: broken{noFolderSync: true}},
		"a lost answer counts as our fault":    {start: expired, procs: two, server: strict, faults: []string{"lost"}, budget: 1, broken: broken{noExcuse: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := explore(t, sc)
			if e.violation == "" {
				t.Errorf("nothing was noticed in %d states", len(e.seen))
			}
			t.Logf("%d states; %s", len(e.seen), e.violation)
		})
	}
}

// An explorer tries every order, depth first: it runs the processes from the beginning along a path of choices, and
// notes the choices it did not take. A state that was seen before is not followed again, and of two neighbouring steps
// that do not touch each other only one order is tried (sleep sets; Godefroid 1996, section 5).
type explorer struct {
	scenario  scenario
	dir       string
	document  string
	seen      map[uint64]sleepSet
	ends      map[string]int
	runs      int
	steps     int
	took      time.Duration
	violation string
}

// A path leads to a state, where the threads in asleep need not be tried: what they would do now was tried before what
// has happened since, and does not touch it.
type path struct {
	choices []string
	asleep  sleepSet
	tries   int
}

// A sleepSet has a bit for each thread of each process.
type sleepSet uint8

func bitOf(s *step) sleepSet { return 1 << (2*s.p.id + s.thread) }

// renamed gives the processes other numbers.
func (z sleepSet) renamed(numbers []int) sleepSet {
	var out sleepSet
	for id, number := range numbers {
		out |= z >> (2 * id) & 3 << (2 * number)
	}
	return out
}

// stays returns those of the set that a step does not touch.
func (z sleepSet) stays(w *world, c choice) sleepSet {
	if c.step == nil || c.fault != "" {
		return 0
	}
	var out sleepSet
	for _, p := range w.procs {
		for _, s := range p.pending {
			if z&bitOf(s) != 0 && s.independent(c.step) {
				out |= bitOf(s)
			}
		}
	}
	return out
}

// independent reports whether two steps lead to the same state in either order, and neither makes the other possible.
func (s *step) independent(other *step) bool {
	touches := func(s *step) string {
		what, _, _ := strings.Cut(s.what, " ")
		switch {
		case s.local:
			return ""
		case what == "lock":
			return s.what
		case what == "request" || what == "api":
			return "service"
		case what == "sleep":
			return "time"
		case what == "exit":
			return ""
		}
		return "document"
	}
	a, b := touches(s), touches(other)
	reads := strings.HasPrefix(s.what, "read") && strings.HasPrefix(other.what, "read") || s.what == "api" && other.what == "api"
	waits := a == "time" && other.p.foreign || b == "time" && s.p.foreign
	return !s.p.w.joint && s.p != other.p && (a != b || a == "" || a == "time" || reads) && !waits
}

func explore(t *testing.T, sc scenario) *explorer {
	t.Helper()
	e := &explorer{scenario: sc, seen: map[uint64]sleepSet{}, ends: map[string]int{}}
	e.dir, e.document = firstDocument(t, sc.start)
	watchSignals()
	began := time.Now()
	synctest.Test(t, func(*testing.T) {
		for paths := []path{{}}; len(paths) > 0 && e.violation == ""; {
			last := paths[len(paths)-1]
			paths = append(paths[:len(paths)-1], e.follow(last)...)
		}
	})
	e.took = time.Since(began)
	return e
}

// watchSignals starts the goroutine of os/signal, which never ends, outside of the bubble.
func watchSignals() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
}

var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// firstDocument is a config with fields of later programs in it.
func firstDocument(t *testing.T, start beginning) (dir, text string) {
	t.Helper()
	s := &config.Store{Dir: filepath.Join(t.TempDir(), "real")}
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	before := `{"version":1,"future":{"deep":[1]},"credentials":{"device":"laptop"},"profiles":{"studio":{"color":"teal"}}}`
	if err := os.WriteFile(s.Path(), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	err := s.Update(t.Context(), func(d *config.Document) error {
		c := config.Credential{BaseURL: "http://127.0.0.1", SavedAt: epoch.Add(-24 * time.Hour), ClientID: "client-0"}
		grant{access: "lma_mcp_at_0", refresh: "rt-0", lifetime: time.Hour}.apply(&c, epoch.Add(start.left-time.Hour))
		d.SetProfile(config.Profile{Credential: c})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(filepath.Dir(s.Dir), "empty")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, string(raw)
}

func (e *explorer) world() *world {
	w := &world{
		dir: e.dir, broken: e.scenario.broken, now: epoch, holder: map[string]*proc{}, server: e.scenario.server,
		files: map[string]file{"config.json": {e.document, true}},
		joint: e.scenario.joint, faults: e.scenario.faults, left: e.scenario.budget,
	}
	w.durable = maps.Clone(w.files)
	w.server.rejects = -1
	if e.scenario.start.rejected {
		w.server.rejects = 0
	}
	for _, p := range e.scenario.procs {
		w.start(&proc{name: p.name, run: p.run, foreign: p.foreign})
	}
	return w
}

// A choice is what the scheduler may do next.
type choice struct {
	step  *step
	proc  *proc
	fault string
	tick  bool
}

func (c choice) String() string {
	switch {
	case c.tick:
		return "two seconds pass"
	case c.proc == nil:
		return c.fault
	case c.step == nil:
		return fmt.Sprintf("%s %d: %s", c.proc.name, c.proc.id, c.fault)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %d/%d: %s: %s", c.proc.name, c.proc.id, c.step.thread, c.step.what, c.fault), ": ")
}

// follow runs the processes along a path, and on from there by the first choice until they end or a known state is
// reached. It returns the paths of the choices it did not take.
func (e *explorer) follow(at path) (others []path) {
	e.runs++
	w := e.world()
	defer w.tearDown()
	var trace []string
	for depth := 0; ; depth++ {
		synctest.Wait()
		choices := e.choices(w)
		if depth == len(at.choices) {
			try := e.untried(w, choices, at.asleep)
			if len(choices) == 0 && try != nil {
				e.judge(w, trace)
			}
			if len(try) == 0 {
				return others
			}
			var first path
			asleep := at.asleep
			for _, i := range try {
				next := path{choices: append(slices.Clone(at.choices), choices[i].String()), asleep: asleep.stays(w, choices[i])}
				if first.choices == nil {
					first = next
				} else {
					others = append(others, next)
				}
				if c := choices[i]; c.step != nil && c.fault == "" {
					asleep |= bitOf(c.step)
				}
			}
			at = first
		}
		i := slices.IndexFunc(choices, func(c choice) bool { return c.String() == at.choices[depth] })
		if i < 0 {
			// Where a command is interrupted at the moment at which its refresh is done, Go chooses which it sees.
			if at.tries++; at.tries > 100 {
				e.violate(w, trace, "a path cannot be repeated")
			}
			return append(others, at)
		}
		c := choices[i]
		trace = append(trace, at.choices[depth])
		e.steps++
		w.apply(c)
		if why := w.torn(); why != "" {
			e.violate(w, trace, why)
			return nil
		}
	}
}

// untried notes a state and returns which of the choices are to be tried from it: none if it was seen (nil, not empty).
func (e *explorer) untried(w *world, choices []choice, asleep sleepSet) []int {
	key, numbers := w.key()
	before, seen := e.seen[key]
	now := asleep.renamed(numbers)
	e.seen[key] = now
	if seen {
		e.seen[key] = now & before
	}
	try := []int{}
	for i, c := range choices {
		switch plain := c.step != nil && c.fault == ""; {
		case seen && (!plain || before&^now&bitOf(c.step).renamed(numbers) == 0):
		case plain && asleep&bitOf(c.step) != 0:
		default:
			try = append(try, i)
		}
	}
	if seen && len(try) == 0 {
		return nil
	}
	return try
}

// choices lists what may happen next. Of steps that nobody else can notice only the first is tried: whatever the others
// do now they can do after it.
func (e *explorer) choices(w *world) []choice {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []choice
	only := (*proc)(nil)
	for _, p := range w.procs {
		for _, s := range p.pending {
			if s.local && only == nil && !e.scenario.joint && (s.enabled == nil || s.enabled()) {
				only = p
			}
		}
	}
	for _, p := range w.procs {
		if p.dead || only != nil && only != p {
			continue
		}
		slices.SortFunc(p.pending, func(a, b *step) int { return a.thread - b.thread })
		for _, s := range p.pending {
			enabled := s.enabled == nil || s.enabled()
			if enabled && (only == nil || s.local) {
				all = append(all, choice{step: s, proc: p})
			}
			for _, fault := range s.faults {
				if w.may(fault) && (fault == "waited too long") != enabled {
					all = append(all, choice{step: s, proc: p, fault: fault})
				}
			}
		}
		if !p.foreign && w.may(kill) {
			all = append(all, choice{proc: p, fault: kill})
		}
		if !p.foreign && !p.interrupted && w.may(interrupt) {
			all = append(all, choice{proc: p, fault: interrupt})
		}
	}
	if only == nil && slices.ContainsFunc(w.procs, func(p *proc) bool { return !p.dead && p.waiting && !p.ticked }) {
		all = append(all, choice{tick: true})
	}
	if w.may(power) && len(all) > 0 {
		all = append(all, choice{fault: power})
		if w.renames > 0 {
			all = append(all, choice{fault: power + ", with the last rename"})
		}
	}
	return all
}

func (w *world) apply(c choice) {
	if c.fault != "" {
		w.left--
	}
	if c.step != nil {
		c.step.happen(c.fault)
		return
	}
	if c.tick {
		w.mu.Lock()
		for _, p := range w.procs {
			if p.waiting && !p.dead && !p.ticked {
				p.ticked = true
			}
		}
		w.mu.Unlock()
		time.Sleep(2*time.Second + 1)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch c.fault {
	case kill:
		c.proc.hits = append(c.proc.hits, kill)
		c.proc.die()
	case interrupt:
		c.proc.interrupted, c.proc.hits = true, append(c.proc.hits, interrupt)
		c.proc.cancel()
	default: // power
		names := w.durable
		if c.fault != power {
			names = w.files
		}
		w.files = map[string]file{}
		for name, f := range names {
			if !f.synced {
				f.data = ""
			}
			w.files[name] = file{f.data, true}
		}
		for _, p := range w.procs {
			if !p.dead {
				p.hits = append(p.hits, power)
				p.die()
			}
		}
	}
}

func (w *world) tearDown() {
	w.mu.Lock()
	for _, p := range w.procs {
		p.die()
		p.cancel()
	}
	w.mu.Unlock()
	synctest.Wait()
}

// inside is what the threads of a process know of each other.
func (s *Session) inside() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.running != nil, s.running != nil && s.running.sending, s.closing, s.retryAt.IsZero(), s.own)
}

// key names a state. Processes that run the same program may change places: numbers are their places.
func (w *world) key() (key uint64, numbers []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var procs []string
	for _, p := range w.procs {
		what := fmt.Sprint(p.name, p.hits, p == w.server.rotatedBy, p.stored, p.durable)
		if !p.dead {
			what += fmt.Sprint(p.history, p.waiting, p.ticked, p.midway, p.slept, len(p.pending), p.source.inside())
			for lock, holder := range w.holder {
				if holder == p {
					what += lock[:2]
				}
			}
		} else if p.done {
			what += fmt.Sprintf("%T", p.err)
		}
		procs = append(procs, what)
	}
	order := make([]int, len(procs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(procs[a], procs[b]) })
	numbers = make([]int, len(procs))
	for place, id := range order {
		numbers[id] = place
	}
	slices.Sort(procs)
	server := w.server
	server.rotatedBy = nil
	h := fnv.New64a()
	fmt.Fprint(h, w.left, procs, server, w.files["config.json"], w.files[journalFile("")])
	if w.joint {
		fmt.Fprint(h, w.renames > 0, w.durable["config.json"], w.durable[journalFile("")])
	}
	return h.Sum64(), numbers
}

// torn checks the document as anybody may find it now.
func (w *world) torn() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.files["config.json"].data
	if text == w.whole || slices.ContainsFunc(w.procs, func(p *proc) bool { return p.midway }) {
		return ""
	}
	if !json.Valid([]byte(text)) {
		return fmt.Sprintf("the document is torn: %q", text)
	}
	for _, field := range []string{`"future"`, `"device"`, `"teal"`} {
		if !strings.Contains(text, field) {
			return "the document has lost " + field
		}
	}
	w.whole = text
	return ""
}

func (e *explorer) violate(w *world, trace []string, why string) {
	text := w.files["config.json"].data
	e.violation = fmt.Sprintf("%s\nafter:\n  %s\ndocument: %s\nservice: %+v", why, strings.Join(trace, "\n  "), text, w.server)
}

// judge checks the promises when every process has ended, and then what a process finds that comes two hours later.
func (e *explorer) judge(w *world, trace []string) {
	for _, p := range w.procs {
		if !p.dead {
			e.violate(w, trace, fmt.Sprintf("%s %d waits for ever", p.name, p.id))
			return
		}
	}
	s := w.server
	lost := s.rotations > 0 && !strings.Contains(w.files["config.json"].data, fmt.Sprintf(`"rt-%d"`, s.serial))
	why := w.checkCounts(e.scenario)
	if why == "" && lost && !w.unavoidable() {
		why = "the session is lost although nothing forced that"
	}
	doubt := func(p *proc) bool { return p.met(kill, power, "lost", "500") }
	if _, noted := w.files[journalFile("")]; why == "" && noted && !slices.ContainsFunc(w.procs, doubt) {
		why = "a note is left although nothing is in doubt"
	}
	for _, p := range w.procs {
		if why == "" && p.done && !p.foreign && !p.mayEndWith(p.err, lost) {
			why = fmt.Sprintf("%s %d failed: %T %v", p.name, p.id, p.err, p.err)
		}
		if why == "" && p.name == settings.name && p.done && p.err == nil && s.rotatedBy != nil && !s.rotatedBy.foreign && !strings.Contains(w.files["config.json"].data, "lma_other") {
			why = "a write was lost"
		}
	}
	if why == "" {
		why = w.checkLater(lost)
	}
	if why != "" {
		e.violate(w, trace, why)
	}
	e.ends[fmt.Sprintf("lost %v", lost)]++
}

// checkCounts: at most one refresh for one expiry, and nobody sends a spent token, except once to learn of a loss.
func (w *world) checkCounts(sc scenario) string {
	reuses := sc.budget
	if slices.ContainsFunc(sc.procs, func(p program) bool { return p.foreign }) {
		reuses += 2 // the Node client's own, and ours that loses a race against it
	}
	if w.server.rotations > 1 || w.server.reuses > reuses {
		return fmt.Sprintf("%d refreshes, %d with a spent token", w.server.rotations, w.server.reuses)
	}
	return ""
}

// unavoidable reports whether the one whose refresh the service carried out was stopped before it could store it.
func (w *world) unavoidable() bool {
	p := w.server.rotatedBy
	return p.met("lost", "500") && !w.broken.noExcuse || p.met(kill) && !p.stored || p.met(power) && !p.durable
}

// met reports whether a process met one of these faults.
func (p *proc) met(faults ...string) bool {
	return slices.ContainsFunc(faults, func(fault string) bool { return slices.Contains(p.hits, fault) })
}

// mayEndWith reports whether a process may end so.
func (p *proc) mayEndWith(err error, lost bool) bool {
	var refresh *RefreshError
	var answer *LostResponseError
	var busy *config.BusyError
	switch {
	case err == nil:
		return true
	case lost && errors.As(err, &answer):
		return true
	case errors.Is(err, context.Canceled):
		return p.met(interrupt)
	case errors.As(err, &busy):
		return p.met("waited too long")
	case errors.As(err, &refresh):
		return p.met("cut", "503", "500", "lost", "disk full")
	}
	return false
}

// checkLater lets a process come when every access token has expired: it finds a session that works, or, if the loss was
// unavoidable, hears precisely what happened.
func (w *world) checkLater(lost bool) string {
	w.now = w.now.Add(2 * time.Hour)
	w.server.rejects = w.server.serial
	w.server.revoked = w.server.revoked && lost
	p := &proc{name: "later", run: command.run}
	w.start(p)
	for {
		synctest.Wait()
		w.mu.Lock()
		pending, done := slices.Clone(p.pending), p.done
		w.mu.Unlock()
		if done {
			break
		}
		if len(pending) == 0 {
			return "a later command waits for ever"
		}
		pending[0].happen("")
	}
	var answer *LostResponseError
	switch {
	case lost && !errors.As(p.err, &answer):
		return fmt.Sprintf("a later command does not say what happened: %v", p.err)
	case !lost && p.err != nil:
		return fmt.Sprintf("a later command fails: %v", p.err)
	}
	return ""
}
