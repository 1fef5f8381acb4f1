package lamatic

import (
	"encoding/json"

	"github.com/uselamina/lamina/internal/api/lamatic"
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

// resultLine returns the line of a payload with a result.
func (b *batch) resultLine(i int, result *lamatic.Result) line {
	l := line{Index: i, State: succeeded, Result: result.Output}
	switch result.State() {
	case lamatic.Running:
		l.State, l.RequestID = running, result.RunID
	case lamatic.Failed:
		failure := b.env.Sessions.Describe(failedError(result))
		failure.Run = nil // the line holds the result already
		l.State, l.Error = failed, &failure
	}
	return l
}

// failedLine returns the line of a payload without a result.
func (b *batch) failedLine(i int, err error) line {
	failure := b.env.Sessions.Describe(err)
	l := line{Index: i, State: failed, Error: &failure}
	if failure.Is(fail.UnknownOutcome) || failure.Is(fail.Interrupted) {
		l.State = unknown
	}
	return l
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
