package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// text returns both files of the configuration.
func (w *world) text() string { return w.files["config.json"].data + w.files["profiles.json"].data }

// torn checks the document as another process can read it now.
func (w *world) torn() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.text()
	if text == w.whole || slices.ContainsFunc(w.procs, func(p *proc) bool { return p.midway }) {
		return ""
	}
	if !json.Valid([]byte(w.files["config.json"].data)) || !json.Valid([]byte(w.files["profiles.json"].data)) {
		return fmt.Sprintf("the document is torn: %q", text)
	}
	for _, field := range []string{`"future"`, `"device"`, `"teal"`} {
		if !strings.Contains(text, field) {
			return "the document has lost the field " + field
		}
	}
	w.whole = text
	return ""
}

func (e *explorer) violate(w *world, trace []string, why string) {
	text := w.text()
	e.violation = fmt.Sprintf("%s\nafter:\n  %s\ndocument: %s\nservice: %+v", why, strings.Join(trace, "\n  "), text, w.server)
}

// judge checks the promises after every process has ended, and then runs a process two hours later.
func (e *explorer) judge(w *world, trace []string) {
	for _, p := range w.procs {
		if !p.dead {
			e.violate(w, trace, fmt.Sprintf("%s %d blocks forever", p.name, p.id))
			return
		}
	}
	s := w.server
	lost := s.rotations > 0 && !strings.Contains(w.files["config.json"].data, fmt.Sprintf(`"rt-%d"`, s.serial))
	why := w.checkCounts(e.scenario)
	if why == "" && lost && !w.unavoidable() {
		why = "the session is lost although no fault made that unavoidable"
	}
	isUnclear := func(p *proc) bool { return p.met(kill, power, "lost", "500") }
	if _, hasJournal := w.files[journalFile("")]; why == "" && hasJournal && !slices.ContainsFunc(w.procs, isUnclear) {
		why = "the journal is left although the outcome of every refresh is known"
	}
	for _, p := range w.procs {
		if why == "" && p.done && !p.foreign && !p.mayEndWith(p.err, lost) {
			why = fmt.Sprintf("%s %d failed: %T %v", p.name, p.id, p.err, p.err)
		}
		if why == "" && p.name == settings.name && p.done && p.err == nil && s.rotatedBy != nil && !s.rotatedBy.foreign && !strings.Contains(w.text(), "lma_other") {
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

// checkCounts checks that there is at most one refresh, and that a spent token is sent only to learn of a loss.
func (w *world) checkCounts(sc scenario) string {
	reuses := sc.budget
	if slices.ContainsFunc(sc.procs, func(p program) bool { return p.foreign }) {
		reuses += 2 // by the Node client, and by a command that loses a race against it
	}
	if w.server.rotations > 1 || w.server.reuses > reuses {
		return fmt.Sprintf("%d refreshes, %d with a spent token", w.server.rotations, w.server.reuses)
	}
	return ""
}

// unavoidable reports whether a fault prevented the process with the last refresh from storing it.
func (w *world) unavoidable() bool {
	p := w.server.rotatedBy
	return p.met("lost", "500") && !w.broken.noExcuse || p.met(kill) && !p.stored || p.met(power) && !p.durable
}

// met reports whether one of these faults occurred in the process.
func (p *proc) met(faults ...string) bool {
	return slices.ContainsFunc(faults, func(fault string) bool { return slices.Contains(p.hits, fault) })
}

// mayEndWith reports whether a process may end with an error.
func (p *proc) mayEndWith(err error, lost bool) bool {
	var refresh *RefreshError
	var lostResponse *LostResponseError
	var busy *config.BusyError
	switch {
	case err == nil:
		return true
	case lost && errors.As(err, &lostResponse):
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

// checkLater runs a process after every access token has expired. It must work, or report exactly what happened if the session
// is lost.
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
			return "a later command blocks forever"
		}
		pending[0].happen("")
	}
	var lostResponse *LostResponseError
	switch {
	case lost && !errors.As(p.err, &lostResponse):
		return fmt.Sprintf("a later command does not report the lost response: %v", p.err)
	case !lost && p.err != nil:
		return fmt.Sprintf("a later command fails: %v", p.err)
	}
	return ""
}
