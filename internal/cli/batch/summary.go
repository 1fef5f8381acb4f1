package batch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/results"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// The most failed items, and the most shards that are not done, that a summary names.
const (
	maxFailures = 5
	maxShards   = 10
)

// A summary is the state of a batch, as the commands print it.
type summary struct {
	Dir      string         `json:"dir"`
	Batch    string         `json:"batch"`
	App      resultApp      `json:"app"`
	Items    int            `json:"items"`
	Counts   state.Counts   `json:"counts"`
	Credits  float64        `json:"credits"`
	Estimate *float64       `json:"estimate"` // of the credits of all items; nil: unknown
	Shards   []shardSummary `json:"shards"`
	Failures []failure      `json:"failures"`
	Reason   engine.Reason  `json:"reason,omitempty"`  // why batch run stopped
	Seconds  float64        `json:"seconds,omitempty"` // which batch run took
	Next     []string       `json:"next"`

	isFree bool // the service has no credits
}

type shardSummary struct {
	Shard   string       `json:"shard"`
	Running bool         `json:"running"` // a process runs it
	Counts  state.Counts `json:"counts"`
}

// A failure is an item that did not complete.
type failure struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Run   string `json:"run,omitempty"`
	Error string `json:"error"`
	Look  string `json:"look,omitempty"` // the command that shows the run
}

// summarize returns the summary of a batch.
func summarize(env *cmdutil.Env, dir string, p *plan.Plan, t *state.Table) (summary, error) {
	s := summary{
		Dir: dir, Batch: p.Batch, App: resultApp{p.App.ID, p.App.Name}, Items: t.Len(), Counts: t.Counts(), Failures: []failure{},
		isFree: batchinfo.IsLamatic(p),
	}
	s.Credits = s.Counts.Credits
	if each := p.CreditsPerItem; each != nil {
		all := *each * float64(p.Items)
		s.Estimate = &all
	}
	for i := range p.Shards {
		one := shard.Shard{Index: i, Count: p.Shards}
		s.Shards = append(s.Shards, shardSummary{one.String(), journal.IsBusy(p.JournalLockPath(one)), t.CountsOf(i)})
	}
	isBad := func(s state.Status) bool { return s == state.Failed || s == state.Held || s == state.Cancelled }
	for line, err := range results.All(t, isBad) {
		if err != nil {
			return s, err
		}
		if len(s.Failures) == maxFailures {
			break
		}
		f := failure{ID: line.ID, State: line.State, Run: line.Run, Error: line.Error}
		if line.Run != "" {
			f.Look = batchinfo.ShowCommand(env, p, line.Run)
		}
		s.Failures = append(s.Failures, f)
	}
	s.Next = s.next(env, batchinfo.RunCommand(env, p))
	return s, nil
}

// isRunning reports whether a process runs a shard.
func (s *summary) isRunning() bool {
	for _, one := range s.Shards {
		if one.Running {
			return true
		}
	}
	return false
}

// next returns the commands that may follow. again continues the batch.
func (s *summary) next(env *cmdutil.Env, again string) (commands []string) {
	add := func(args ...string) { commands = append(commands, env.Command(args...)) }
	c := s.Counts
	switch {
	case s.isRunning():
		add("batch", "watch", s.Dir)
		return commands
	case !c.IsOver():
		commands = append(commands, again)
	}
	if c.Failed+c.Cancelled+c.Skipped > 0 {
		add("batch", "retry", s.Dir, "--failed")
	}
	if c.Held > 0 {
		add("batch", "retry", s.Dir, "--unknown")
	}
	if c.Done() > 0 {
		add("batch", "results", s.Dir)
		add("batch", "report", s.Dir)
	}
	return commands
}

// write shows the summary.
func (s *summary) write(p *output.Page) {
	p.Wrapped("%s", p.Bold(fmt.Sprintf("%s: %s of %s", term.Line(s.Dir), output.Counted(s.Items, "item"), term.Line(s.App.Name))))
	var fields []string
	for i, name := range state.Names() {
		if n := *s.Counts.Of(state.Status(i)); n > 0 {
			fields = append(fields, name, fmt.Sprint(n))
		}
	}
	spent := output.Number(s.Credits)
	if s.Estimate != nil {
		spent += " of an estimated " + output.Number(*s.Estimate)
	}
	if !s.isFree {
		fields = append(fields, "credits", spent)
	}
	if s.Seconds > 0 {
		fields = append(fields, "time", batchinfo.Span(time.Duration(s.Seconds)*time.Second))
	}
	p.Fields(fields...)
	s.writeShards(p)
	s.writeFailures(p)
	if len(s.Next) > 0 {
		p.Line("\nNext:")
		for _, command := range s.Next {
			p.Line("  %s", p.Command(command))
		}
	}
}

// writeShards shows the shards to which something still happens.
func (s *summary) writeShards(p *output.Page) {
	var rows [][]string
	left := 0
	for _, one := range s.Shards {
		if len(s.Shards) == 1 || one.Counts.IsOver() {
			continue
		}
		if left++; left > maxShards {
			continue
		}
		running := "no"
		if one.Running {
			running = "yes"
		}
		rows = append(rows, []string{one.Shard, running, fmt.Sprintf("%d of %d", one.Counts.Done(), one.Counts.Total())})
	}
	if left == 0 {
		return
	}
	p.Line("\n%s", p.Bold(fmt.Sprintf("Shards not done (%d of %d)", left, len(s.Shards))))
	p.Table([]string{"SHARD", "RUNNING", "ITEMS DONE"}, rows)
	if more := left - maxShards; more > 0 {
		p.Line("and %d more", more)
	}
}

// writeFailures shows the first items that did not complete.
func (s *summary) writeFailures(p *output.Page) {
	if len(s.Failures) == 0 {
		return
	}
	title := "Problems"
	if all := s.Counts.Failed + s.Counts.Held + s.Counts.Cancelled; all > len(s.Failures) {
		title = fmt.Sprintf("Problems (first %d of %d)", len(s.Failures), all)
	}
	p.Line("\n%s", p.Bold(title))
	for _, f := range s.Failures {
		p.Line("%s  %s", p.Fit(len(f.State)+2, f.ID), p.Bad(f.State))
		if f.Error != "" {
			p.Indented(2, f.Error)
		}
		if f.Look != "" {
			p.Line("  %s", p.Command(f.Look))
		}
	}
}

// show carries out the batch, and shows its progress and its outcome.
func (o *runOptions) show(ctx context.Context, p *plan.Plan, e *engine.Engine) error {
	began := time.Now()
	r, _ := batchinfo.Run(ctx, o.env, e, nil)
	t, err := e.Release()
	if err != nil && r.Err == nil && r.Reason != engine.Interrupted {
		r.Reason, r.Err = engine.Failed, err
	}
	if short := batchinfo.Short(o.dir, r.Err); short != nil {
		return short // the state is not that of the batch
	}
	if err := t.Refresh(); err != nil { // the journals of other processes
		return batchinfo.Unusable(o.dir, err)
	}
	s, err := summarize(o.env, o.dir, p, t)
	if err != nil {
		return err
	}
	s.Reason, s.Seconds = r.Reason, math.Round(time.Since(began).Seconds())
	if errors.Is(context.Cause(ctx), errCancelling) {
		s.Next = []string{} // what is left to do changes
	}
	return errors.Join(o.env.Print(s, s.write), outcome(ctx, o.env, o.dir, r))
}
