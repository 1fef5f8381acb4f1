package runs

import (
	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command runs.
func New(env *cmdutil.Env) *cobra.Command {
	cmd := cmdutil.NewNoun("runs", "Look at runs, wait for them, cancel them, and save their outputs",
		newList(env), newGet(env), newWait(env), newWatch(env), newCancel(env), newDownload(env), newFeedback(env))
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
			reply, err := runinfo.Get(cmd.Context(), env, client, args[0])
			if err != nil {
				return err
			}
			app := runinfo.AppName(cmd.Context(), env, client, reply.Data)
			err = env.Printer.Data(reply.Raw, func(p *output.Page) { runinfo.Write(p, reply.Data, app, nil, env.Now()) })
			if err == nil && open {
				err = runinfo.OpenResult(env, args[0], nil)
			}
			return err
		},
	}
	runinfo.AddOpen(cmd.Flags(), &open, "the page of the run")
	return cmd
}

func newWait(env *cmdutil.Env) *cobra.Command {
	var waiting runinfo.WaitOptions
	var saving runinfo.SaveOptions
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
			if len(args) > 1 && saving.Where != "" {
				return fail.Usage("lamina runs download RUN", "--download works with one run at a time")
			}
			if len(args) > 1 && saving.Open {
				return fail.Usage("lamina runs get RUN --open", "--open works with one run at a time")
			}
			if err := saving.Check(env); err != nil {
				return err
			}
			if err := waiting.Check(); err != nil {
				return err
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			began := env.Now()
			if len(args) == 1 {
				err = runinfo.WaitAndSave(cmd.Context(), env, client, args[0], waiting, saving)
			} else {
				err = waitForAll(cmd.Context(), env, client, args, waiting)
			}
			waiting.Announce(env, began, err)
			return err
		},
	}
	waiting.Add(cmd.Flags())
	saving.Add(cmd.Flags())
	return cmd
}

func newWatch(env *cmdutil.Env) *cobra.Command {
	var waiting runinfo.WaitOptions
	open := false
	cmd := &cobra.Command{
		Use:               "watch RUN",
		Short:             "Follow a run, printing each change",
		Long:              "Follow a run until it ends. Each change is a line on stderr. For a program, each state is a line of JSON (NDJSON).",
		Example:           "lamina runs watch RUN\nlamina runs watch RUN --json | jq .status",
		Args:              cmdutil.NeedArgs("RUN"),
		ValidArgsFunction: complete.RunningRuns(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := waiting.Check(); err != nil {
				return err
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			began := env.Now()
			err = watch(cmd, env, client, args[0], waiting)
			waiting.Announce(env, began, err)
			if err != nil || !open {
				return err
			}
			return runinfo.OpenResult(env, args[0], nil)
		},
	}
	runinfo.AddOpen(cmd.Flags(), &open, "the page of the run")
	waiting.Add(cmd.Flags())
	_ = cmd.Flags().Set("timeout", "24h")
	cmd.Flags().Lookup("timeout").DefValue = "24h"
	return cmd
}

func watch(cmd *cobra.Command, env *cmdutil.Env, client *api.Client, runID string, waiting runinfo.WaitOptions) error {
	var lines func(api.RunUpdate)
	var printErr error
	waiting.KeepsChanges = !env.Printer.Machine()
	if env.Printer.Machine() {
		env.Printer.WatchReader(cmd.Context())
		lines = func(u api.RunUpdate) {
			if err := env.Printer.Line(u.Raw); err != nil && printErr == nil {
				printErr = err
			}
		}
	}
	final, err := runinfo.Follow(cmd.Context(), env, client, runID, waiting, lines)
	if printErr != nil {
		return printErr
	}
	if err != nil {
		return err
	}
	if err := runinfo.Outcome(final); err != nil {
		return err
	}
	if env.Printer.Machine() {
		return nil
	}
	return env.Printer.Data(nil, func(p *output.Page) {
		runinfo.Write(p, final.Run, waiting.AppName(cmd.Context(), env, client, final.Run), nil, env.Now())
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
			reply, err := runinfo.Cancel(cmd.Context(), env, client, args[0])
			if err != nil {
				return err
			}
			complete.CacheEnded(env, args[0], reply.Data.Status)
			return env.Printer.Data(reply.Raw, func(p *output.Page) {
				p.Line("The run is %s.", runinfo.StatusStyle(p, reply.Data.Status))
			})
		},
	}
}
