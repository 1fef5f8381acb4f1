package content

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// fieldOptions are the options of auto-generate and preview.
type fieldOptions struct {
	env        *cmdutil.Env
	req        api.FieldRequest
	document   string
	constraint api.FieldConstraints
	start      startOptions
}

// maxVariants is the largest number of variants.
const maxVariants = 8

func (o *fieldOptions) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.document, "document", "", "read the document that the field belongs to from a JSON `FILE` (- is stdin)")
	f.StringVar(&o.req.FieldName, "field", "", "fill the field with this `NAME`")
	f.StringVar(&o.req.FieldDescription, "field-description", "", "the `TEXT` says what belongs into the field")
	f.StringVar(&o.constraint.Modality, "modality", "", "make this medium: `image|video|audio|text`")
	f.StringVar(&o.constraint.AspectRatio, "aspect-ratio", "", "the `RATIO` of a picture or a video, such as 4:5")
	f.StringArrayVar(&o.constraint.OutputFormats, "output-format", nil, "accept files of this `TYPE`, such as png; may be repeated")
	f.IntVar(&o.req.NumVariants, "num-variants", 0, "produce `N` variants, up to 8 (default 1)")
	addApp(cmd, o.env, &o.req.AppID)
}

func (o *fieldOptions) validate(cmd *cobra.Command, brief []string) error {
	if o.req.Brief = joinWords(brief); o.req.Brief == "" {
		return fail.Usage(cmd.CommandPath()+" --help", "the brief is empty")
	}
	if o.req.NumVariants < 0 || o.req.NumVariants > maxVariants {
		return fail.Usage("", "--num-variants must be 1 to %d", maxVariants)
	}
	return cmdutil.AtMostOne(cmd, "app", "app-id")
}

// prepare reads the document and finds the app. again returns the arguments of the command.
func (o *fieldOptions) prepare(ctx context.Context, again func(more ...string) []string) (client *api.Client, err error) {
	o.req.Document = map[string]any{}
	if o.document != "" {
		if o.req.Document, err = o.env.ReadObject(ctx, o.document); err != nil {
			return nil, err
		}
	}
	if c := o.constraint; c.Modality+c.AspectRatio != "" || len(c.OutputFormats) > 0 {
		o.req.Constraints = &o.constraint
	}
	if client, err = o.env.Sessions.Client(); err != nil {
		return nil, err
	}
	_, err = findApp(ctx, o.env, client, &o.req.AppID, again)
	return client, err
}

func newAutoGenerate(env *cmdutil.Env) *cobra.Command {
	opts := &fieldOptions{env: env}
	cmd := &cobra.Command{
		Use:   "auto-generate BRIEF…",
		Short: "Create content for a field of a document",
		Long: "Create content for a field of a document, as an editor of documents does it. The service takes from the document what the brief\n" +
			"does not say. If it leaves the choice of the app to you, nothing is started; a terminal asks, elsewhere the exit status is 9.\n\n" +
			"A run may cost credits. After a failure, the request is repeated only if no run can have started.",
		Example: "lamina content auto-generate a neon poster for the summer sale --field hero\n" +
			"echo '{\"title\": \"Summer sale\"}' | lamina content auto-generate a poster --document - --jq .data.runId",
		Args: cmdutil.NeedArgs("BRIEF…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd, args); err != nil {
				return err
			}
			if err := opts.start.validate(cmd, opts.env); err != nil {
				return err
			}
			return autoGenerate(cmd, opts)
		},
	}
	opts.add(cmd)
	cmd.Flags().StringVar(&opts.req.AgentSessionID, "session", "", "continue the planning session with this `ID`")
	opts.start.add(cmd, (*runinfo.SpendingLimit).AddUnknown)
	return cmd
}

func autoGenerate(cmd *cobra.Command, opts *fieldOptions) error {
	if err := opts.start.spending.CheckUnpriced(cmd.Flags(), opts.env); err != nil {
		return err
	}
	ctx, again := cmd.Context(), repeat(cmd, &opts.req.Brief)
	webhook, err := opts.start.webhook.URL(opts.env)
	if err != nil {
		return err
	}
	client, err := opts.prepare(ctx, again)
	if err != nil {
		return err
	}
	opts.req.WebhookURL = webhook
	d := &dispatch{env: opts.env, client: client, start: opts.start, webhook: webhook, again: again}
	send := func() (*api.Reply[api.ContentOutcome], error) {
		return busy(opts.env, "choosing an app", func() (*api.Reply[api.ContentOutcome], error) { return client.AutoGenerate(ctx, opts.req) })
	}
	reply, err := send()
	if err != nil {
		return fail.LostStart(err, "lamina runs list")
	}
	if reply.Data.Kind != api.ContentNeedsChoice || !d.asks() {
		return d.finish(ctx, reply.Raw, reply.Data)
	}
	chosen, err := d.choose(ctx, reply.Data)
	switch {
	case err != nil:
		return err
	case chosen == nil:
		return d.problem(reply.Data)
	case len(chosen.Missing) > 0: // the same request would lack them again
		return d.startWithAnswers(ctx, candidateOutcome(*chosen))
	}
	opts.req.AppID = chosen.AppID
	if reply, err = send(); err != nil {
		return fail.LostStart(err, "lamina runs list")
	}
	return d.finish(ctx, reply.Raw, reply.Data)
}

func newPreview(env *cmdutil.Env) *cobra.Command {
	opts := &fieldOptions{env: env}
	cmd := &cobra.Command{
		Use:   "preview BRIEF…",
		Short: "Show what auto-generate would run, and what it costs",
		Long: "Show which app the service chooses for a field of a document, the inputs that it fills and where they come from, the inputs that\n" +
			"you may change, and the cost. Nothing is started. The last line is the command that starts it.",
		Example: "lamina content preview a neon poster for the summer sale\n" +
			"lamina content preview a poster of the sea --jq .data.estimate.credits",
		Args: cmdutil.NeedArgs("BRIEF…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd, args); err != nil {
				return err
			}
			return preview(cmd, opts)
		},
	}
	opts.add(cmd)
	return cmd
}

func preview(cmd *cobra.Command, opts *fieldOptions) error {
	ctx, again := cmd.Context(), repeat(cmd, &opts.req.Brief)
	client, err := opts.prepare(ctx, again)
	if err != nil {
		return err
	}
	reply, err := busy(opts.env, "choosing an app", func() (*api.Reply[api.ContentOutcome], error) { return client.PreviewRun(ctx, opts.req) })
	if err != nil {
		return err
	}
	d := &dispatch{env: opts.env, client: client, again: again}
	return d.finish(ctx, reply.Raw, reply.Data)
}
