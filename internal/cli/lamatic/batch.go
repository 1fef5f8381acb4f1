package lamatic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/retry"
)

// maxParallel limits the workflows that a batch runs at the same time.
const maxParallel = 64

type batchOptions struct {
	env      *cmdutil.Env
	workflow string // empty: each payload names its own
	file     string
	parallel int
	agent    bool
	waiting  waitOptions
}

func newBatch(env *cmdutil.Env) *cobra.Command {
	opts := &batchOptions{env: env}
	cmd := &cobra.Command{
		Use:   "batch [WORKFLOW] FILE",
		Short: "Run a workflow for each payload of a file",
		Long: "Run a workflow once for each payload of a file: a JSON array of objects, or one object on each line (NDJSON). FILE may be\n" +
			"- for stdin. Without WORKFLOW, each object names its own: {\"workflow\": ID, \"payload\": {…}}. The whole file is checked\n" +
			"before anything is sent.\n\n" +
			"The command prints one line for each payload, in the order of the file: index (from 0), state, result or error. After a\n" +
			"refusal with \"too many requests\", all payloads wait. A refused key or project ends the batch.",
		Example: "lamina lamatic batch summarize payloads.ndjson\n" +
			"lamina lamatic batch summarize payloads.json --parallel 8 --json > results.ndjson\n" +
			"lamina lamatic batch report - --wait --jq .result < payloads.ndjson\n" +
			"lamina lamatic batch several-workflows.ndjson",
		Args: checkBatchArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[len(args)-1]
			if len(args) == 2 {
				opts.workflow = args[0]
			}
			if opts.parallel < 1 || opts.parallel > maxParallel {
				return fail.Usage("", "--parallel must be between 1 and %d", maxParallel)
			}
			if err := opts.waiting.check(cmd); err != nil {
				return err
			}
			return runBatch(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.parallel, "parallel", 4, "run at most `N` workflows at the same time")
	cmd.Flags().BoolVar(&opts.agent, "agent", false, "WORKFLOW is the ID of an agent")
	opts.waiting.add(cmd.Flags(), "wait until each workflow ends")
	return cmd
}

// checkBatchArgs requires a file, with or without a workflow before it.
func checkBatchArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return cmdutil.NeedArgs("FILE")(cmd, args)
	}
	return cmdutil.NeedArgs("WORKFLOW", "FILE")(cmd, args)
}

func runBatch(ctx context.Context, opts *batchOptions) error {
	payloads, err := readPayloads(ctx, opts.env, opts.workflow, opts.file)
	if err != nil {
		return err
	}
	b := &batch{batchOptions: opts, payloads: payloads}
	if b.client, err = newClient(opts.env, b.watchRateLimit); err != nil {
		return err
	}
	return b.run(ctx)
}

// A batch runs one workflow for each of many payloads.
type batch struct {
	*batchOptions
	client   *lamatic.Client
	payloads []payload
	barrier  rateLimitBarrier
	starting context.Context // ends when no more payloads are to be sent; those already sent continue
	end      context.CancelCauseFunc
}

// run runs all payloads, several at a time, and prints a line for each in the order of the file.
func (b *batch) run(ctx context.Context) error {
	b.starting, b.end = context.WithCancelCause(ctx)
	defer b.end(nil)
	lines := make([]chan line, len(b.payloads))
	for i := range lines {
		lines[i] = make(chan line, 1)
	}
	indexes := make(chan int)
	go func() {
		defer close(indexes)
		for i := range b.payloads {
			indexes <- i
		}
	}()
	for range min(b.parallel, len(b.payloads)) {
		go func() {
			for i := range indexes {
				lines[i] <- b.runOne(ctx, i)
			}
		}()
	}
	counts := map[lineState]int{}
	for _, finished := range lines {
		l := <-finished
		counts[l.State]++
		if err := l.print(b.env); err != nil {
			return err
		}
	}
	return b.finish(counts)
}

// runOne runs one payload and returns its line.
func (b *batch) runOne(ctx context.Context, i int) line {
	result, err := b.execute(ctx, b.payloads[i])
	if errors.Is(err, errNotSent) {
		return line{Index: i, State: notSent}
	}
	if err != nil {
		if endsBatch(err) {
			b.end(err)
		}
		return b.failedLine(i, err)
	}
	if b.waiting.wait && result.State() == lamatic.Running && result.RunID != "" {
		runID := result.RunID
		result, err = b.waiting.await(ctx, b.env, b.client, runID, lamatic.Wait{Interval: b.waiting.interval, Patience: b.env.Patience()})
		if err != nil {
			l := b.failedLine(i, err)
			l.State, l.RequestID = running, runID // only the waiting failed
			return l
		}
	}
	return b.resultLine(i, result)
}

// errNotSent means that the batch ended before a payload was sent.
var errNotSent = errors.New("not sent")

// execute runs a payload. It repeats requests that the service refused as too many, because nothing ran then.
func (b *batch) execute(ctx context.Context, p payload) (*lamatic.Result, error) {
	policy := retry.Policy{
		Backoff: retry.Backoff{Base: time.Second}, Attempts: 2, // the client repeats each of them for a minute
		Retryable: func(err error) (time.Duration, bool) {
			delay, isLimited := rateLimitOf(err)
			return delay, isLimited && delay <= time.Minute
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			b.barrier.close(d) // the next attempt waits at the barrier, with all other payloads
			return nil
		},
	}
	var result *lamatic.Result
	err := policy.Do(ctx, func() (err error) {
		if b.barrier.wait(b.starting) != nil {
			return errNotSent
		}
		result, err = b.client.Execute(ctx, lamatic.Execution{Workflow: p.Workflow, Agent: b.agent, Payload: p.Payload})
		return err
	})
	if err != nil {
		return nil, executeError(err)
	}
	return result, nil
}

// rateLimitOf reports whether a request was refused as one too many, and the delay that the service requested.
func rateLimitOf(err error) (delay time.Duration, isLimited bool) {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Rule.Kind == provider.RateLimited {
		return refused.RetryAfter, true
	}
	return 0, false
}

// watchRateLimit makes a client close the barrier when the service refuses a request as one too many.
func (b *batch) watchRateLimit(c *api.Client) {
	next := c.OnRetry
	c.OnRetry = func(err error, after time.Duration) {
		if _, isLimited := rateLimitOf(err); isLimited {
			b.barrier.close(after)
		}
		if next != nil {
			next(err, after)
		}
	}
}

// endsBatch reports whether all other payloads would fail with the same error: the key or the project is refused, or the service
// cannot be reached.
func endsBatch(err error) bool {
	var refused *api.Error
	var lost *api.UnreachableError
	var unsigned *auth.CredentialError
	switch {
	case errors.As(err, &unsigned):
		return true
	case errors.As(err, &refused):
		return slices.Contains([]provider.Kind{provider.Refused, provider.Misplaced, provider.Forbidden}, refused.Rule.Kind)
	case errors.As(err, &lost):
		return lost.Kind.NeverSent() || lost.Kind == api.Other
	}
	return false
}

// finish writes how many payloads are in each state, and returns an error if the batch was ended or a payload did not succeed.
func (b *batch) finish(counts map[lineState]int) error {
	var parts []string
	for _, state := range []lineState{succeeded, running, failed, unknown, notSent} {
		if counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[state], strings.ReplaceAll(string(state), "_", " ")))
		}
	}
	b.env.Say("%d payloads: %s", len(b.payloads), strings.Join(parts, ", "))
	bad := counts[failed] + counts[unknown]
	switch cause := context.Cause(b.starting); {
	case errors.Is(cause, context.Canceled):
		return &fail.Error{Code: fail.Interrupted, Message: "interrupted; workflows that were started continue", Err: cause}
	case cause != nil:
		return cause
	case bad > 0:
		return &fail.Error{Code: fail.RunFailed, Message: fmt.Sprintf("%d of %d payloads did not succeed; see their lines", bad, len(b.payloads))}
	}
	return nil
}
