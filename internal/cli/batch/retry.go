package batch

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newRetry(env *cmdutil.Env) *cobra.Command {
	var isFailed, isUnknown bool
	cmd := &cobra.Command{
		Use:   "retry DIR",
		Short: "Choose the items that batch run starts again",
		Long: "Allow items to be started again by the next batch run. --failed selects the items that failed, were cancelled or were\n" +
			"skipped. --unknown selects the held items: the response to their start was lost. If that start had an effect, the item\n" +
			"is paid for twice.\n\n" +
			"See also: lamina batch run --help",
		Example:           "lamina batch retry posters --failed\nlamina batch retry posters --unknown",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !isFailed && !isUnknown {
				return fail.Usage("", "choose the items: --failed or --unknown")
			}
			return retryItems(cmd.Context(), env, args[0], func(s state.Status) bool {
				return isFailed && (s == state.Failed || s == state.Cancelled || s == state.Skipped) || isUnknown && s == state.Held
			})
		},
	}
	cmd.Flags().BoolVar(&isFailed, "failed", false, "select the items that failed, were cancelled or were skipped")
	cmd.Flags().BoolVar(&isUnknown, "unknown", false, "select the items that are held")
	return cmd
}

// retryItems writes to the journals that the items in some states may be started again.
func retryItems(ctx context.Context, env *cmdutil.Env, dir string, which func(state.Status) bool) error {
	p, err := readPlan(dir)
	if err != nil {
		return err
	}
	n := 0
	err = withJournals(p, plan.LockExclusive, func(t *state.Table, writers []*journal.Writer) error {
		for i := range t.Len() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !which(t.Status(i)) {
				continue
			}
			item, err := t.Item(i)
			if err != nil {
				return err
			}
			r := journal.Record{Type: journal.Retry, ID: item.ID, Attempt: t.Attempt(i), At: env.Now().UTC().Truncate(time.Millisecond)}
			if _, err := writers[t.Shard(i)].Append(r, false); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return &fail.Error{
			Code: fail.BatchStopped, Message: "interrupted; items that can be started again so far: " + strconv.Itoa(n), Hint: "repeat the command", Err: err,
		}
	}
	if err != nil {
		return batchinfo.FileError(dir, err)
	}
	return env.Print(map[string]any{"items": n}, func(page *output.Page) {
		if n == 0 {
			page.Wrapped("There is no such item; nothing was changed.")
			return
		}
		page.Line("%s can be started again.", output.Counted(n, "item"))
		page.Line("\nNext: %s", page.Command(batchinfo.RunCommand(env, p)))
	})
}

// withJournals opens the state of a batch and all of its journals for writing. lock keeps other processes from running the batch.
func withJournals(p *plan.Plan, lock func(dir string) (unlock func(), err error), use func(*state.Table, []*journal.Writer) error) (err error) {
	dir := p.Dir()
	unlock, err := lock(dir)
	if err != nil {
		return batchinfo.Busy(dir, err)
	}
	defer unlock()
	if err := os.MkdirAll(p.JournalDir(), 0o700); err != nil {
		return batchinfo.Unusable(dir, err)
	}
	writers := make([]*journal.Writer, p.Shards)
	for i := range writers {
		one := shard.Shard{Index: i, Count: p.Shards}
		w, err := journal.Create(p.JournalPath(one), p.JournalLockPath(one), p.Batch)
		if err != nil {
			return batchinfo.Busy(dir, err)
		}
		writers[i] = w
		defer func() { err = errors.Join(err, w.Close()) }()
	}
	t, err := state.Open(p)
	if err != nil {
		return batchinfo.Unusable(dir, err)
	}
	defer func() { _ = t.Close() }()
	return use(t, writers)
}
