package auth

import (
	"fmt"
	"hash/fnv"
	"maps"
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

// An explorer tries every order of the steps, depth first. It runs the processes from the start along a path of choices, and
// records the choices that it did not take. It does not follow a state that it has seen before. Of two adjacent independent
// steps it tries only one order (sleep sets; Godefroid 1996, section 5).
type explorer struct {
	scenario  scenario
	dir       string
	document  map[string]file // the files of the configuration
	seen      map[uint64]sleepSet
	ends      map[string]int
	runs      int
	steps     int
	took      time.Duration
	violation string
}

// A path leads to a state. The threads in asleep need not be tried there: their next step was tried earlier, and is
// independent of the steps since then.
type path struct {
	choices []string
	asleep  sleepSet
	tries   int
}

// A sleepSet contains a bit for each thread of each process.
type sleepSet uint8

func bitOf(s *step) sleepSet { return 1 << (2*s.p.id + s.thread) }

// renamed returns the set with other process numbers.
func (z sleepSet) renamed(numbers []int) sleepSet {
	var out sleepSet
	for id, number := range numbers {
		out |= z >> (2 * id) & 3 << (2 * number)
	}
	return out
}

// stays returns the threads of the set whose next step is independent of a choice.
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

// independent reports whether two steps lead to the same state in either order, and neither enables the other.
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

// watchSignals starts the goroutine of os/signal outside of the bubble of synctest, because it never ends.
func watchSignals() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
}

var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// firstDocument returns a config document with unknown fields.
func firstDocument(t *testing.T, start startState) (dir string, files map[string]file) {
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
	files = map[string]file{}
	for _, path := range []string{s.Path(), s.ProfilesPath()} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[base(path)] = file{string(raw), true}
	}
	dir = filepath.Join(filepath.Dir(s.Dir), "empty")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, files
}

func (e *explorer) world() *world {
	w := &world{
		dir: e.dir, broken: e.scenario.broken, now: epoch, holder: map[string]*proc{}, server: e.scenario.server,
		files: maps.Clone(e.document),
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

// follow runs the processes along a path, and then takes the first choice until they end or a known state is reached. It
// returns the paths of the other choices.
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
			// If a command is interrupted at the moment at which its refresh ends, Go selects one of the two at random.
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

// untried records a state and returns the indexes of the choices to try from it. It returns nil for a known state with none.
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

func (w *world) tearDown() {
	w.mu.Lock()
	for _, p := range w.procs {
		p.die()
		p.cancel()
	}
	w.mu.Unlock()
	synctest.Wait()
}

// inside returns the state that the threads of a process share.
func (s *Session) inside() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.running != nil, s.running != nil && s.running.sending, s.closing, s.retryAt.IsZero(), s.own)
}

// key identifies a state. Processes that run the same program are interchangeable; numbers are their positions in the key.
func (w *world) key() (key uint64, numbers []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var procs []string
	for _, p := range w.procs {
		what := fmt.Sprint(p.name, p.hits, p == w.server.rotatedBy, p.stored, p.durable)
		if !p.dead {
			what += fmt.Sprint(p.history, p.waiting, p.ticked, p.midway, p.slept, len(p.pending), p.session.inside())
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
	fmt.Fprint(h, w.left, procs, server, w.files["config.json"], w.files["profiles.json"], w.files[journalFile("")])
	if w.joint {
		fmt.Fprint(h, w.renames > 0, w.durable["config.json"], w.durable["profiles.json"], w.durable[journalFile("")])
	}
	return h.Sum64(), numbers
}
