package lightfast

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lightfast"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type similarOptions struct {
	env       *cmdutil.Env
	document  string // an id or an address
	query     lightfast.SimilarQuery
	threshold float64
}

func newSimilar(env *cmdutil.Env) *cobra.Command {
	opts := &similarOptions{env: env}
	cmd := &cobra.Command{
		Use:   "similar ID|URL",
		Short: "Find documents that are similar to one",
		Long:  "Find documents that are similar to the one with this id or address.\n\n" + olderGenerations,
		Example: "id=$(lamina lightfast search refreshing --jq '.results[0].id')\n" +
			"lamina lightfast similar \"$id\" --limit 3 --threshold 0.2",
		Args: cmdutil.NeedArgs("ID|URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.document = args[0]
			if err := opts.check(cmd); err != nil {
				return err
			}
			return findSimilar(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.IntVar(&opts.query.Limit, "limit", 10, "show at most `N` documents, up to 50")
	f.Float64Var(&opts.threshold, "threshold", 0.5, "show only documents with at least this `SCORE`, 0 to 1 (default: the service's)")
	f.Lookup("threshold").DefValue = ""
	f.BoolVar(&opts.query.SameSourceOnly, "same-source", false, "show only documents of the same source")
	f.StringArrayVar(&opts.query.ExcludeIDs, "exclude", nil, "leave out the document with this `ID`; may be repeated")
	return cmd
}

// check validates the flags and completes the query.
func (o *similarOptions) check(cmd *cobra.Command) error {
	if o.query.Limit < 1 || o.query.Limit > lightfast.MaxSimilar {
		return fail.Usage("", "--limit must be between 1 and %d", lightfast.MaxSimilar)
	}
	if !(o.threshold >= 0 && o.threshold <= 1) { // written so that NaN is refused too
		return fail.Usage("", "--threshold must be between 0 and 1")
	}
	if cmd.Flags().Changed("threshold") {
		o.query.Threshold = &o.threshold
	}
	if !strings.Contains(o.document, "://") {
		o.query.ID = o.document
		return nil
	}
	if u, err := url.Parse(o.document); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fail.Usage("", "%q is neither an id nor an address such as https://example.com/page", o.document)
	}
	o.query.URL = o.document
	return nil
}

func findSimilar(ctx context.Context, opts *similarOptions) error {
	client, err := newClient(opts.env)
	if err != nil {
		return err
	}
	found, err := client.Similar(ctx, opts.query)
	if err != nil {
		return explainUnsupported(opts.env, err)
	}
	return opts.env.Printer.Data(found.Raw, func(p *output.Page) {
		if len(found.Results) == 0 {
			p.Line("Nothing is similar enough to %s. A lower --threshold finds more.", output.Quote(cmp.Or(found.Title, opts.document)))
			return
		}
		for i, r := range found.Results {
			writeResult(p, i+1, r)
		}
	})
}
