package batch

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newCancel(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel DIR",
		Short: "Cancel the runs of a batch, and skip the items that were not started",
		Long: "Cancel the runs of a batch that have not ended, and skip the items that were not started. Interrupt batch run first. Items whose\n" +
			"start has no known outcome are left as they are: the next batch run finds out what became of them.",
		Example:           "lamina batch cancel posters",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return cancelBatch(cmd.Context(), env, args[0])
		},
	}
}

// cancelBatch cancels what has not ended.
func cancelBatch(ctx context.Context, env *cmdutil.Env, dir string) error {
	cancelled, skipped := 0, 0
	err := withJournals(dir, func(p *plan.Plan, t *state.Table, writers []*journal.Writer) error {
		if err := refuseLamatic(p, "Lamatic documents no way to cancel a workflow: interrupt the command that runs the batch"); err != nil {
			return err
		}
		client, err := planClient(env, p)
		if err != nil {
			return err
		}
		for i := range t.Len() {
			item, err := t.Item(i)
			if err != nil {
				return err
			}
			r := journal.Record{ID: item.ID, Attempt: t.Attempt(i), At: env.Now().UTC().Truncate(time.Millisecond)}
			switch t.Status(i) {
			case state.Pending:
				skipped++
				r.Type, r.Reason = journal.Skipped, "the batch was cancelled before it was started"
			case state.Running:
				if r, err = cancelRun(ctx, client, t.Runs()[int32(i)].ID, r); err != nil {
					return err
				}
				if r.Type == "" { // it has completed: the next batch run stores its outputs
					continue
				}
				cancelled++
			default:
				continue
			}
			if _, err := writers[t.Shard(i)].Append(r, false); err != nil {
				return err
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return &fail.Error{
			Code: fail.BatchStopped, Message: fmt.Sprintf("interrupted; %d runs were cancelled", cancelled), Hint: env.Command("batch", "cancel", dir),
		}
	}
	if err != nil {
		return err
	}
	return env.Print(map[string]any{"cancelled": cancelled, "skipped": skipped}, func(page *output.Page) {
		page.Line("%s", fmt.Sprintf("Cancelled %d runs, and skipped %d items that were not started.", cancelled, skipped))
	})
}

// cancelRun cancels a run and completes the record of its end; its Type is empty if the run has completed before.
func cancelRun(ctx context.Context, client *api.Client, id string, r journal.Record) (journal.Record, error) {
	reply, err := client.CancelRun(ctx, id)
	r.Type, r.Run, r.State = journal.Ended, id, state.Cancelled.String()
	switch {
	case api.IsNotFound(err):
		r.State, r.Error = state.Failed.String(), "the service does not know the run any more"
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
