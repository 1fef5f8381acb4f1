// Package assets holds the commands that upload files and list assets.
package assets

import (
	"cmp"
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

// New returns the command assets.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("assets", "Upload files, and list what runs made and what was uploaded", newUpload(env), newList(env))
}

type listOptions struct {
	env    *cmdutil.Env
	filter api.AssetFilter
}

func newList(env *cmdutil.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the outputs of runs and the uploaded files, the newest first",
		Example: "lamina assets list\nlamina assets list --type image --limit 5\nlamina assets list --jq '.data[].cdnUrl'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f := opts.filter; f.Limit < 0 || f.Limit > 100 || f.Offset < 0 {
				return fail.Usage("", "--limit must be 1 to 100, and --offset must not be negative")
			}
			if types := append(assetfile.Kinds(), "text"); opts.filter.OutputType != "" && !slices.Contains(types, opts.filter.OutputType) {
				return fail.Usage("", "--type must be one of %s, not %q", strings.Join(types, ", "), opts.filter.OutputType)
			}
			return list(cmd, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.filter.RunID, "run", "", "only the outputs of the run with this `ID`")
	f.StringVar(&opts.filter.OutputType, "type", "", "only assets of the type `image|video|audio|text`")
	f.IntVar(&opts.filter.Limit, "limit", 0, "show at most `N` assets, up to 100 (default: 25)")
	f.IntVar(&opts.filter.Offset, "offset", 0, "skip the first `N` assets")
	_ = cmd.RegisterFlagCompletionFunc("run", complete.Runs(env))
	return cmd
}

func list(cmd *cobra.Command, opts *listOptions) error {
	env := opts.env
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := client.ListAssets(cmd.Context(), opts.filter)
	if err != nil {
		return err
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) { writeAssets(p, reply.Data, env) })
}

// maxText is how much of a text a list shows.
const maxText = 60

func writeAssets(p *output.Page, assets []api.Asset, env *cmdutil.Env) {
	if len(assets) == 0 {
		p.Line("No assets.")
		return
	}
	var rows [][]string
	for _, a := range assets {
		value := string(cmp.Or(a.CDNURL, a.SourceURL))
		if value == "" {
			value = output.Cut(string(a.TextContent), maxText)
		}
		made := ""
		if !a.CreatedAt.IsZero() {
			made = output.Past(a.CreatedAt.Time, env.Now())
		}
		rows = append(rows, []string{string(cmp.Or(a.NodeLabel, "(upload)")), string(a.OutputType), string(a.Status), made, value, string(a.RunID), string(a.ID)})
	}
	p.Table([]string{"NAME", "TYPE", "STATUS", "CREATED", "URL OR TEXT", "RUN", "ID"}, rows)
}
