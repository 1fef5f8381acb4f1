// Package runs holds the commands that start apps and that list runs, wait for them and save
// their outputs.
package runs

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type runOptions struct {
	env      *cmdutil.Env
	appID    string
	inputs   []string
	file     string
	only     []string
	wait     bool
	async    bool
	webhook  runinfo.WebhookOptions
	spending runinfo.SpendingLimit
	estimate bool
	waiting  runinfo.WaitOptions
	saving   runinfo.SaveOptions
}

// NewRun returns the command run.
func NewRun(env *cmdutil.Env) *cobra.Command {
	opts := &runOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run APP",
		Short: "Start an app; with --wait, wait for its outputs",
		Long: "Start an app. All inputs are checked before the run is started. Without --wait, the command prints the id of the run and\n" +
			"exits; with --wait, it shows the progress until the run ends, and --download saves the outputs.\n\n" +
			"--input NAME=VALUE is text; --input NAME:=JSON is a number, true, false, a list or an object. For an input that takes a URL,\n" +
			"NAME=@FILE uploads a file of this machine and passes its URL.\n\n" +
			"A run may cost credits. After a failure, the command repeats its request only if no run can have started.",
		Example: "lamina run poster --input text=\"Hello\" --wait --download ./pictures/\n" +
			"lamina run palette --input image=@photo.png --wait\n" +
			"lamina run poster --file inputs.json --json\n" +
			"lamina run poster --input text=\"Hello\" --input style=Neon --async --webhook https://example.com/hook",
		Args:              cmdutil.NeedArgs("APP"),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.appID = args[0]
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return runRun(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&opts.inputs, "input", "i", nil, "set an input as `NAME=VALUE`, or as NAME:=JSON; repeat the flag for more inputs, and a NAME for several values")
	f.StringVar(&opts.file, "file", "", "read inputs from a JSON `FILE` (- is stdin); --input overrides it")
	f.StringArrayVar(&opts.only, "only", nil, "produce only the output with this `LABEL`; may be repeated")
	f.BoolVarP(&opts.wait, "wait", "w", false, "wait until the run ends")
	f.BoolVar(&opts.async, "async", false, "do not wait (the default)")
	opts.webhook.Add(f)
	opts.spending.Add(f)
	f.BoolVar(&opts.estimate, "estimate", false, "show what a run of the app costs, and start none")
	opts.waiting.Add(f)
	opts.saving.Add(f)
	_ = cmd.RegisterFlagCompletionFunc("max-credits", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("input", complete.Inputs(env))
	_ = cmd.RegisterFlagCompletionFunc("only", complete.Outputs(env))
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { runHelp(env, cmd) })
	return cmd
}

// helpTime is how long help may take to fetch the inputs of an app.
const helpTime = 2 * time.Second

// runHelp shows the help of run and, if an app is named and can be fetched, its inputs above the flags.
func runHelp(env *cmdutil.Env, cmd *cobra.Command) {
	if args := cmd.Flags().Args(); len(args) > 0 {
		env.AboveFlags = inputsHelp(env, cmd, args[0])
	}
	cmd.Root().HelpFunc()(cmd, nil)
}

// inputsHelp fetches an app and returns what shows its inputs; nil if it cannot be fetched.
func inputsHelp(env *cmdutil.Env, cmd *cobra.Command, appID string) func(*output.Page) {
	env.Sessions.BestEffort = true
	if env.Begin(cmd.Context()) != nil {
		return nil
	}
	client, err := env.Sessions.Client()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), helpTime)
	defer cancel()
	reply, _, err := appinfo.Get(ctx, env, client, appID)
	if err != nil {
		return nil
	}
	return func(p *output.Page) {
		p.Line("\n%s", p.Bold("Inputs of "+reply.Data.Name))
		appinfo.WriteInputs(p, reply.Data)
	}
}

func (o *runOptions) validate(cmd *cobra.Command) error {
	if err := errors.Join(cmdutil.AtMostOne(cmd, "wait", "async"), cmdutil.AtMostOne(cmd, "webhook", "no-webhook")); err != nil {
		return err
	}
	if o.saving.Where != "" && !o.wait {
		return fail.Usage("", "--download needs --wait: a run that has just started has no outputs")
	}
	if err := o.saving.Check(o.env); err != nil {
		return err
	}
	return o.waiting.Check()
}

func runRun(cmd *cobra.Command, opts *runOptions) error {
	env := opts.env
	if opts.estimate {
		return opts.showEstimate(cmd)
	}
	values, err := env.ReadInputs(cmd.Context(), opts.inputs, opts.file)
	if err != nil {
		return err
	}
	webhook, err := opts.webhook.URL(env)
	if err != nil {
		return err
	}
	if err := opts.spending.Read(cmd.Flags(), env); err != nil {
		return err
	}
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	app, id, err := appinfo.Get(cmd.Context(), env, client, opts.appID)
	if err != nil {
		return complete.SuggestApp(cmd.Context(), env, opts.appID, func(id string) string { return runAgain(env, opts.appID, id) }, err)
	}
	inputs, problems := check.Inputs(app.Data, values)
	problems = append(problems, check.Outputs(app.Data, opts.only)...)
	files, unusable := assetfile.InInputs(inputs)
	problems = append(problems, unusable...)
	if len(problems) > 0 {
		return appinfo.Problems(opts.appID, problems)
	}
	if err := opts.saving.CheckOne(app.Data, opts.only); err != nil {
		return err
	}
	if err := opts.spending.Check(cmd.Context(), env, client, id); err != nil {
		return err
	}
	if err := files.Upload(cmd.Context(), env); err != nil {
		return err
	}
	started, err := client.StartRun(cmd.Context(), id, api.StartRun{Inputs: inputs, Outputs: opts.only}, webhook)
	if err != nil {
		return fail.LostStart(err, "lamina runs list")
	}
	complete.CacheRun(env, started.Data.RunID, app.Data.Name)
	if !opts.wait {
		err := env.Printer.Data(started.Raw, func(p *output.Page) {
			runinfo.WriteStarted(p, started.Data, env.Command("runs", "wait", started.Data.RunID))
		})
		if err == nil && opts.saving.Open {
			err = runinfo.OpenResult(env, started.Data.RunID, nil)
		}
		return runinfo.WithRunID(started.Data.RunID, err)
	}
	opts.waiting.Names[started.Data.WorkflowID] = complete.ShortName(app.Data.Name)
	began := env.Now()
	err = runinfo.WaitAndSave(cmd.Context(), env, client, started.Data.RunID, opts.waiting, opts.saving)
	opts.waiting.Announce(env, began, err)
	return err
}

// runAgain returns the typed command line with another app; without the inputs, if they may be secret.
func runAgain(env *cmdutil.Env, typed, id string) string {
	args := slices.Clone(env.Args)
	if !fail.MayRepeat(args) {
		return env.Command("run", id)
	}
	if i := slices.Index(args, typed); i >= 0 {
		args[i] = id
	}
	return env.Command(args...)
}
