package content

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type batchOptions struct {
	env                *cmdutil.Env
	briefs             []string
	file               string
	platform, modality string
	req                api.BatchRequest
	spending           runinfo.SpendingLimit
}

func newBatch(env *cmdutil.Env) *cobra.Command {
	opts := &batchOptions{env: env}
	cmd := &cobra.Command{
		Use:   "batch [BRIEF…]",
		Short: "Create content from up to 10 briefs",
		Long: "Create content from 1 to 10 briefs in one request. Each argument is a brief, or a file has the items: a JSON list of objects\n" +
			"with the fields of content/create, such as brief, platform, modality, appId and inputs.\n\n" +
			"Each item starts a run or fails alone; what needs an answer fails. If one failed, the exit status is 1, and the runs of the others\n" +
			"continue. The request is never repeated by the command: a second one would start the runs again.",
		Example: "lamina content batch 'a neon poster for monday' 'a paper poster for tuesday'\n" +
			"lamina content batch --file items.json --jq '.data.items[].runId'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.briefs = args; (len(args) == 0) == (opts.file == "") {
				return fail.Usage("lamina content batch 'a poster for monday' 'a poster for tuesday'", "give the briefs as arguments, or a file with --file")
			}
			if opts.file != "" && opts.platform+opts.modality != "" {
				return fail.Usage("write them into the items of the file", "--platform and --modality cannot be combined with --file")
			}
			if err := opts.spending.CheckUnpriced(cmd.Flags(), env); err != nil {
				return err
			}
			return batch(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.file, "file", "", "read the items from a JSON `FILE` (- is stdin)")
	addTarget(f, &opts.platform, &opts.modality)
	addBrand(f, &opts.req.BrandProfileID, &opts.req.CampaignID)
	opts.spending.AddUnknown(f)
	return cmd
}

// maxItems is the largest number of items that the service accepts.
const maxItems = 10

// readItems returns the items: those of the file, or one for each brief.
func (o *batchOptions) readItems(ctx context.Context) (items []json.RawMessage, err error) {
	for _, brief := range o.briefs {
		raw, err := json.Marshal(api.ContentRequest{Brief: brief, Platform: o.platform, Modality: o.modality})
		if err != nil {
			return nil, err
		}
		items = append(items, raw)
	}
	if o.file != "" {
		if items, err = o.readFile(ctx); err != nil {
			return nil, err
		}
	}
	if len(items) < 1 || len(items) > maxItems {
		return nil, fail.Usage("send several batches", "a batch has 1 to %d items, not %d", maxItems, len(items))
	}
	return items, nil
}

// readFile reads the items of the file: a list, or an object with the member items. They are sent as they are.
func (o *batchOptions) readFile(ctx context.Context) ([]json.RawMessage, error) {
	raw, err := o.env.ReadFile(ctx, o.file)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage("name a JSON file with --file", "could not read the items: %v", err))
	}
	const hint = `it should look like [{"brief": "a poster for monday"}]`
	if err := cmdutil.CheckJSON(hint, o.file, "a JSON list of items", raw); err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err = json.Unmarshal(raw, &list); err != nil {
		var object struct{ Items []json.RawMessage }
		if json.Unmarshal(raw, &object) == nil {
			list, err = object.Items, nil
		}
	}
	if err != nil {
		return nil, fail.Usage(hint, "%s is not a JSON list of items", o.file)
	}
	var problems []api.Detail
	for i, item := range list {
		var fields struct{ Brief, AppID string }
		if err := json.Unmarshal(item, &fields); err != nil || fields.Brief+fields.AppID == "" {
			problems = append(problems, api.Detail{Field: fmt.Sprintf("items[%d]", i), Message: "is not an object with a brief or an appId"})
		}
	}
	if len(problems) > 0 {
		return nil, &fail.Error{Code: fail.InvalidInputs, Message: o.file + " has items that cannot be sent; nothing was started", Details: problems, Hint: "lamina content batch --help"}
	}
	return list, nil
}

func batch(ctx context.Context, opts *batchOptions) error {
	var err error
	if opts.req.Items, err = opts.readItems(ctx); err != nil {
		return err
	}
	client, err := opts.env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := busy(opts.env, "starting the runs", func() (*api.Reply[api.Batch], error) { return client.CreateBatch(ctx, opts.req) })
	if err != nil {
		return fail.LostStart(err, "lamina runs list")
	}
	if len(reply.Data.Items) == 0 {
		if opts.env.Printer.Machine() {
			if err := opts.env.Printer.Data(reply.Raw, nil); err != nil {
				return err
			}
		}
		return &fail.Error{Code: fail.UnknownOutcome, Message: "the response names no item, so runs may have started: check before you start them again", Hint: "lamina runs list"}
	}
	for _, item := range reply.Data.Items {
		if !item.IsFailed() {
			complete.CacheRun(opts.env, string(item.RunID), string(item.WorkflowName))
		}
	}
	failed, wait := sortItems(reply.Data)
	next := ""
	if len(wait) > 0 {
		next = opts.env.Command(append([]string{"runs", "wait"}, wait...)...)
	}
	err = opts.env.Printer.Data(reply.Raw, func(p *output.Page) {
		writeBatch(p, reply.Data)
		if next != "" && len(failed) == 0 {
			p.Line("\n%s", p.Command(next))
		}
	})
	if err != nil || len(failed) == 0 {
		return err
	}
	e := &fail.Error{
		Code: fail.PartlyFailed, Message: fmt.Sprintf("%s of %d started no run", output.Counted(len(failed), "item"), len(reply.Data.Items)), Hint: next,
	}
	if opts.env.Printer.Machine() { // the table has them
		e.Details = failed
	}
	return e
}

func writeBatch(p *output.Page, b api.Batch) {
	var rows [][]string
	for i, item := range b.Items {
		rows = append(rows, []string{fmt.Sprint(itemIndex(item, i)), complete.ShortName(string(item.WorkflowName)), string(item.Status), item.Error.Message, string(item.RunID)})
	}
	p.List(output.Table{Header: []string{"ITEM", "APP", "STATUS", "ERROR", "RUN"}, Rows: rows, Prose: 3})
}

// itemIndex returns the number of an item, from 0. It is its place if the service does not send it.
func itemIndex(item api.BatchItem, place int) int64 {
	if index, ok := item.Index.Count(); ok {
		return index
	}
	return int64(place)
}

// sortItems returns the items that started no run as details of an error, and the runs of the others.
func sortItems(b api.Batch) (failed []api.Detail, runs []string) {
	for i, item := range b.Items {
		if item.IsFailed() {
			failed = append(failed, api.Detail{Field: fmt.Sprintf("items[%d]", itemIndex(item, i)), Message: cmp.Or(item.Error.Message, "the service gave no reason")})
		} else {
			runs = append(runs, string(item.RunID))
		}
	}
	return failed, runs
}
