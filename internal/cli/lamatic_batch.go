package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
)

// maxParallel bounds how many workflows a batch runs at a time.
const maxParallel = 64

type lamaticBatchOptions struct {
	env      *Env
	workflow string
	file     string
	parallel int
	agent    bool
	waiting  lamaticWait
}

func newLamaticBatchCmd(env *Env) *cobra.Command {
	opts := &lamaticBatchOptions{env: env}
	cmd := &cobra.Command{
		Use:   "batch [WORKFLOW] FILE",
		Short: "Run a workflow for each payload of a file",
		Long: "Run a workflow once for each payload of a file: a JSON array of objects, or one object on each line (NDJSON). FILE\n" +
			"may be - for stdin. Without WORKFLOW, each object names its own: {\"workflow\": ID, \"payload\": {…}}. All of it is\n" +
			"checked before the first payload is sent.\n\n" +
			"Each payload gets one line of output, in the order of the file, whatever ends first: index (from 0), state, result or\n" +
			"error. When Lamatic says \"too many requests\", all wait. A key or project that is refused ends the batch.",
		Example: "lamina lamatic batch summarize payloads.ndjson\n" +
			"lamina lamatic batch summarize payloads.json --parallel 8 --json > results.ndjson\n" +
			"lamina lamatic batch report - --wait --jq .result < payloads.ndjson\n" +
			"lamina lamatic batch several-workflows.ndjson",
		Args: batchArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[len(args)-1]
			if len(args) == 2 {
				opts.workflow = args[0]
			}
			if opts.parallel < 1 || opts.parallel > maxParallel {
				return usage("", "--parallel must be between 1 and %d", maxParallel)
			}
			if err := opts.waiting.check(cmd); err != nil {
				return err
			}
			return lamaticBatch(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.parallel, "parallel", 4, "run at most `N` workflows at a time")
	cmd.Flags().BoolVar(&opts.agent, "agent", false, "WORKFLOW is the ID of an agent")
	opts.waiting.add(cmd.Flags(), "wait until each workflow ends")
	return cmd
}

// batchArgs wants a file, and before it perhaps a workflow.
func batchArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return needArgs("FILE")(cmd, args)
	}
	return needArgs("WORKFLOW", "FILE")(cmd, args)
}

func lamaticBatch(ctx context.Context, opts *lamaticBatchOptions) error {
	env := opts.env
	payloads, err := env.readPayloads(opts.workflow, opts.file)
	if err != nil {
		return err
	}
	b := &batch{lamaticBatchOptions: opts, payloads: payloads}
	b.client, err = env.lamatic(b.obeyLimits)
	if err != nil {
		return err
	}
	return b.run(ctx)
}

// A batch is a run of one workflow for many payloads.
type batch struct {
	*lamaticBatchOptions
	client   *lamatic.Client
	payloads []payload
	gate     gate
	starting context.Context // ends when no more payloads are to be sent; those on their way go on
	end      context.CancelCauseFunc
}

// A batchLine is what became of one payload.
type batchLine struct {
	Index     int             `json:"index"`
	State     batchState      `json:"state"`
	Result    json.RawMessage `json:"result,omitempty"`
	RequestID string          `json:"requestId,omitempty"` // of a workflow that is not answered at once
	Error     *failure        `json:"error,omitempty"`
}

type batchState string

// What becomes of a payload.
const (
	batchSucceeded batchState = "succeeded"
	batchRunning   batchState = "running" // it was started, and goes on
	batchFailed    batchState = "failed"
	batchUnknown   batchState = "unknown" // it may have run
	batchNotSent   batchState = "not_sent"
)

// run runs all payloads, a few at a time, and prints a line for each in the order of the file.
func (b *batch) run(ctx context.Context) error {
	b.starting, b.end = context.WithCancelCause(ctx)
	defer b.end(nil)
	lines := make([]chan batchLine, len(b.payloads))
	for i := range lines {
		lines[i] = make(chan batchLine, 1)
	}
	next := make(chan int)
	go func() {
		defer close(next)
		for i := range b.payloads {
			next <- i
		}
	}()
	for range min(b.parallel, len(b.payloads)) {
		go func() {
			for i := range next {
				lines[i] <- b.do(ctx, i)
			}
		}()
	}
	counts := map[batchState]int{}
	for _, line := range lines {
		done := <-line
		counts[done.State]++
		if err := b.env.printLine(done); err != nil {
			return err
		}
	}
	return b.summary(counts)
}

// do runs one payload.
func (b *batch) do(ctx context.Context, i int) batchLine {
	result, err := b.execute(ctx, b.payloads[i])
	if errors.Is(err, errNotSent) {
		return batchLine{Index: i, State: batchNotSent}
	}
	if err != nil {
		if endsBatch(err) {
			b.end(err)
		}
		return failedLine(i, err)
	}
	if b.waiting.wait && result.State() == lamatic.Running && result.RunID != "" {
		how := lamatic.Wait{Interval: b.waiting.interval, Patience: b.env.patience()}
		runID := result.RunID
		if result, err = b.waiting.await(ctx, b.client, runID, how); err != nil {
			line := failedLine(i, err)
			line.State, line.RequestID = batchRunning, runID // it is only the waiting that ended
			return line
		}
	}
	line := batchLine{Index: i, Result: result.Output}
	switch result.State() {
	case lamatic.Succeeded:
		line.State = batchSucceeded
	case lamatic.Running:
		line.State, line.RequestID = batchRunning, result.RunID
	default:
		f := describe(failedFlow(result))
		f.Run = nil // it is the line
		line.State, line.Error = batchFailed, &f
	}
	return line
}

// failedLine is the line of a payload that had no result.
func failedLine(i int, err error) batchLine {
	f := describe(err)
	line := batchLine{Index: i, State: batchFailed, Error: &f}
	if f.Code == codeUnknownOutcome.name || f.Code == codeInterrupted.name {
		line.State = batchUnknown
	}
	return line
}

// endsBatch reports whether all other payloads would meet the same error: the key or the project is refused, or nobody is there.
func endsBatch(err error) bool {
	var refused *api.Error
	var lost *api.UnreachableError
	var unsigned *auth.CredentialError
	switch {
	case errors.As(err, &unsigned):
		return true
	case errors.As(err, &refused):
		return slices.Contains([]provider.Meaning{provider.Refused, provider.Misplaced, provider.Forbidden}, provider.Meaning(refused.Cause))
	case errors.As(err, &lost):
		return lost.Kind.NeverSent() || lost.Kind == api.Other
	}
	return false
}

// errNotSent means that the batch ended before a payload was sent.
var errNotSent = errors.New("not sent")

// execute runs a payload, again for as long as the service says that it is asked too often: such an answer means that nothing
// ran.
func (b *batch) execute(ctx context.Context, p payload) (*lamatic.Result, error) {
	const attempts = 5
	backoff := retry.Backoff{Base: time.Second}
	for attempt := 1; ; attempt++ {
		if b.gate.wait(b.starting) != nil {
			return nil, errNotSent
		}
		result, err := b.client.Execute(ctx, lamatic.Execution{Workflow: p.Workflow, Agent: b.agent, Payload: p.Payload})
		pause, limited := limitOf(err)
		if !limited || attempt == attempts || pause > time.Minute {
			if err != nil {
				err = executeError(err)
			}
			return result, err
		}
		b.gate.hold(max(pause, backoff.Delay(attempt)))
	}
}

// limitOf reports whether an error says that the service is asked too often, and for how long it wants to be left alone.
func limitOf(err error) (time.Duration, bool) {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests && !refused.Final {
		return refused.RetryAfter, true
	}
	return 0, false
}

// obeyLimits lets all payloads wait when one is told to.
func (b *batch) obeyLimits(c *api.Client) {
	told := c.OnRetry
	c.OnRetry = func(err error, after time.Duration) {
		if _, limited := limitOf(err); limited {
			b.gate.hold(after)
		}
		if told != nil {
			told(err, after)
		}
	}
}

// summary says how many of the payloads ended how, and is the error of those that did not end well.
func (b *batch) summary(counts map[batchState]int) error {
	var parts []string
	for _, state := range []batchState{batchSucceeded, batchRunning, batchFailed, batchUnknown, batchNotSent} {
		if counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[state], strings.ReplaceAll(string(state), "_", " ")))
		}
	}
	b.env.say("%d payloads: %s", len(b.payloads), strings.Join(parts, ", "))
	switch cause := context.Cause(b.starting); {
	case errors.Is(cause, context.Canceled):
		return &commandError{code: codeInterrupted, message: "interrupted; workflows that were started go on", err: cause}
	case cause != nil:
		return cause
	case counts[batchFailed]+counts[batchUnknown] > 0:
		return &commandError{
			code:    codeRunFailed,
			message: fmt.Sprintf("%d of %d payloads did not succeed; their lines say why", counts[batchFailed]+counts[batchUnknown], len(b.payloads)),
		}
	}
	return nil
}

// printLine writes a line of a batch, for a person or as JSON.
func (e *Env) printLine(line batchLine) error {
	if e.printer.Machine() {
		raw, err := json.Marshal(line)
		if err != nil {
			return err
		}
		return e.printer.Line(raw)
	}
	return e.printer.Data(nil, func(p *output.Page) {
		style, about := p.Good, string(line.Result)
		switch line.State {
		case batchFailed, batchUnknown:
			style = p.Bad
		case batchRunning, batchNotSent:
			style = p.Busy
		}
		if line.Error != nil {
			about = line.Error.Message
		} else if line.RequestID != "" {
			about = "request " + line.RequestID
		}
		p.Line("%d  %s  %s", line.Index, style(string(line.State)), about)
	})
}
