package batch

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/disk"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newCancel(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel DIR",
		Short: "Cancel the runs of a batch, and skip the items that were not started",
		Long: "Cancel the runs of a batch that have not ended, and skip the items that were not started. Processes that run the batch\n" +
			"in the same folder stop first. Items with a start of unknown outcome stay as they are: the next batch run finds\n" +
			"their runs.\n\n" +
			"See also: lamina batch retry --help",
		Example:           "lamina batch cancel posters",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return cancelBatch(cmd.Context(), env, args[0])
		},
	}
}

// A cancelling is what cancels a batch, and what it has done so far.
type cancelling struct {
	env                *cmdutil.Env
	client             *api.Client
	table              *state.Table
	cancelled, skipped int
}

// maxStopping is how long processes that run a batch may take to stop. They do it within seconds, unless they are suspended.
const maxStopping = 30 * time.Second

// cancelBatch cancels what has not ended.
func cancelBatch(ctx context.Context, env *cmdutil.Env, dir string) error {
	p, err := readPlan(dir)
	if err == nil {
		err = refuseLamatic(p, "Lamatic documents no way to cancel a workflow: interrupt the command that runs the batch")
	}
	if err != nil {
		return err
	}
	c := cancelling{env: env}
	if c.client, err = planClient(env, p); err != nil {
		return err
	}
	err = withJournals(p, c.lock(ctx), func(t *state.Table, writers []*journal.Writer) error {
		c.table = t
		for i := range t.Len() {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := c.item(ctx, i)
			if err != nil {
				return err
			}
			if r.Type == "" {
				continue
			}
			if _, err := writers[t.Shard(i)].Append(r, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return &fail.Error{
			Code: fail.BatchStopped, Message: "interrupted; runs cancelled so far: " + strconv.Itoa(c.cancelled), Hint: env.Command("batch", "cancel", dir),
		}
	}
	if err != nil {
		return batchinfo.FileError(dir, err)
	}
	return env.Print(map[string]any{"cancelled": c.cancelled, "skipped": c.skipped}, func(page *output.Page) {
		page.Wrapped("Cancelled %s, and skipped %s not started yet.", output.Counted(c.cancelled, "run"), output.Counted(c.skipped, "item"))
	})
}

// lock returns what keeps other processes from running the batch. It stops those that do.
func (c *cancelling) lock(ctx context.Context) func(dir string) (unlock func(), err error) {
	return func(dir string) (func(), error) {
		unlock, err := plan.LockExclusive(dir)
		if !errors.Is(err, disk.ErrLocked) {
			return unlock, err
		}
		c.env.Say("Waiting for the processes that run the batch to stop…")
		return plan.LockToCancel(ctx, dir, maxStopping)
	}
}

// item cancels an item. It returns the record to write, without a Type if there is none.
func (c *cancelling) item(ctx context.Context, i int) (journal.Record, error) {
	item, err := c.table.Item(i)
	if err != nil {
		return journal.Record{}, err
	}
	r := journal.Record{ID: item.ID, Attempt: c.table.Attempt(i), At: c.env.Now().UTC().Truncate(time.Millisecond)}
	switch c.table.Status(i) {
	case state.Pending:
		last, err := c.table.Last(i)
		if err != nil {
			return r, err
		}
		if last.Type == journal.Retry { // which has closed the attempt
			r.Attempt++
		}
		c.skipped++
		r.Type, r.Reason = journal.Skipped, "the batch was cancelled before it was started"
	case state.Running:
		if r, err = cancelRun(ctx, c.client, c.table.Runs()[int32(i)].ID, r); err != nil {
			return r, err
		}
		if r.Type != "" { // otherwise it has completed: the next batch run records it
			c.cancelled++
		}
	}
	return r, nil
}

// cancelRun cancels a run and completes the record of its outcome. The Type is empty if the run has completed before.
func cancelRun(ctx context.Context, client *api.Client, id string, r journal.Record) (journal.Record, error) {
	reply, err := client.CancelRun(ctx, id)
	r.Type, r.Run, r.State = journal.Ended, id, state.Cancelled.String()
	switch {
	case api.IsNotFound(err):
		r.State, r.Error = state.Failed.String(), "the run no longer exists at the service"
		return r, nil
	case err != nil:
		return r, err
	case reply.Data.Status == api.Completed:
		r.Type = ""
	case reply.Data.Status == api.Failed:
		r.State = state.Failed.String()
	}
	return r, nil
}
