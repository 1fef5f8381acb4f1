package auth

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A choice is a possible next action of the scheduler.
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

// choices returns the possible next actions. Of the steps that no other process can observe it returns only the first,
// because the other actions remain possible after it.
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
