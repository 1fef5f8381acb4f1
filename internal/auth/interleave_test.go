package auth

import (
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A scenario is a set of processes and the faults that may occur.
type scenario struct {
	name   string
	start  startState
	procs  []program
	faults []string // kinds of faults
	budget int      // the largest number of faults in one run
	broken broken
	server service
	joint  bool // also stop between steps that only a loss of power can distinguish
}

// A startState is the state of the stored access token.
type startState struct {
	left     time.Duration // until its expiry by this machine's clock
	rejected bool          // by the service
}

var (
	expired  = startState{-time.Hour, true}
	nearEnd  = startState{30 * time.Second, false} // refreshed in the background
	rejected = startState{50 * time.Minute, true}  // the clocks differ, or it was revoked
)

// A program is what a process runs.
type program struct {
	name    string
	run     func(*proc) error
	foreign bool // it does not use this package
}

// The faults that can occur at any step. The faults of single steps are named where the step is taken.
const (
	kill      = "kill"
	interrupt = "interrupt"
	power     = "power"
)

// everyFault lists the faults of processes, of the network, of the service and of the disk.
var everyFault = []string{kill, interrupt, "cut", "503", "500", "lost", "disk full", "waited too long"}

// command is a process that sends one request, with the real code between the program and the network.
var command = program{name: "command", run: func(p *proc) error {
	transport := &Transport{Base: wire{p}, Header: "x-api-key", Source: p.session}
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
	p.session.Wait(2 * time.Second)
	p.session.mu.Lock()
	alone := p.session.running == nil
	p.session.mu.Unlock()
	p.take(step{what: "exit", local: alone, do: func(string) string { return "" }})
	return err
}}

var errRefused = errors.New("the service responded with status 401")

// settings is a process that changes another profile.
var settings = program{name: "settings", run: func(p *proc) error {
	return p.session.Store.Update(p.ctx, func(d *config.Document) error {
		d.SetProfile(config.Profile{Name: "other", Credential: config.Credential{Kind: config.APIKey, Token: "lma_other"}})
		return nil
	})
}}

// node is a process of the Node client.
var node = program{name: "node", run: nodeClient, foreign: true}

// strict is a service that ends the session if a refresh token is used twice, and that invalidates the previous access token
// at a refresh. lenient is a service that only refuses a used refresh token.
var (
	strict  = service{strict: true, revokes: true}
	lenient = service{}
)

// TestEveryInterleaving is a model check of the refresh. It runs the real code of several processes (Transport, Session and
// config.Store) on a disk, a network and a service in memory. It tries every order of their steps, with a fault at every step,
// and checks the promises of docs/sessions.md in every state:
//
//   - The document is never torn and never loses unknown fields (torn).
//   - An expired token is refreshed once, and a spent refresh token is sent again only to learn of a loss (checkCounts).
//   - The session is lost only if a fault made that unavoidable (judge, unavoidable).
//   - A command fails only with the error that fits the fault it met (mayEndWith).
//   - A later command works, or reports exactly what happened (checkLater).
//
// A failure prints the broken promise, the steps that led to it in order, the document and the state of the service. Each
// step has the form "command 1/0: read config.json: FAULT": the program, its number, its thread (0 for the command, 1 for the
// refresh), the step and the fault, if any. To repeat it, run the test with the name of its scenario.
//
// TestBrokenWorlds shows that the check finds mistakes. Mistakes in the code were tried once as well, and found: no second read
// inside the lock (renew); a 503 handled as invalid_grant, another program's refresh not looked for or not adopted, the end of
// a session not stored (refused, invalidGrant); the lock released before the rename, no second attempt to save (rotate, save);
// no journal, a journal that is removed too early or too late (journal.go); a refresh that ends with the context of its
// command; a refresh that starts, or is not waited for, when the program exits (Wait); no repetition after a 401 (Transport); a
// torn document that is not read again, and no comparison with what the Node client wrote meanwhile (config.Store). A journal
// of another token was not found; TestInvalidGrantEndsTheSession covers it.
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
		{name: "two expired and another write", start: expired, procs: []program{command, command, settings}, server: strict},
		{name: "one expired and the Node client, a fault", start: expired, procs: []program{command, node}, server: lenient, faults: []string{interrupt, "cut", "503", "disk full"}, budget: 1},
		{name: "another write and the Node client", start: expired, procs: []program{settings, node}, server: lenient},
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
			scenario{name: "two expired and another write, a kill", start: expired, procs: []program{command, command, settings}, server: strict, faults: []string{kill}, budget: 1},
			scenario{name: "two expired and the Node client", start: expired, procs: []program{command, command, node}, server: lenient},
			scenario{name: "two near the end and the Node client", start: nearEnd, procs: []program{command, command, node}, server: lenient},
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
				t.Errorf("got %d runs with the ends %v, want several", e.runs, e.ends)
			}
		})
	}
}

// TestBrokenWorlds shows that the model check finds mistakes: each of these worlds makes one mistake.
func TestBrokenWorlds(t *testing.T) {
	t.Parallel()
	two := []program{command, command}
	scenarios := []scenario{
		{name: "the lock does not exclude", start: expired, procs: two, server: strict, broken: broken{noLock: true}},
		{name: "the lock is released before the rename", start: expired, procs: two, server: strict, broken: broken{earlyUnlock: true}},
		{name: "no second read inside the lock", start: expired, procs: two, server: strict, broken: broken{noSecondRead: true}},
		{name: "the file is written in place", start: expired, procs: two, server: strict, broken: broken{tornWrite: true}},
		{name: "a 503 counts as a refusal", start: expired, procs: two, server: strict, faults: []string{"503"}, budget: 1, broken: broken{wrongRefusal: true}},
		{name: "no journal before the request", start: expired, procs: two, server: strict, faults: []string{kill}, budget: 1, broken: broken{noJournal: true}},
		{name: "the file is not synced", start: expired, procs: two, server: strict, faults: []string{power}, budget: 1, joint: true, broken: broken{noSync: true}},
		{name: "the folder is not synced", start: expired, procs: two, server: strict, faults: []string{power}, budget: 1, joint: true, broken: broken{noFolderSync: true}},
		{name: "a lost response does not excuse a loss", start: expired, procs: two, server: strict, faults: []string{"lost"}, budget: 1, broken: broken{noExcuse: true}},
	}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			e := explore(t, sc)
			if e.violation == "" {
				t.Errorf("got no violation in %d states, want one", len(e.seen))
			}
			t.Logf("%d states; %s", len(e.seen), e.violation)
		})
	}
}
