// Package content holds the commands that create content from a brief: the service chooses the app and fills its inputs.
package content

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command content.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("content", "Create content from a brief, without choosing an app",
		newCreate(env), newPlan(env), newBrief(env), newScore(env), newBatch(env), newAutoGenerate(env), newPreview(env), newRun(env))
}

// briefOptions are the options of create and plan.
type briefOptions struct {
	env      *cmdutil.Env
	req      api.ContentRequest
	inputs   []string
	file     string
	metadata []string
	minScore float64
	retries  int
	start    startOptions
}

// add declares the flags of create and plan.
func (o *briefOptions) add(cmd *cobra.Command) {
	f := cmd.Flags()
	addTarget(f, &o.req.Platform, &o.req.Modality)
	f.StringVar(&o.req.AspectRatio, "aspect-ratio", "", "the `RATIO` of a picture or a video, such as 4:5")
	addApp(cmd, o.env, &o.req.AppID)
	addBrand(f, &o.req.BrandProfileID, &o.req.CampaignID)
	f.StringArrayVarP(&o.inputs, "input", "i", nil, "set an input as `NAME=VALUE`, as NAME:=JSON, or as NAME=@FILE to upload a file, instead of leaving it to the service; may be repeated")
	f.StringVar(&o.file, "file", "", "read inputs from a JSON `FILE` (- is stdin); --input overrides it")
	f.IntVar(&o.req.NumVariants, "num-variants", 0, "produce `N` variants (default 1)")
	_ = cmd.RegisterFlagCompletionFunc("input", complete.None)
}

// addTarget declares the flags for the place and the medium of content.
func addTarget(f *pflag.FlagSet, platform, modality *string) {
	f.StringVar(platform, "platform", "", "make it for the platform of this `NAME`, such as instagram")
	f.StringVar(modality, "modality", "", "make this medium: `image|video|audio|text`")
}

// addApp declares the flag for the app, which the Node client calls --app-id.
func addApp(cmd *cobra.Command, env *cmdutil.Env, app *string) {
	for _, name := range []string{"app", "app-id"} {
		cmd.Flags().StringVar(app, name, "", "use this `APP` instead of leaving the choice to the service")
		_ = cmd.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return complete.Apps(env)(cmd, nil, typed)
		})
	}
	_ = cmd.Flags().MarkHidden("app-id")
}

// addBrand declares the flags for the brand and the campaign.
func addBrand(f *pflag.FlagSet, brand, campaign *string) {
	f.StringVar(brand, "brand-profile-id", "", "follow the brand profile with this `ID`")
	f.StringVar(campaign, "campaign-id", "", "count it to the campaign with this `ID`")
}

// validate checks the combination of flags. brief are the arguments.
func (o *briefOptions) validate(cmd *cobra.Command, brief []string) error {
	if o.req.Brief = joinWords(brief); o.req.Brief == "" {
		return fail.Usage(cmd.CommandPath()+" --help", "the brief is empty")
	}
	if err := cmdutil.AtMostOne(cmd, "app", "app-id"); err != nil {
		return err
	}
	switch {
	case o.req.NumVariants < 0:
		return fail.Usage("", "--num-variants must be 1 or more")
	case o.minScore < 0 || o.retries < 0:
		return fail.Usage("", "--min-score and --max-retries must not be negative")
	case o.retries > 0 && o.minScore == 0:
		return fail.Usage("", "--max-retries needs --min-score: without a score to reach, nothing is tried again")
	}
	if o.minScore > 0 {
		o.req.AutoQuality = &api.AutoQuality{Enabled: true, MinScore: o.minScore, MaxRetries: o.retries}
	}
	return nil
}

func joinWords(words []string) string { return strings.TrimSpace(strings.Join(words, " ")) }

// prepare reads the inputs and the metadata, finds the app and uploads files. again returns the arguments of the command.
func (o *briefOptions) prepare(ctx context.Context, again func(more ...string) []string) (*api.Client, error) {
	values, err := o.env.ReadInputs(ctx, o.inputs, o.file)
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		o.req.Inputs = values
	}
	if len(o.metadata) > 0 {
		o.req.Metadata = map[string]any{}
	}
	for _, pair := range o.metadata {
		name, value, err := cmdutil.ParsePair("--metadata", pair, "lamina content create BRIEF --metadata source=shop")
		if err != nil {
			return nil, err
		}
		o.req.Metadata[name] = value
	}
	if o.req.WebhookURL, err = o.start.webhook.URL(o.env); err != nil {
		return nil, err
	}
	client, err := o.env.Sessions.Client()
	if err != nil {
		return nil, err
	}
	app, err := findApp(ctx, o.env, client, &o.req.AppID, again)
	if err != nil {
		return nil, err
	}
	return client, uploadFiles(ctx, o.env, values, app)
}

// busy shows on a terminal what a request does, which may take a while.
func busy[T any](env *cmdutil.Env, what string, send func() (T, error)) (T, error) {
	progress := env.Progress()
	defer progress.Stop()
	if progress.IsLive() {
		progress.Set("%s", what)
	}
	return send()
}

func newCreate(env *cmdutil.Env) *cobra.Command {
	opts := &briefOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create BRIEF…",
		Short: "Create content from a brief",
		Long: "Create content from a brief: the service chooses an app, fills its inputs and starts a run. All words together are the brief.\n\n" +
			"If the service needs answers, nothing is started. A terminal asks for them: choices are listed, and a file is uploaded. Elsewhere\n" +
			"the exit status is 9, stdout has the questions, and the hint is the command to complete.\n\n" +
			"A run may cost credits. After a failure, the request is repeated only if no run can have started.",
		Example: "lamina content create a neon poster for the summer sale\n" +
			"lamina content create 'a poster that says \"Open on Sunday\"' --platform instagram --wait\n" +
			"lamina content create Everything must go --template tpl_sale_poster --jq .data.runId",
		Args: cmdutil.NeedArgs("BRIEF…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd, args); err != nil {
				return err
			}
			if err := opts.start.validate(cmd, opts.env); err != nil {
				return err
			}
			return create(cmd, opts)
		},
	}
	opts.add(cmd)
	f := cmd.Flags()
	f.StringVar(&opts.req.TemplateID, "template", "", "use the template with this `ID`")
	f.StringArrayVar(&opts.metadata, "metadata", nil, "keep a `NAME=VALUE` with the run; may be repeated")
	f.Float64Var(&opts.minScore, "min-score", 0, "produce it again until its quality reaches this `SCORE`, from 0 to 1; each attempt costs credits")
	f.IntVar(&opts.retries, "max-retries", 0, "with --min-score, try again at most `N` times")
	opts.start.add(cmd, (*runinfo.SpendingLimit).AddUnknown)
	_ = cmd.RegisterFlagCompletionFunc("template", func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return complete.Templates(env)(cmd, nil, typed)
	})
	return cmd
}

// maxRounds is how often a brief is clarified before the command gives up.
const maxRounds = 3

func create(cmd *cobra.Command, opts *briefOptions) error {
	if err := opts.start.spending.CheckUnpriced(cmd.Flags(), opts.env); err != nil {
		return err
	}
	ctx, again := cmd.Context(), repeat(cmd, &opts.req.Brief)
	client, err := opts.prepare(ctx, again)
	if err != nil {
		return err
	}
	d := &dispatch{env: opts.env, client: client, start: opts.start, webhook: opts.req.WebhookURL, again: again}
	reply, err := opts.send(ctx, client)
	for round := 0; err == nil && reply.Data.Kind == api.ContentNeedsClarification && d.asks() && round < maxRounds; round++ {
		var answers string
		if answers, err = d.clarify(ctx, reply.Data.Questions); err == nil && answers == "" {
			break
		}
		if err == nil {
			opts.req.Brief += "\n" + answers
			reply, err = opts.send(ctx, client)
		}
	}
	if err != nil {
		return fail.LostStart(opts.explain(ctx, client, err), "lamina runs list")
	}
	if reply.Data.Kind == api.ContentNeedsInput && reply.Data.AppID != "" && d.asks() {
		return d.startWithAnswers(ctx, reply.Data)
	}
	return d.finish(ctx, reply.Raw, reply.Data)
}

func (o *briefOptions) send(ctx context.Context, client *api.Client) (*api.Reply[api.ContentOutcome], error) {
	return busy(o.env, "choosing an app", func() (*api.Reply[api.ContentOutcome], error) { return client.CreateContent(ctx, o.req) })
}

// explain returns a clear error for a template that does not exist.
func (o *briefOptions) explain(ctx context.Context, client *api.Client, err error) error {
	if o.req.TemplateID == "" || !api.IsNotFound(err) {
		return err
	}
	if _, getErr := client.Template(ctx, o.req.TemplateID); !api.IsNotFound(getErr) {
		return err
	}
	return &fail.Error{
		Code: fail.NotFound, Message: fmt.Sprintf("there is no template %s in this workspace", output.Quote(o.req.TemplateID)),
		Hint: o.env.Command("templates", "list"), Err: err,
	}
}

func newPlan(env *cmdutil.Env) *cobra.Command {
	opts := &briefOptions{env: env, start: startOptions{webhook: runinfo.NoWebhook()}}
	cmd := &cobra.Command{
		Use:   "plan BRIEF…",
		Short: "Show what a brief would run, without a run",
		Long: "Show which app the service chooses for a brief, the inputs that it fills, and what it would ask. Nothing is started. The last\n" +
			"line is the command that starts the run; a second plan may choose something else.",
		Example: "lamina content plan a neon poster for the summer sale\n" +
			"lamina content plan product shots of https://example.com/mug.png --jq .data.draftedInputs",
		Args: cmdutil.NeedArgs("BRIEF…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd, args); err != nil {
				return err
			}
			return plan(cmd, opts)
		},
	}
	opts.add(cmd)
	return cmd
}

func plan(cmd *cobra.Command, opts *briefOptions) error {
	ctx, again := cmd.Context(), repeat(cmd, &opts.req.Brief)
	client, err := opts.prepare(ctx, again)
	if err != nil {
		return err
	}
	reply, err := busy(opts.env, "choosing an app", func() (*api.Reply[api.ContentOutcome], error) { return client.PlanContent(ctx, opts.req) })
	if err != nil {
		return err
	}
	d := &dispatch{env: opts.env, client: client, again: again}
	return d.finish(ctx, reply.Raw, reply.Data)
}
