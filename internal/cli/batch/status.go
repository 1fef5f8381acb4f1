package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/retry"
)

func newStatus(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "status DIR",
		Short: "Show the progress and the failures of a batch",
		Long: "Show the number of items in each state, the credits, the shards that are not done, and the first items that did not\n" +
			"complete. The command reads the folder of the batch, also while the batch runs; it needs no credential.\n\n" +
			"See also: lamina batch results --help",
		Example:           "lamina batch status posters\nlamina batch status posters --jq .data.counts",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTable(cmd.Context(), args[0], func(p *plan.Plan, t *state.Table) error {
				s, err := summarize(env, args[0], p, t)
				if err != nil {
					return err
				}
				return env.Print(s, s.write)
			})
		},
	}
}

func newWatch(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "watch DIR",
		Short: "Follow a batch that other processes run",
		Long: "Show the progress of a batch that other processes run, until all items are done or no process on this machine runs it.\n" +
			"The command reads the folder of the batch; it needs no credential.\n\n" +
			"Exit status: 0 all items completed, or the batch does not run; 3 items failed, were cancelled or are held.",
		Example:           "lamina batch watch posters",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTable(cmd.Context(), args[0], func(p *plan.Plan, t *state.Table) error { return watch(cmd.Context(), env, args[0], p, t) })
		},
	}
}

// withTable opens the state of a batch.
func withTable(ctx context.Context, dir string, use func(*plan.Plan, *state.Table) error) error {
	p, err := readPlan(dir)
	if err != nil {
		return err
	}
	limitMemory(p.Items)
	t, err := interruptible(ctx, func() (*state.Table, error) { return state.Open(p) })
	if err != nil && ctx.Err() != nil {
		return &fail.Error{Code: fail.Interrupted, Message: "interrupted; nothing was changed", Hint: "repeat the command", Err: err}
	}
	if err != nil {
		return batchinfo.Unusable(dir, err)
	}
	defer func() { _ = t.Close() }()
	return use(p, t)
}

// interruptible returns what open returns, or an error when ctx ends: the process ends then, and does not wait for what cannot be
// interrupted, such as a lock or the reading of a million records.
func interruptible[T any](ctx context.Context, open func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := open()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}

// limitMemory makes the garbage collector run as often as the state of a batch needs it. That of a large one stays in memory as long as
// the process lives, so that a heap of twice its size would be mostly empty; with a small one there is room.
func limitMemory(items int) {
	const wanted = 44 << 20             // bytes
	stays := 8<<20 + 100*float64(items) // bytes, about
	debug.SetGCPercent(int(min(max(100*wanted/stays-100, 20), 300)))
	debug.SetMemoryLimit(int64(max(wanted, 1.2*stays)))
}

// watch shows the progress until the batch is over or nothing runs it.
func watch(ctx context.Context, env *cmdutil.Env, dir string, p *plan.Plan, t *state.Table) error {
	screen := batchinfo.NewScreen(env)
	defer screen.Stop()
	began := time.Now()
	for {
		s, err := summarize(env, dir, p, t)
		if err != nil {
			return err
		}
		if s.Counts.IsOver() || !s.isRunning() {
			screen.Stop()
			if !s.Counts.IsOver() {
				env.Say("no process on this machine runs the batch")
			}
			if err := env.Print(s, s.write); err != nil || !s.Counts.IsOver() {
				return err
			}
			return bad(env, dir, s.Counts)
		}
		screen.Show(engine.Snapshot{Counts: s.Counts, MaxCredits: -1, Elapsed: time.Since(began)})
		if err := retry.Sleep(ctx, batchinfo.Interval); err != nil {
			return &fail.Error{
				Code: fail.Interrupted, Message: "stopped watching; the batch continues", Hint: env.Command("batch", "watch", dir), Err: err,
			}
		}
		if err := t.Refresh(); err != nil {
			return batchinfo.Unusable(dir, err)
		}
	}
}

// bad returns the error of a batch in which some items did not complete; nil if there are none.
func bad(env *cmdutil.Env, dir string, c state.Counts) error {
	n := c.Failed + c.Cancelled + c.Held + c.Skipped
	if n == 0 {
		return nil
	}
	which := "--failed"
	if c.Held == n {
		which = "--unknown"
	}
	return &fail.Error{
		Code: fail.BatchFailed, Message: fmt.Sprintf("%d of %s did not complete", n, output.Counted(c.Total(), "item")),
		Hint: env.Command("batch", "retry", dir, which),
	}
}
