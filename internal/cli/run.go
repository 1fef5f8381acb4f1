package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

type runOptions struct {
	env       *Env
	appID     string
	inputs    []string
	file      string
	only      []string
	wait      bool
	async     bool
	webhook   string
	noWebhook bool
	waiting   waitOptions
	saving    saveOptions
}

func newRunCmd(env *Env) *cobra.Command {
	opts := &runOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run APP",
		Short: "Start an app, and with --wait bring back what it makes",
		Long: "Start an app. The inputs are checked first, all at once. Without --wait, the run's id is printed while it goes on;\n" +
			"with --wait, its progress is shown until it ends, and --download saves its outputs.\n\n" +
			"A run may cost credits. It is never started twice by itself.",
		Example: "lamina run poster --input text=\"Hello\" --wait --download ./pictures/\n" +
			"lamina run poster --file inputs.json --json\n" +
			"lamina run poster --input text=\"Hello\" --input style=Neon --async --webhook https://example.com/hook",
		Args:              needArgs("APP"),
		ValidArgsFunction: env.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.appID = args[0]
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return runRun(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&opts.inputs, "input", "i", nil, "set an input as `NAME=VALUE`; repeat it for more, and for lists")
	f.StringVar(&opts.file, "file", "", "read inputs from a JSON `FILE` (- is stdin); --input wins")
	f.StringArrayVar(&opts.only, "only", nil, "make only the output with this `LABEL`; repeat it for more")
	f.BoolVarP(&opts.wait, "wait", "w", false, "wait until the run ends")
	f.BoolVar(&opts.async, "async", false, "do not wait (the default)")
	f.StringVar(&opts.webhook, "webhook", "", "tell this `URL` when the run ends; 'default' is the saved address, 'none' is nobody")
	f.BoolVar(&opts.noWebhook, "no-webhook", false, "tell nobody when the run ends")
	opts.waiting.add(f)
	opts.saving.add(f)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { runHelp(env, cmd) })
	return cmd
}

// helpTime is how long help may look for the inputs of the app that it was asked about.
const helpTime = 2 * time.Second

// runHelp shows the help of run and, if an app was named and can be asked, its inputs.
func runHelp(env *Env, cmd *cobra.Command) {
	env.help(cmd, nil)
	args := cmd.Flags().Args()
	if len(args) == 0 || env.begin(cmd.Context()) != nil {
		return
	}
	client, err := env.client()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), helpTime)
	defer cancel()
	reply, err := client.App(ctx, args[0])
	if err != nil {
		return
	}
	_ = env.text(func(p *output.Page) {
		p.Line("\n%s", p.Bold("Inputs of "+term.Line(reply.Data.Name)))
		writeParameters(p, reply.Data)
	})
}

func (o *runOptions) validate(cmd *cobra.Command) error {
	if err := errors.Join(atMostOne(cmd, "wait", "async"), atMostOne(cmd, "webhook", "no-webhook")); err != nil {
		return err
	}
	if o.saving.where != "" && !o.wait {
		return usage("", "--download needs --wait: without it there is nothing to save yet")
	}
	if err := o.saving.check(); err != nil {
		return err
	}
	return o.waiting.check()
}

func runRun(cmd *cobra.Command, opts *runOptions) error {
	env := opts.env
	values, err := env.readInputs(opts.inputs, opts.file)
	if err != nil {
		return err
	}
	webhook, err := opts.webhookURL()
	if err != nil {
		return err
	}
	client, err := env.client()
	if err != nil {
		return err
	}
	app, err := getApp(cmd, client, opts.appID)
	if err != nil {
		return err
	}
	inputs, problems := app.Data.CheckInputs(values)
	problems = append(problems, app.Data.CheckOutputs(opts.only)...)
	if len(problems) > 0 {
		return inputProblems(opts.appID, problems)
	}
	started, err := client.StartRun(cmd.Context(), opts.appID, api.StartRun{Inputs: inputs, Outputs: opts.only}, webhook)
	if err != nil {
		return startError(err)
	}
	env.cacheRun(started.Data.RunID, app.Data.Name)
	if !opts.wait {
		err := env.printer.Data(started.Raw, func(p *output.Page) { writeStarted(p, started.Data) })
		return unprinted(started.Data.RunID, err)
	}
	return waitAndSave(cmd.Context(), env, client, started.Data.RunID, opts.waiting, opts.saving)
}

// webhookURL decides whom the service tells of the end.
func (o *runOptions) webhookURL() (string, error) {
	switch {
	case o.noWebhook, o.webhook == "none":
		return "", nil
	case o.webhook == "default", o.webhook == "local":
		saved, err := o.env.savedWebhook()
		if err == nil && saved == "" {
			err = usage("name the address with --webhook URL", "there is no saved webhook address")
		}
		return saved, err
	case o.webhook == "":
		saved, err := o.env.savedWebhook()
		if err == nil && saved != "" {
			o.env.printer.Say("The end of the run will be told to %s", term.Line(saved))
		}
		return saved, err
	}
	u, err := url.Parse(o.webhook)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usage("lamina run APP --webhook https://example.com/hook", "--webhook wants an http or https URL, not %q", o.webhook)
	}
	return o.webhook, nil
}

// unprinted keeps the id of a run that was started and whose answer could not be printed.
func unprinted(runID string, err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return err
	}
	f := describe(err)
	return &commandError{
		code: code{f.Code, f.Exit}, message: fmt.Sprintf("%s; the run itself was started", f.Message), hint: "lamina runs get " + runID,
		runID: runID, err: err,
	}
}

// startError says that a run may have started where the answer to starting it was lost.
func startError(err error) error {
	var lost *api.UnreachableError
	if errors.As(err, &lost) && !lost.Kind.NeverSent() && lost.Kind != api.Other {
		return &commandError{
			code: codeUnknownOutcome, hint: "lamina runs list", err: err,
			message: "the answer to starting the run was lost: it may have started; look before you start it again",
		}
	}
	return err
}

func writeStarted(p *output.Page, run api.RunStarted) {
	p.Line("%s %s", p.Good("Started"), firstOf(run.WorkflowName, "a run"))
	p.Fields("run", run.RunID, "status", string(run.Status), "webhook", run.WebhookURL)
	p.Line("")
	p.Line("%s", p.Command(commandLine("runs", "wait", run.RunID)))
}
