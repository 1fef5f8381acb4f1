package content

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

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

// previewArgs returns the arguments that start what a preview shows.
func previewArgs(env *cmdutil.Env, out api.ContentOutcome) []string {
	if len(out.Freestyle) > 0 {
		return []string{"content", "run", "--recipe", string(output.EscapeControls(compact(out.Freestyle)))}
	}
	args := append([]string{"content", "run", "--app", complete.AppName(env, out.AppID)}, inputArgs(out)...)
	for _, field := range out.Form {
		if isMissing(field, out) {
			args = append(args, "--input", field.Name+"="+placeholder)
		}
	}
	return args
}

// compact returns JSON on one line.
func compact(raw json.RawMessage) []byte {
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return raw
	}
	return line.Bytes()
}

// isMissing reports whether an input has neither a drafted value nor a default.
func isMissing(field api.FormField, out api.ContentOutcome) bool {
	isDrafted := slices.ContainsFunc(out.Inputs, func(in api.DraftedInput) bool { return in.Name == field.Name })
	return !isDrafted && (len(field.Default) == 0 || string(field.Default) == "null")
}

// writePreview shows a preview. next is the command that starts it.
func writePreview(p *output.Page, out api.ContentOutcome, next string) {
	if len(out.Freestyle) > 0 {
		p.Line("%s", p.Bold("Without an app"))
		p.Wrapped("%s", output.PlainJSON(compact(out.Freestyle)))
	} else {
		p.Line("%s", p.Bold(cmp.Or(out.AppName, out.AppID)))
		writeChoice(p, out)
		writeForm(p, out)
	}
	cost := "unknown"
	if out.Credits.IsSet {
		cost = output.Number(out.Credits.Value) + " credits"
	}
	p.Line("")
	p.Fields("cost", cost, "account", out.ManageURL)
	p.Line("")
	p.Line("%s", p.Command(next))
}

// writeForm shows the inputs that were not drafted, and may be set.
func writeForm(p *output.Page, out api.ContentOutcome) {
	var rows [][]string
	for _, field := range out.Form {
		if slices.ContainsFunc(out.Inputs, func(in api.DraftedInput) bool { return in.Name == field.Name }) {
			continue
		}
		standard := "(required)"
		if !isMissing(field, out) {
			standard = output.PlainJSON(field.Default)
		}
		about := field.Question
		if len(field.Options) > 0 {
			about = strings.TrimSpace(about + " One of: " + strings.Join(field.Options, ", "))
		}
		rows = append(rows, []string{field.Name, field.Kind, standard, about})
	}
	if len(rows) > 0 {
		p.Line("")
		p.Descriptions([]string{"INPUT", "TYPE", "DEFAULT", "QUESTION"}, rows)
	}
}

type runOptions struct {
	env    *cmdutil.Env
	req    api.ContentRun
	inputs []string
	file   string
	recipe string
	start  startOptions
}

func newRun(env *cmdutil.Env) *cobra.Command {
	opts := &runOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Start what a preview named",
		Long: "Start what 'lamina content preview' named: an app with its inputs, which are checked first, or a recipe, which needs no app.\n\n" +
			"A run may cost credits. After a failure, the request is repeated only if no run can have started.",
		Example: "lamina content run --app poster --input text=\"Hello\"\n" +
			"lamina content run --recipe '{\"modality\": \"image\", \"variants\": [{\"prompt\": \"the sea\"}]}' --wait",
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return run(cmd, opts)
		},
	}
	f := cmd.Flags()
	addApp(cmd, env, &opts.req.AppID)
	f.StringArrayVarP(&opts.inputs, "input", "i", nil, "with --app, set an input as `NAME=VALUE`, as NAME:=JSON, or as NAME=@FILE to upload a file; may be repeated")
	f.StringVar(&opts.file, "file", "", "with --app, read inputs from a JSON `FILE` (- is stdin); --input overrides it")
	f.StringArrayVar(&opts.req.Outputs, "only", nil, "with --app, produce only the output with this `LABEL`; may be repeated")
	f.StringVar(&opts.req.Rationale, "rationale", "", "with --app, keep the `TEXT` with the run: why this app was chosen")
	f.StringVar(&opts.recipe, "recipe", "", "start the recipe that this `JSON` describes; @FILE reads it from a file, @- from stdin")
	f.StringVar(&opts.req.Intent, "intent", "", "with --recipe, the `TEXT` says what the recipe is for")
	f.IntVar(&opts.req.NumVariants, "num-variants", 0, "with --recipe, produce `N` variants, up to 8")
	opts.start.add(cmd, (*runinfo.SpendingLimit).Add)
	_ = cmd.RegisterFlagCompletionFunc("max-credits", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("input", complete.None)
	_ = cmd.RegisterFlagCompletionFunc("recipe", complete.None)
	return cmd
}

func (o *runOptions) validate(cmd *cobra.Command) error {
	example := "lamina content run --app poster --input text=\"Hello\""
	if (o.req.AppID == "") == (o.recipe == "") {
		return fail.Usage(example, "name an app with --app, or a recipe with --recipe")
	}
	if err := cmdutil.AtMostOne(cmd, "app", "app-id"); err != nil {
		return err
	}
	others := map[bool][]string{true: {"input", "file", "only", "rationale"}, false: {"intent", "num-variants"}}
	for _, name := range others[o.recipe != ""] {
		if cmd.Flags().Changed(name) {
			return fail.Usage(cmd.CommandPath()+" --help", "--%s belongs to the other of --app and --recipe", name)
		}
	}
	if o.req.NumVariants < 0 || o.req.NumVariants > maxVariants {
		return fail.Usage("", "--num-variants must be 1 to %d", maxVariants)
	}
	return o.start.validate(cmd, o.env)
}

func run(cmd *cobra.Command, opts *runOptions) error {
	ctx := cmd.Context()
	values, err := opts.env.ReadInputs(ctx, opts.inputs, opts.file)
	if err != nil {
		return err
	}
	if err := opts.readRecipe(ctx); err != nil {
		return err
	}
	if opts.req.WebhookURL, err = opts.start.webhook.URL(opts.env); err != nil {
		return err
	}
	client, err := opts.env.Sessions.Client()
	if err != nil {
		return err
	}
	if opts.req.AppID == "" {
		err = opts.start.spending.CheckUnpriced(cmd.Flags(), opts.env)
	} else {
		err = opts.prepareApp(cmd, client, values)
	}
	if err != nil {
		return err
	}
	reply, err := client.RunContent(ctx, opts.req)
	if err != nil {
		return fail.LostStart(err, "lamina runs list")
	}
	d := &dispatch{env: opts.env, client: client, start: opts.start, webhook: opts.req.WebhookURL}
	return d.finish(ctx, reply.Raw, reply.Data)
}

// prepareApp finds the app, checks its inputs, outputs and cost, and uploads files.
func (o *runOptions) prepareApp(cmd *cobra.Command, client *api.Client, values map[string]any) error {
	ctx, typed := cmd.Context(), o.req.AppID
	app, err := findApp(ctx, o.env, client, &o.req.AppID, repeat(cmd, nil))
	if err != nil {
		return err
	}
	inputs, problems := check.Inputs(*app, values)
	problems = append(problems, check.Outputs(*app, o.req.Outputs)...)
	files, unusable := assetfile.InInputs(inputs)
	if problems = append(problems, unusable...); len(problems) > 0 {
		return appinfo.Problems(typed, problems)
	}
	o.req.Mode, o.req.Inputs = "app", inputs
	if err := o.start.saving.CheckOne(*app, o.req.Outputs); err != nil {
		return err
	}
	if err := o.start.spending.Read(cmd.Flags(), o.env); err != nil {
		return err
	}
	if err := o.start.spending.Check(ctx, o.env, client, o.req.AppID); err != nil {
		return err
	}
	return files.Upload(ctx, o.env)
}

// readRecipe reads the recipe, if there is one. The service checks what is in it.
func (o *runOptions) readRecipe(ctx context.Context) error {
	if o.recipe == "" {
		return nil
	}
	raw := []byte(o.recipe)
	if file, isFile := strings.CutPrefix(o.recipe, "@"); isFile {
		var err error
		if raw, err = o.env.ReadFile(ctx, file); err != nil {
			return cmp.Or(ctx.Err(), fail.Usage("name a JSON file with --recipe @FILE", "could not read the recipe: %v", err))
		}
	}
	const hint = "lamina content preview BRIEF --jq .data.freestylePlan"
	if err := cmdutil.CheckJSON(hint, "--recipe", "a JSON object", raw); err != nil {
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return fail.Usage(hint, "--recipe is not a JSON object")
	}
	o.req.Mode, o.req.FreestyleRecipe = "freestyle", raw
	return nil
}
