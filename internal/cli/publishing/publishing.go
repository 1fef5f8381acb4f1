// Package publishing holds the commands that publish to the channels of a workspace.
package publishing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command publishing.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("publishing", "Post to the channels of the workspace, and see what was published",
		newChannels(env), newPublish(env), newTransfer(env), newHistory(env))
}

func newChannels(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "channels",
		Short:   "List the channels to which the workspace can publish",
		Example: "lamina publishing channels\nlamina publishing channels --jq '.data[].id'",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := client.Channels(cmd.Context())
			if err != nil {
				return err
			}
			complete.CacheChannels(env, reply.Data)
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeChannels(p, reply.Data) })
		},
	}
}

func writeChannels(p *output.Page, channels []api.Channel) {
	if len(channels) == 0 {
		p.Line("No channels. Connect one in the web application.")
		return
	}
	var rows [][]string
	for _, c := range channels {
		rows = append(rows, []string{string(c.AccountName), string(c.Platform), string(c.Username), string(c.AccountType), string(c.ID)})
	}
	p.Table([]string{"NAME", "PLATFORM", "USER", "KIND", "ID"}, rows)
}

type transferOptions struct {
	env *cmdutil.Env
	req api.TransferAsset
}

func newTransfer(env *cmdutil.Env) *cobra.Command {
	opts := &transferOptions{env: env}
	cmd := &cobra.Command{
		Use:   "transfer-asset URL",
		Short: "Copy the file at a URL to the CDN of the service, and print its new URL",
		Long: "Copy the file at a URL to the CDN of the service, and print its new URL. The service fetches the file itself, so that its URL must\n" +
			"be reachable from there. For a file of this machine, use 'lamina assets upload'.",
		Example: "lamina publishing transfer-asset https://example.com/photo.jpg\n" +
			"lamina publishing transfer-asset https://example.com/clip --media-type video --filename clip.mp4",
		Args: cmdutil.NeedArgs("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.req.SourceURL = args[0]
			if err := opts.validate(); err != nil {
				return err
			}
			return transferAsset(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.req.MediaType, "media-type", "", "copy it as `image|video|audio` (default: by the extension)")
	f.StringVar(&opts.req.Filename, "filename", "", "give the copy this `NAME`")
	return cmd
}

func (o *transferOptions) validate() error {
	if err := checkURL("URL", o.req.SourceURL); err != nil {
		return err
	}
	o.req.MediaType = cmp.Or(o.req.MediaType, assetfile.KindOf(cmp.Or(o.req.Filename, pathOf(o.req.SourceURL))))
	if !slices.Contains(assetfile.Kinds(), o.req.MediaType) {
		return fail.Usage("", "--media-type must say what the file is: one of %s", strings.Join(assetfile.Kinds(), ", "))
	}
	return nil
}

func transferAsset(cmd *cobra.Command, opts *transferOptions) error {
	client, err := opts.env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := client.TransferAsset(cmd.Context(), opts.req)
	if err != nil {
		return err
	}
	return opts.env.Printer.Data(reply.Raw, func(p *output.Page) {
		p.Line("%s %s", p.Good("Copied"), opts.req.SourceURL)
		p.Line("  %s", p.Bold(string(cmp.Or(reply.Data.CDNURL, reply.Data.URL))))
	})
}

type historyOptions struct {
	env    *cmdutil.Env
	filter api.HistoryFilter
}

func newHistory(env *cmdutil.Env) *cobra.Command {
	opts := &historyOptions{env: env}
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "List what was published, the newest first",
		Example: "lamina publishing history\nlamina publishing history --status failed --platform instagram",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if states := []string{"", "published", "failed", "pending"}; !slices.Contains(states, opts.filter.Status) {
				return fail.Usage("", "--status must be one of published, failed, pending, not %q", opts.filter.Status)
			}
			if opts.filter.Limit < 0 || opts.filter.Limit > 100 {
				return fail.Usage("", "--limit must be 1 to 100")
			}
			return history(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.filter.Status, "status", "", "only publications in the state `published|failed|pending`")
	f.StringVar(&opts.filter.Platform, "platform", "", "only publications on the social network of this `NAME`")
	f.IntVar(&opts.filter.Limit, "limit", 0, "show at most `N` publications, up to 100 (default: 25)")
	return cmd
}

func history(cmd *cobra.Command, opts *historyOptions) error {
	env := opts.env
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := client.PublishingHistory(cmd.Context(), opts.filter)
	if err != nil {
		return err
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) { writeHistory(p, reply.Data, env) })
}

func writeHistory(p *output.Page, all []api.Publication, env *cmdutil.Env) {
	if len(all) == 0 {
		p.Line("Nothing was published.")
		return
	}
	var rows [][]string
	for _, o := range all {
		when := ""
		if at := cmp.Or(o.PublishedAt, o.CreatedAt); !at.IsZero() {
			when = output.Past(at.Time, env.Now())
		}
		about := string(o.Caption)
		if o.Error != "" {
			about = fmt.Sprintf("%s (%s)", o.Error, cmp.Or(o.Caption, "no caption"))
		}
		rows = append(rows, []string{string(o.Platform), string(o.Status), string(o.ContentType), when, output.Cut(about, 60), string(o.PostURL), string(o.ID)})
	}
	p.List(output.Table{Header: []string{"PLATFORM", "STATUS", "CONTENT", "WHEN", "CAPTION", "POST", "ID"}, Rows: rows, Prose: 4})
}
