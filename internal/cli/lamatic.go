package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

func newLamaticCmd(env *Env) *cobra.Command {
	cmd := newNoun(env, "lamatic", "Run workflows of a Lamatic project, and see how they end", nil, func() []*cobra.Command {
		return []*cobra.Command{newLamaticRunCmd(env), newLamaticStatusCmd(env), newLamaticBatchCmd(env)}
	})
	cmd.Long = "Run workflows of a project of Lamatic (lamatic.ai). Sign in with 'lamina login --provider lamatic', or set\n" +
		"LAMATIC_API_KEY, LAMATIC_PROJECT_ID and LAMATIC_ENDPOINT (the Project URL).\n\n" +
		"Lamatic documents how workflows are run, and nothing else of its runtime: no list of workflows, no keys. Other\n" +
		"GraphQL goes through: lamina api --provider lamatic . -f query='{ __typename }'"
	return cmd
}

// inStudio is the way out where Lamatic's own pages are the only one.
const inStudio = "in Lamatic's Studio, check the workflow's ID and inputs, and read its logs"

// lamatic returns a client of the project that the person signed in to.
func (e *Env) lamatic(adjust func(*api.Client)) (*lamatic.Client, error) {
	c, _, err := e.service(provider.Lamatic())
	if err != nil {
		return nil, err
	}
	if adjust != nil {
		adjust(c)
	}
	return lamatic.New(c, e.duration("LAMINA_REQUEST_TIMEOUT", 0)), nil
}

// lamaticWait says how long to ask after a run, with the times of Lamatic's SDKs.
type lamaticWait struct {
	wait     bool
	interval time.Duration
	timeout  time.Duration
}

func (w *lamaticWait) add(f *pflag.FlagSet, usage string) {
	f.BoolVarP(&w.wait, "wait", "w", false, usage)
	f.DurationVar(&w.interval, "interval", lamatic.DefaultInterval, "with --wait: ask again after this `TIME`")
	f.DurationVar(&w.timeout, "timeout", lamatic.DefaultLimit, "with --wait: stop asking after this `TIME`; the run goes on")
}

func (w *lamaticWait) check(cmd *cobra.Command) error {
	for name, value := range map[string]time.Duration{"interval": w.interval, "timeout": w.timeout} {
		if value <= 0 {
			return usage("", "--%s must be more than nothing", name)
		}
		if cmd.Flags().Changed(name) && !w.wait {
			return usage("", "--%s needs --wait: without it nothing is waited for", name)
		}
	}
	return nil
}

// follow asks after a run until it ends, and shows how far it is.
func (w *lamaticWait) follow(ctx context.Context, env *Env, client *lamatic.Client, runID string) (*lamatic.Result, error) {
	progress := env.printer.Progress(env.Getenv("ACCESSIBLE") != "")
	defer progress.Stop()
	progress.Set("request %s", term.Line(runID))
	return w.await(ctx, client, runID, lamatic.Wait{
		Interval: w.interval, Patience: env.patience(),
		Update: func(r *lamatic.Result) {
			if r.State() == lamatic.Running {
				progress.Set("%s", term.Line(r.Status))
			}
		},
		OnFault: func(err error) { progress.Set("%s; still waiting", term.Line(describe(err).Message)) },
	})
}

// await asks after a run until it ends, or until the time for waiting is over.
func (w *lamaticWait) await(ctx context.Context, client *lamatic.Client, runID string, how lamatic.Wait) (*lamatic.Result, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, w.timeout, errWaitedLong)
	defer cancel()
	newest, err := client.Wait(waiting, runID, how)
	if err != nil {
		return nil, flowWaitError(runID, newest, err)
	}
	return newest, nil
}

// flowWaitError says how to go on after waiting ended before the run did.
func flowWaitError(runID string, newest *lamatic.Result, err error) error {
	e := &commandError{err: err, runID: runID, hint: commandLine("lamatic", "status", runID, "--wait")}
	status := "processing"
	if newest != nil {
		e.run, status = newest.Raw, newest.Status
	}
	switch {
	case errors.Is(err, errWaitedLong):
		e.code, e.message = codeStillRunning, fmt.Sprintf("the workflow is still %s after the waiting time; it goes on", term.Line(status))
	case errors.Is(err, context.Canceled):
		e.code, e.message = codeInterrupted, "stopped waiting; the workflow goes on"
	default:
		return statusError(runID, err)
	}
	return e
}

// statusError is what goes wrong with asking after a run.
func statusError(runID string, err error) error {
	var refused *lamatic.FlowError
	if !errors.As(err, &refused) {
		return err
	}
	return &commandError{
		code: codeNotFound, message: fmt.Sprintf("Lamatic has no answer for request %s in this project: %s", output.Quote(runID), refused.Error()),
		hint: "lamina auth status --provider lamatic", requestID: refused.RequestID, err: err,
	}
}

// executeError is what goes wrong with running a workflow. It may cost, so it says where a workflow may have run unseen.
func executeError(err error) error {
	var refused *lamatic.FlowError
	var cut *lamatic.CutError
	var failed *api.Error
	var lost *api.UnreachableError
	switch {
	case errors.As(err, &refused):
		return refusedFlow(refused)
	case errors.As(err, &failed) && failed.Status >= 500:
		return &commandError{
			code: codeUnknownOutcome, hint: inStudio, requestID: failed.RequestID, err: err,
			message: describe(failed).Message + "; the workflow may have run: look at its logs before you run it again",
		}
	case errors.As(err, &cut):
		return &commandError{
			code: codeUnknownOutcome, hint: inStudio, err: err,
			message: "the stream broke off before the workflow's end: what came is above, and the workflow may have finished",
		}
	case errors.As(err, &lost) && lost.Kind == api.Interrupted:
		return &commandError{code: codeInterrupted, message: "interrupted; the workflow may go on at Lamatic", hint: inStudio, err: err}
	case errors.As(err, &lost) && !lost.Kind.NeverSent() && lost.Kind != api.Other:
		return &commandError{
			code: codeUnknownOutcome, hint: inStudio, err: err,
			message: "the answer to running the workflow was lost: it may have run; look at its logs before you run it again",
		}
	}
	return err
}

func refusedFlow(refused *lamatic.FlowError) error {
	e := &commandError{
		code: codeRunFailed, message: "the workflow did not succeed: " + refused.Error(), hint: inStudio,
		requestID: refused.RequestID, err: refused,
	}
	if len(refused.Problems) > 1 {
		e.message = fmt.Sprintf("the workflow did not succeed, for %d reasons", len(refused.Problems))
		for _, p := range refused.Problems {
			e.details = append(e.details, api.Detail{Message: p.Message})
		}
	}
	return e
}

// failedFlow is the error of a workflow that ran and failed.
func failedFlow(r *lamatic.Result) error {
	message := "the workflow failed"
	if reason := term.Line(r.Message); reason != "" {
		message += ": " + reason
	}
	return &commandError{code: codeRunFailed, message: message, hint: inStudio, runID: r.RunID, run: r.Raw, requestID: r.RequestID}
}

// printFlow shows a result. One of a workflow that failed is an error, and stdout stays empty.
func (e *Env) printFlow(r *lamatic.Result) error {
	if r.State() == lamatic.Failed {
		return failedFlow(r)
	}
	return e.printer.Data(r.Raw, func(p *output.Page) { writeFlow(p, r) })
}

func writeFlow(p *output.Page, r *lamatic.Result) {
	switch r.State() {
	case lamatic.Failed:
		p.Line("%s", p.Bad(firstOf(r.Status, "failed")))
		p.Fields("request", r.RunID, "reason", r.Message)
	case lamatic.Running:
		p.Line("%s", p.Busy(firstOf(r.Status, "processing")))
		p.Fields("request", r.RunID)
		if r.RunID != "" {
			p.Line("\n%s", p.Command(commandLine("lamatic", "status", r.RunID, "--wait")))
		}
	default:
		p.Line("%s", p.Good(firstOf(r.Status, "success")))
		writeOutput(p, r.Output)
	}
}

// writeOutput shows what a workflow made, whose shape is its own.
func writeOutput(p *output.Page, raw json.RawMessage) {
	fields, isObject := members(raw)
	if !isObject && raw != nil {
		writeVerbatim(p, "", plain(raw))
	}
	var short []string
	for pair := range slices.Chunk(fields, 2) {
		if !strings.Contains(pair[1], "\n") {
			short = append(short, pair...)
			continue
		}
		p.Fields(short...)
		short = nil
		p.Line("%s", p.Faint(pair[0]))
		writeVerbatim(p, "  ", pair[1])
	}
	p.Fields(short...)
}

// writeVerbatim keeps the lines of a text, which may be Markdown.
func writeVerbatim(p *output.Page, indent, text string) {
	for line := range strings.Lines(text) {
		p.Line("%s", strings.TrimRight(indent+line, " \r\n"))
	}
}

// members returns the names and values of a JSON object in their order, and whether it is one.
func members(raw json.RawMessage) ([]string, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if opening, err := d.Token(); err != nil || opening != json.Delim('{') {
		return nil, false
	}
	var all []string
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return nil, false
		}
		all = append(all, fmt.Sprint(name), plain(value))
	}
	return all, true
}

func newLamaticStatusCmd(env *Env) *cobra.Command {
	opts := &lamaticWait{}
	cmd := &cobra.Command{
		Use:   "status REQUEST_ID",
		Short: "Show how far a workflow is that is not answered at once",
		Long: "Show how far a workflow is that takes its time. 'lamina lamatic run' prints the request id of such a one.\n" +
			"With --wait, ask until it ends: every 15 seconds for up to 15 minutes, unless you say otherwise.",
		Example: "lamina lamatic status REQUEST_ID\n" +
			"lamina lamatic status REQUEST_ID --wait --interval 5s\n" +
			"lamina lamatic status REQUEST_ID --jq .data.checkStatus.result",
		Args:              needArgs("REQUEST_ID"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.check(cmd); err != nil {
				return err
			}
			return lamaticStatus(cmd.Context(), env, args[0], opts)
		},
	}
	opts.add(cmd.Flags(), "wait until the workflow ends; if it fails, so does this command")
	return cmd
}

func lamaticStatus(ctx context.Context, env *Env, runID string, opts *lamaticWait) error {
	client, err := env.lamatic(nil)
	if err != nil {
		return err
	}
	if opts.wait {
		result, err := opts.follow(ctx, env, client, runID)
		if err != nil {
			return err
		}
		return env.printFlow(result)
	}
	result, err := client.Check(ctx, runID)
	if err != nil {
		return statusError(runID, err)
	}
	return env.printer.Data(result.Raw, func(p *output.Page) { writeFlow(p, result) })
}
