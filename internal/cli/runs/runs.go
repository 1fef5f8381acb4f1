package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command runs.
func New(env *cmdutil.Env) *cobra.Command {
	cmd := cmdutil.NewNoun("runs", "Look at runs, wait for them, cancel them, and save their outputs",
		newList(env), newGet(env), newWait(env), newWatch(env), newCancel(env), newDownload(env))
	cmd.Aliases = []string{"executions"} // the older name
	return cmd
}

func newGet(env *cmdutil.Env) *cobra.Command {
	open := false
	cmd := &cobra.Command{
		Use:               "get RUN",
		Short:             "Show a run and its outputs",
		Example:           "lamina runs get 0b7b0d3e-8a4e-4c6e-9a51-6d8f3f1f2a77\nlamina runs get RUN --jq '.data.outputs[].value'",
		Args:              cmdutil.NeedArgs("RUN"),
		ValidArgsFunction: complete.Runs(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := getRun(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			app := appName(cmd.Context(), env, client, reply.Data.WorkflowID)
			err = env.Printer.Data(reply.Raw, func(p *output.Page) { writeRun(p, reply.Data, app, nil, env.Now()) })
			if err == nil && open {
				err = openResult(env, args[0], nil)
			}
			return err
		},
	}
	addOpen(cmd.Flags(), &open, "the page of the run")
	return cmd
}

// getRun fetches a run, and says how to find one if there is none of that id.
func getRun(ctx context.Context, client *api.Client, runID string) (*api.Reply[api.Run], error) {
	reply, err := client.Run(ctx, runID)
	if api.IsNotFound(err) {
		return nil, noRun(runID, err)
	}
	return reply, err
}

func newWait(env *cmdutil.Env) *cobra.Command {
	var waiting waitOptions
	var saving saveOptions
	cmd := &cobra.Command{
		Use:   "wait RUN…",
		Short: "Wait until runs end",
		Long: "Wait until one run or several end, and print their final states. The exit status is 3 if one failed or was\n" +
			"cancelled, and 7 if the waiting time was over first; the runs continue in any case. With several runs, one that\n" +
			"cannot be waited for does not end the wait for the others: the error names the end of each.",
		Example:           "lamina runs wait RUN\nlamina runs wait RUN --timeout 10m --download ./out/",
		Args:              cmdutil.NeedArgs("RUN…"),
		ValidArgsFunction: complete.RunningRuns(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && saving.where != "" {
				return fail.Usage("lamina runs download RUN", "--download works with one run at a time")
			}
			if len(args) > 1 && saving.open {
				return fail.Usage("lamina runs get RUN --open", "--open works with one run at a time")
			}
			if err := saving.check(env); err != nil {
				return err
			}
			if err := waiting.check(); err != nil {
				return err
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			began := env.Now()
			if len(args) == 1 {
				err = waitAndSave(cmd.Context(), env, client, args[0], waiting, saving)
			} else {
				err = waitForAll(cmd.Context(), env, client, args, waiting)
			}
			waiting.notify.announce(env, began, err)
			return err
		},
	}
	waiting.add(cmd.Flags())
	saving.add(cmd.Flags())
	return cmd
}

func newWatch(env *cmdutil.Env) *cobra.Command {
	var waiting waitOptions
	open := false
	cmd := &cobra.Command{
		Use:               "watch RUN",
		Short:             "Follow a run, printing each change",
		Long:              "Follow a run until it ends. Each change is a line on stderr. For a program, each state is a line of JSON (NDJSON).",
		Example:           "lamina runs watch RUN\nlamina runs watch RUN --json | jq .status",
		Args:              cmdutil.NeedArgs("RUN"),
		ValidArgsFunction: complete.RunningRuns(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := waiting.check(); err != nil {
				return err
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			began := env.Now()
			err = watch(cmd, env, client, args[0], waiting)
			waiting.notify.announce(env, began, err)
			if err != nil || !open {
				return err
			}
			return openResult(env, args[0], nil)
		},
	}
	addOpen(cmd.Flags(), &open, "the page of the run")
	waiting.add(cmd.Flags())
	_ = cmd.Flags().Set("timeout", "24h")
	cmd.Flags().Lookup("timeout").DefValue = "24h"
	return cmd
}

func watch(cmd *cobra.Command, env *cmdutil.Env, client *api.Client, runID string, waiting waitOptions) error {
	var lines func(api.RunUpdate)
	var printErr error
	waiting.keepsChanges = !env.Printer.Machine()
	if env.Printer.Machine() {
		env.Printer.WatchReader(cmd.Context())
		lines = func(u api.RunUpdate) {
			if err := env.Printer.Line(u.Raw); err != nil && printErr == nil {
				printErr = err
			}
		}
	}
	final, err := follow(cmd.Context(), env, client, runID, waiting, lines)
	if printErr != nil {
		return printErr
	}
	if err != nil {
		return err
	}
	if err := outcome(final); err != nil {
		return err
	}
	if env.Printer.Machine() {
		return nil
	}
	return env.Printer.Data(nil, func(p *output.Page) {
		writeRun(p, final.Run, waiting.appName(cmd.Context(), env, client, final.Run), nil, env.Now())
	})
}

func newCancel(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "cancel RUN",
		Short:             "Stop a run",
		Long:              "Stop a run. One that has ended stays as it is, which is no error.",
		Example:           "lamina runs cancel RUN",
		Args:              cmdutil.NeedArgs("RUN"),
		ValidArgsFunction: complete.RunningRuns(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.CancelRun(cmd.Context(), args[0])
			if api.IsNotFound(err) {
				return noRun(args[0], err)
			}
			if err != nil {
				return err
			}
			complete.CacheEnded(env, args[0], reply.Data.Status)
			return env.Printer.Data(reply.Raw, func(p *output.Page) {
				p.Line("The run is %s.", statusStyle(p, reply.Data.Status))
			})
		},
	}
}

// writeRun shows a run and its outputs. app is the name of its app.
func writeRun(p *output.Page, run api.Run, app string, files []savedFile, now time.Time) {
	p.Line("%s  %s", p.Bold(app), statusStyle(p, run.Status))
	if reason := api.String(run.ErrorMessage); reason != "" {
		p.Wrapped("%s", p.Bad(reason))
	}
	if run.StartedAt != nil && run.CompletedAt != nil {
		took := run.CompletedAt.Sub(*run.StartedAt).Round(100 * time.Millisecond)
		p.Wrapped("%s", p.Faint(fmt.Sprintf("ended %s, took %s", when(*run.CompletedAt, now), took)))
	} else {
		p.Wrapped("%s", p.Faint("created "+when(run.CreatedAt, now)))
	}
	saved := map[string]bool{}
	for _, f := range files {
		saved[f.Label] = true
	}
	var pairs []string
	for _, o := range run.Outputs {
		value := outputValue(o)
		if saved[cmp.Or(o.Label, o.Type)] && o.Type != "text" {
			continue // its place on disk was said already
		}
		pairs = append(pairs, cmp.Or(o.Label, o.Type), value)
	}
	p.Fields(append(pairs, "run", run.RunID)...)
}

// when returns how long ago something happened, and the time of it.
func when(t, now time.Time) string {
	relative, moment := output.Past(t, now), output.Moment(t)
	if t.IsZero() || relative == moment {
		return relative
	}
	return relative + " (" + moment + ")"
}

// outputValue is an output on one line.
func outputValue(o api.Output) string {
	if reason := api.String(o.Error); reason != "" {
		return "failed: " + reason
	}
	var value string
	if json.Unmarshal(o.Value, &value) == nil && value != "" {
		return value
	}
	if len(o.Value) > 0 && string(o.Value) != "null" {
		return string(o.Value)
	}
	return o.Status
}

func statusStyle(p *output.Page, s api.Status) output.Styled {
	switch s {
	case api.Completed:
		return p.Good(string(s))
	case api.Failed, api.Cancelled:
		return p.Bad(string(s))
	}
	return p.Busy(string(s))
}
