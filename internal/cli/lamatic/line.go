package lamatic

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// A line is the outcome of one payload of a batch.
type line struct {
	Index     int             `json:"index"`
	State     lineState       `json:"state"`
	Result    json.RawMessage `json:"result,omitempty"`
	RequestID string          `json:"requestId,omitempty"` // of a workflow that still runs
	Error     *fail.Failure   `json:"error,omitempty"`
}

// lineState is the state of a payload. The values are part of JSON output.
type lineState string

// The states of a payload.
const (
	succeeded lineState = "succeeded"
	running   lineState = "running" // started, and not finished
	failed    lineState = "failed"
	unknown   lineState = "unknown" // it may have run
	notSent   lineState = "not_sent"
)

// printLines prints the lines of the payloads that have come to an end, in the order of the file.
func (b *batch) printLines(screen *batchinfo.Screen) error {
	if err := b.table.Refresh(); err != nil {
		return batchinfo.Unusable(b.folder.plan.Dir(), err)
	}
	if !b.isNextOver() {
		return nil
	}
	return screen.Hidden(func() error {
		for b.isNextOver() {
			if err := b.printLine(); err != nil {
				return err
			}
		}
		return nil
	})
}

// isNextOver reports whether there is a next line, and nothing more happens to its payload in this command.
func (b *batch) isNextOver() bool {
	if b.printed == b.table.Len() {
		return false
	}
	s := b.table.Status(b.printed)
	return s.IsOver() || s == state.Running && !b.waiting.wait
}

// printRest prints the lines of the other payloads when the batch has ended, and the number of payloads in each state.
func (b *batch) printRest() error {
	for b.printed < b.table.Len() {
		if err := b.printLine(); err != nil {
			return err
		}
	}
	var parts []string
	for _, state := range []lineState{succeeded, running, failed, unknown, notSent} {
		if b.counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", b.counts[state], strings.ReplaceAll(string(state), "_", " ")))
		}
	}
	b.env.Say("%d payloads: %s", b.table.Len(), strings.Join(parts, ", "))
	return nil
}

// printLine prints the next line.
func (b *batch) printLine() error {
	l, err := b.line(b.printed)
	if err != nil {
		return err
	}
	b.printed++
	b.counts[l.State]++
	return l.print(b.env)
}

// line returns the line of a payload.
func (b *batch) line(i int) (line, error) {
	last, err := b.table.Last(i)
	if err != nil {
		return line{}, batchinfo.Unusable(b.folder.plan.Dir(), err)
	}
	l := line{Index: i, State: notSent}
	switch b.table.Status(i) {
	case state.Completed:
		l.State, l.Result = succeeded, engine.LamaticResult(last.Outputs)
	case state.Failed:
		l.State, l.Result = failed, engine.LamaticResult(last.Outputs)
		err = itemError(last)
	case state.Running:
		l.State, l.RequestID = running, last.Run
		if b.waiting.wait {
			err = b.errWaitEnded(last.Run)
		}
	case state.Pending:
		if last.Type == journal.Refused && b.result.Reason == engine.Failed { // its refusal ended the batch
			l.State, err = failed, b.result.Err
		}
	case state.Starting, state.Held:
		l.State = unknown
		err = &fail.Error{Code: fail.UnknownOutcome, Message: last.Reason + "; " + mayHaveRun, Hint: studioHint}
	}
	if err != nil {
		failure := b.env.Sessions.Describe(err)
		l.Error = &failure
	}
	return l, nil
}

// itemError returns the error for a workflow that did not succeed, by what the journal says of it.
func itemError(last journal.Record) error {
	if last.Type == journal.Refused {
		return flowError(&lamatic.FlowError{Problems: []lamatic.Problem{{Message: last.Error}}})
	}
	return failedError(&lamatic.Result{Message: last.Error, RunID: last.Run})
}

// print writes the line to stdout, as text or as JSON.
func (l line) print(env *cmdutil.Env) error {
	if env.Printer.Machine() {
		raw, err := json.Marshal(l)
		if err != nil {
			return err
		}
		return env.Printer.Line(raw)
	}
	return env.Printer.Data(nil, func(p *output.Page) {
		style, about := p.Good, string(l.Result)
		switch l.State {
		case failed, unknown:
			style = p.Bad
		case running, notSent:
			style = p.Busy
		}
		if l.Error != nil {
			about = l.Error.Message
		} else if l.RequestID != "" {
			about = "request " + l.RequestID
		}
		p.Line("%d  %s  %s", l.Index, style(string(l.State)), about)
	})
}
