package models

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type generateOptions struct {
	env      *cmdutil.Env
	modality string
	model    string
	prompt   string
	params   []string
	json     string
	file     string
	wait     bool
	async    bool
	spending runinfo.SpendingLimit
	webhook  runinfo.WebhookOptions
	waiting  runinfo.WaitOptions
	saving   runinfo.SaveOptions
}

// NewGenerate returns the command generate.
func NewGenerate(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("generate", "Make a picture or a video with a model, without an app",
		newGenerate(env, "image", "a picture", "4m", "lamina generate image --model hills-1 \"A violet dawn\" --wait --download ./pictures/\n"+
			"lamina generate image --model hills-1 \"Night\" --param light=0.1 --param sun=false --json"),
		newGenerate(env, "video", "a video", "10m", "lamina generate video --model drift-1 \"A golden evening\" --param duration=1 --wait --download ./videos/"))
}

// newGenerate returns the command for a modality. what is its result with an article, and timeout the default of --timeout.
func newGenerate(env *cmdutil.Env, modality, what, timeout, example string) *cobra.Command {
	opts := &generateOptions{env: env, modality: modality}
	cmd := &cobra.Command{
		Use:   modality + " [PROMPT…]",
		Short: "Make " + what + " with a model; with --wait, wait for it",
		Long: "Make " + what + " with a model. All parameters are checked against the model before anything is started. Without --wait,\n" +
			"the command prints the id of the run and exits; with --wait, it waits until the run ends, and --download saves the result.\n\n" +
			"--param NAME=VALUE takes the type that the model has for the parameter; --param NAME:=JSON is a value as it is. Repeat a NAME\n" +
			"for several values. See the parameters with 'lamina models describe MODEL'.\n\n" +
			"A generation costs credits, and the API names no price before it. After a failure, the command repeats its request only if\n" +
			"no generation can have started.",
		Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd, args); err != nil {
				return err
			}
			return generate(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.model, "model", "m", "", "generate with this `MODEL`; see lamina models list "+modality)
	f.StringVar(&opts.prompt, "prompt", "", "the prompt as a `TEXT`, instead of the argument")
	f.StringArrayVarP(&opts.params, "param", "p", nil, "set a parameter as `NAME=VALUE`, or as NAME:=JSON; repeat the flag for more parameters, and a NAME for several values")
	f.StringVar(&opts.json, "params", "", "set parameters as one `JSON` object, which overrides --param")
	f.StringVar(&opts.file, "file", "", "read parameters from a JSON `FILE` (- is stdin); --param and --params override it")
	f.BoolVarP(&opts.wait, "wait", "w", false, "wait until the run ends")
	f.BoolVar(&opts.async, "async", false, "do not wait (the default)")
	opts.spending.AddUnknown(f)
	opts.webhook.Add(f)
	opts.waiting.Add(f)
	opts.saving.Add(f)
	_ = f.Set("timeout", timeout)
	f.Lookup("timeout").DefValue, f.Lookup("timeout").Changed = timeout, false
	_ = cmd.RegisterFlagCompletionFunc("model", complete.Models(env, modality))
	_ = cmd.RegisterFlagCompletionFunc("param", complete.Params(env))
	return cmd
}

func (o *generateOptions) validate(cmd *cobra.Command, args []string) error {
	if err := cmp.Or(cmdutil.AtMostOne(cmd, "wait", "async"), cmdutil.AtMostOne(cmd, "webhook", "no-webhook")); err != nil {
		return err
	}
	if o.model == "" {
		return fail.Usage("lamina models list "+o.modality, "lamina generate %s needs --model MODEL", o.modality)
	}
	if len(args) > 0 && cmd.Flags().Changed("prompt") {
		return fail.Usage("", "name the prompt once: as an argument or with --prompt")
	}
	o.prompt = cmp.Or(o.prompt, strings.Join(args, " "))
	if o.saving.Where != "" && !o.wait {
		return fail.Usage("", "--download needs --wait: a generation that has just started has no result")
	}
	if err := o.saving.Check(o.env); err != nil {
		return err
	}
	return o.waiting.Check()
}

func generate(cmd *cobra.Command, opts *generateOptions) error {
	ctx, env := cmd.Context(), opts.env
	values, err := opts.values(ctx)
	if err != nil {
		return err
	}
	webhook, err := opts.webhook.URL(env)
	if err != nil {
		return err
	}
	if err := opts.spending.CheckUnpriced(cmd.Flags(), env); err != nil {
		return err
	}
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	model, err := opts.fetchModel(ctx, client)
	if err != nil {
		return err
	}
	params, problems := check.Params(model, values)
	if len(problems) > 0 {
		return paramProblems(model.ID, problems)
	}
	prompt, _ := params["prompt"].(string)
	delete(params, "prompt")
	started, err := client.Generate(ctx, opts.modality, api.Generate{Model: model.ID, Prompt: prompt, Params: params, WebhookURL: webhook})
	if err != nil {
		return fail.LostStart(err, "lamina api /v1/assets")
	}
	run := api.RunStarted{RunID: started.Data.RunID, WorkflowName: cmp.Or(model.DisplayName, model.ID), Status: started.Data.Status, WebhookURL: webhook}
	complete.CacheRun(env, run.RunID, run.WorkflowName)
	if !opts.wait {
		err := env.Printer.Data(started.Raw, func(p *output.Page) { runinfo.WriteStarted(p, run, env.Command("runs", "wait", run.RunID)) })
		if err == nil && opts.saving.Open {
			err = runinfo.OpenResult(env, run.RunID, nil)
		}
		return runinfo.WithRunID(run.RunID, err)
	}
	opts.waiting.Family = api.Generations
	began := env.Now()
	err = runinfo.WaitAndSave(ctx, env, client, run.RunID, opts.waiting, opts.saving)
	opts.waiting.Announce(env, began, err)
	return err
}

// values returns the parameters by name, with the prompt.
func (o *generateOptions) values(ctx context.Context) (map[string]any, error) {
	values := map[string]any{}
	if o.file != "" {
		var err error
		if values, err = o.env.ReadObject(ctx, o.file); err != nil {
			return nil, err
		}
	}
	if err := cmdutil.MergePairs(values, "--param", o.params, "lamina generate "+o.modality+" --model MODEL --param seed=1"); err != nil {
		return nil, err
	}
	if o.json != "" {
		object, err := cmdutil.ParseObject("--params", o.json)
		if err != nil {
			return nil, err
		}
		maps.Copy(values, object)
	}
	if o.prompt == "" {
		return values, nil
	}
	if _, isGiven := values["prompt"]; isGiven {
		return nil, fail.Usage("", "name the prompt once: as an argument, with --prompt or as a parameter")
	}
	values["prompt"] = o.prompt
	return values, nil
}

// fetchModel returns the model, if it makes what the command generates.
func (o *generateOptions) fetchModel(ctx context.Context, client *api.Client) (api.Model, error) {
	reply, err := getModel(ctx, o.env, client, "", o.model)
	if err != nil {
		return api.Model{}, err
	}
	model := reply.Data
	model.ID = cmp.Or(model.ID, o.model)
	if model.Modality != "" && model.Modality != o.modality {
		return model, fail.Usage(fail.CommandLine("models", "describe", model.ID), "the model %s is for %s, not for %s", model.ID, model.Modality, o.modality)
	}
	return model, nil
}

// paramProblems returns the one error for everything that is wrong with the parameters.
func paramProblems(model string, problems []api.Detail) error {
	count := "there is a problem"
	if len(problems) > 1 {
		count = fmt.Sprintf("there are %d problems", len(problems))
	}
	return &fail.Error{
		Code: fail.InvalidInputs, Message: count + " with the parameters; nothing was started", Details: problems,
		Hint: fail.CommandLine("models", "describe", model),
	}
}
