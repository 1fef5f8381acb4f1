package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/items"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

type planOptions struct {
	env               *cmdutil.Env
	app, items        string
	dir               string
	shards            int
	hasShards         bool
	mapping           []string
	keepDuplicates    bool
	onlyEstimate      bool
	acceptChanges     bool
	format            string
	columns           items.Mapping
	workspaceID, base string // of the session
}

func newPlan(env *cmdutil.Env) *cobra.Command {
	opts := &planOptions{env: env}
	cmd := &cobra.Command{
		Use:   "plan APP ITEMS",
		Short: "Check the items of a batch, and write them into a folder",
		Long: "Check the items of a batch, upload the files that they name, and write everything that the runs need into a folder.\n" +
			"Nothing is started: lamina batch run starts the items.\n\n" +
			"ITEMS is a file, or - for stdin: one JSON object a line (NDJSON), a JSON array, or CSV with a header. The names are\n" +
			"those of the app's inputs; --map takes an input from a column with another name. An empty CSV cell gives no value. Where\n" +
			"an input takes a URL, @FILE uploads a file, once for all items that name it. Its path is relative to the folder of the\n" +
			"items file.\n\n" +
			"An item may have an \"id\". Without one, the id is made from the inputs, and equal items are run once.\n\n" +
			"The same command again changes nothing. If the app or the items have changed, the command fails and says what changed.\n" +
			"With --accept-changes it updates the plan: completed items stay completed.\n\n" +
			"See also: lamina docs batch",
		Example: "lamina batch plan poster items.csv --out posters\n" +
			"lamina batch plan poster items.ndjson --out posters --map text=headline --shards 8\n" +
			"lamina batch plan poster items.csv --estimate",
		Args: cmdutil.NeedArgs("APP", "ITEMS"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return complete.Apps(env)(cmd, args, typed)
			}
			return complete.Files(cmd, args, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.app, opts.items = args[0], args[1]
			opts.hasShards = cmd.Flags().Changed("shards")
			if err := opts.validate(); err != nil {
				return err
			}
			err := opts.run(cmd.Context())
			if err != nil && cmd.Context().Err() != nil {
				return opts.interrupted(err)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.dir, "out", "", "write the batch into this folder `PATH`")
	f.IntVar(&opts.shards, "shards", 1, "divide the items into `N` parts, for as many processes or machines")
	f.StringArrayVar(&opts.mapping, "map", nil, "take an input from the column with another name, as `INPUT=COLUMN`; may be repeated")
	f.BoolVar(&opts.keepDuplicates, "allow-duplicates", false, "keep equal items without an id")
	f.BoolVar(&opts.onlyEstimate, "estimate", false, "check the items and show what the batch costs; write and upload nothing")
	f.BoolVar(&opts.acceptChanges, "accept-changes", false, "update the plan although the app, the items or the number of shards has changed")
	f.StringVar(&opts.format, "format", "auto", "the format of the items: `auto|ndjson|csv|json`")
	_ = cmd.RegisterFlagCompletionFunc("out", completeFolders)
	_ = cmd.RegisterFlagCompletionFunc("map", cobra.NoFileCompletions)
	return cmd
}

func (o *planOptions) validate() error {
	switch {
	case o.dir == "" && !o.onlyEstimate:
		return fail.Usage(fail.CommandLine("batch", "plan", o.app, o.items, "--out", "batch"), "name the folder of the batch with --out")
	case o.shards < 1 || o.shards > shard.Max:
		return fail.Usage("", "--shards must be 1 to %d", shard.Max)
	}
	var err error
	if o.columns, err = items.ParseMapping(o.mapping); err != nil {
		return fail.Usage("lamina batch plan APP ITEMS --out DIR --map text=headline", "--map: %v", err)
	}
	return cmdutil.OneOf("--format", o.format, "auto", "ndjson", "csv", "json")
}

func (o *planOptions) run(ctx context.Context) error {
	client, err := o.env.Sessions.Client()
	if err != nil {
		return err
	}
	app, id, err := appinfo.Get(ctx, o.env, client, o.app)
	if err != nil {
		return complete.SuggestApp(ctx, o.env, o.app, func(id string) string { return o.again(id) }, err)
	}
	folder := o.dir
	if o.onlyEstimate {
		if folder, err = os.MkdirTemp("", "lamina-batch-"); err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	}
	old, unlock, err := o.prepare(ctx, folder)
	if err != nil {
		return err
	}
	defer func() {
		plan.RemoveEmpty(folder)
		unlock()
	}()
	g := &gathering{o: o, app: app.Data, hash: plan.AppHash(app.Data.Parameters), dir: folder}
	defer g.close()
	if err := g.read(ctx); err != nil {
		return batchinfo.FileError(folder, err)
	}
	credits, balance := o.price(ctx, client, id)
	if o.onlyEstimate {
		return o.showEstimate(g, credits, balance)
	}
	if err := g.upload(ctx); err != nil {
		return batchinfo.FileError(folder, err)
	}
	return o.finish(g, plan.Plan{
		Service: provider.Lamina().Name, App: plan.App{ID: cmp.Or(app.Data.AppID, id), Name: app.Data.Name, Hash: g.hash}, BaseURL: o.base,
		WorkspaceID: o.workspaceID, Shards: o.shards, CreditsPerItem: credits, CreatedAt: o.env.Now().UTC(), Lamina: o.env.Build.Version,
	}, old, balance)
}

// interrupted returns the error for a plan that was not written because of a signal.
func (o *planOptions) interrupted(err error) error {
	return &fail.Error{
		Code: fail.Interrupted, Message: "interrupted; nothing was planned",
		Hint: "repeat the command: what it has uploaded is not uploaded again", Err: err,
	}
}

// again returns the command line for another app.
func (o *planOptions) again(app string) string {
	args := []string{"batch", "plan", app, o.items}
	if o.dir != "" {
		args = append(args, "--out", o.dir)
	}
	return o.env.Command(args...)
}

// prepare creates and locks the folder, and returns the plan that it has; nil if it has none.
func (o *planOptions) prepare(ctx context.Context, folder string) (old *plan.Plan, unlock func(), err error) {
	if err := o.identify(ctx); err != nil {
		return nil, nil, err
	}
	if err := plan.Prepare(folder); err != nil {
		return nil, nil, batchinfo.CannotPrepare(folder, err)
	}
	if unlock, err = plan.LockExclusive(folder); err != nil {
		return nil, nil, batchinfo.Busy(folder, err)
	}
	old, err = plan.ReadHead(folder)
	if errors.Is(err, plan.ErrNone) {
		return nil, unlock, nil
	}
	if err == nil {
		err = o.checkSame(old)
	}
	if err != nil {
		unlock()
		return nil, nil, batchinfo.Unusable(folder, err)
	}
	return old, unlock, nil
}

// identify finds out the service and the workspace of the session.
func (o *planOptions) identify(ctx context.Context) error {
	session, err := o.env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return err
	}
	identity, err := session.Identify(ctx)
	if err != nil {
		return err
	}
	o.base, o.workspaceID = session.Client().BaseURL, identity.Userinfo.WorkspaceID
	if identity.Reply != nil && identity.Reply.Data.Workspace != nil {
		o.workspaceID = identity.Reply.Data.Workspace.ID
	}
	return nil
}

// checkSame refuses a folder whose batch belongs to another service or workspace: its journals would be wrong there.
func (o *planOptions) checkSame(old *plan.Plan) error {
	what, was, is := "workspace", old.WorkspaceID, o.workspaceID
	switch {
	case old.BaseURL != o.base:
		what, was, is = "service", old.BaseURL, o.base
	case was == is || was == "" || is == "":
		return nil
	}
	return &fail.Error{
		Code:    fail.BatchUnusable,
		Message: fmt.Sprintf("the batch in %s is of the %s %s, and the credential is of %s; nothing was changed", o.dir, what, was, is),
		Hint:    "use the credential with which the batch was planned, or plan a batch in a folder of its own with --out",
	}
}

// price returns the most credits that an item may cost, and the credits that are left; nil for what the service does not announce.
func (o *planOptions) price(ctx context.Context, client *api.Client, id string) (credits, balance *float64) {
	estimate, err := client.Estimate(ctx, id)
	if err != nil {
		o.env.Note("the cost is unknown: %s", o.env.Sessions.Describe(err).Message)
		return nil, nil
	}
	if most, isKnown := estimate.Data.EstimatedCredits.Most(); isKnown {
		credits = &most
	}
	return credits, &estimate.Data.CurrentBalance
}

// finish writes the plan, unless the folder has the same one already.
func (o *planOptions) finish(g *gathering, p plan.Plan, old *plan.Plan, balance *float64) error {
	p.Batch = plan.NewID()
	r := result{g: g, balance: balance, State: statePlanned}
	if old != nil {
		p.Batch, p.CreatedAt = old.Batch, old.CreatedAt
		if !o.hasShards {
			p.Shards = old.Shards
		}
		isDone, err := o.compare(g, p, old, &r)
		if err != nil {
			return err
		}
		if isDone {
			return o.show(old, r)
		}
	}
	written, err := plan.Write(o.dir, p, g.take())
	if err != nil {
		return batchinfo.FileError(o.dir, err)
	}
	return o.show(written, r)
}

// compare reports whether the old plan is the one of the command. Another one is refused, unless changes are accepted.
func (o *planOptions) compare(g *gathering, p plan.Plan, old *plan.Plan, r *result) (isSame bool, err error) {
	if old.App.ID != p.App.ID {
		return false, &fail.Error{
			Code: fail.BatchUnusable, Message: fmt.Sprintf("the batch in %s is of the app %s, not of %s; nothing was changed", o.dir, cmp.Or(old.App.Name, old.App.ID), p.App.Name),
			Hint: "plan another app in a folder of its own with --out",
		}
	}
	changes, err := old.Compare(g.draft)
	isLost := errors.Is(err, plan.ErrItems)
	if err != nil && !isLost {
		return false, err
	}
	if isLost && !o.acceptChanges {
		return false, batchinfo.Unusable(o.dir, err)
	}
	what := differences(old, p, g.draft.Hash(), changes, isLost)
	if len(what) > 0 && !o.acceptChanges {
		return false, o.changed(p, strings.Join(what, "; "))
	}
	if len(what) > 0 {
		r.State, r.Changes = stateChanged, &changes
		return false, nil
	}
	if err := old.EachItem(func(int, int64, plan.Item) error { return nil }); errors.Is(err, plan.ErrItems) {
		r.State = stateRestored
		return false, nil
	}
	r.State = stateUnchanged
	return true, nil
}

// differences names what differs between an old plan and a new one, whose items have a hash.
func differences(old *plan.Plan, p plan.Plan, itemsHash string, changes plan.Changes, isLost bool) []string {
	var what []string
	switch {
	case isLost:
		what = append(what, "the items of the old plan cannot be read")
	case changes.Any():
		what = append(what, fmt.Sprintf("of the items, %d changed, %d are new and %d are gone", changes.Changed, changes.New, changes.Gone))
	case old.ItemsHash != itemsHash:
		what = append(what, "the items have another order")
	}
	if old.App.Hash != p.App.Hash {
		what = append(what, "the app has other inputs")
	}
	if old.Shards != p.Shards {
		what = append(what, fmt.Sprintf("--shards was %d, and is %d", old.Shards, p.Shards))
	}
	return what
}

// changed returns the error for a batch that is not the one of the plan.
func (o *planOptions) changed(p plan.Plan, what string) error {
	args := []string{"batch", "plan", o.app, o.items, "--out", o.dir}
	for _, pair := range o.mapping {
		args = append(args, "--map", pair)
	}
	if o.keepDuplicates {
		args = append(args, "--allow-duplicates")
	}
	if o.format != "auto" {
		args = append(args, "--format", o.format)
	}
	if o.hasShards {
		args = append(args, "--shards", fmt.Sprint(p.Shards))
	}
	return &fail.Error{
		Code: fail.BatchChanged, Message: fmt.Sprintf("the batch in %s has another plan: %s; nothing was changed", o.dir, what),
		Hint: o.env.Command(append(args, "--accept-changes")...),
	}
}

// baseDir returns the folder to which the names of files in the items are relative.
func (o *planOptions) baseDir() string {
	if o.items == "-" {
		return "."
	}
	return filepath.Dir(o.items)
}
