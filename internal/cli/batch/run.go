package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/retry"
)

type runOptions struct {
	env              *cmdutil.Env
	dir              string
	shard            string
	concurrency      int
	maxCredits       float64
	isLimited        bool
	allowUnknownCost bool
	maxFailures      string
	timeLimit        time.Duration
	runTimeout       time.Duration
	download         string
	idempotency      string
}

func newRun(env *cmdutil.Env) *cobra.Command {
	opts := &runOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run DIR",
		Short: "Start the items of a batch, or continue it",
		Long: "Start a run for each item of a batch, follow the runs, and record the outcomes in the folder of the batch. The command\n" +
			"can be interrupted at any time, and the same command continues. No item is started a second time while the outcome of\n" +
			"its first start is unknown.\n\n" +
			"--shard I/N runs one part of the items, with I from 0 to N-1, so that several processes or machines can share the work.\n" +
			"N is that of batch plan --shards. auto takes I and N from the variables of Slurm, Kubernetes, GitLab, AWS Batch, Cloud\n" +
			"Run, Buildkite, CircleCI and Azure Pipelines.\n\n" +
			"If the response to a start is lost, the command searches the list of runs for it. If the list does not decide, the item\n" +
			"is held: it is not started again before lamina batch retry --unknown. With --idempotency honoured the command repeats\n" +
			"the start with the same key instead. Use it only for a service that starts nothing when it gets a key again.\n\n" +
			"Exit status: 0 all items completed; 1 outputs could not be saved, or another process runs the shard; 2 wrong usage, or\n" +
			"the folder cannot be used; 3 items failed, were cancelled or are held; 4 sign-in needed; 6 credit limit or quota; 7 time\n" +
			"limit or signal; 8 the service fails. After 1, 6, 7 and 8, the same command continues.\n\n" +
			"See also: lamina docs batch, lamina batch status --help",
		Example: "lamina batch run posters\n" +
			"lamina batch run posters --download 'posters/out/{id}/' --max-credits 500\n" +
			"lamina batch run posters --shard 3/8 --time-limit 50m",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.dir = args[0]
			opts.isLimited = cmd.Flags().Changed("max-credits")
			if err := opts.validate(); err != nil {
				return err
			}
			return opts.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.shard, "shard", "", "run only part `I/N` of the items, or auto")
	f.IntVar(&opts.concurrency, "concurrency", 16, "send up to `N` starts at once")
	f.Float64Var(&opts.maxCredits, "max-credits", 0, "start no item that could raise the credits of the batch above `N`")
	f.BoolVar(&opts.allowUnknownCost, "allow-unknown-cost", false, "start runs although --max-credits is set and the service does not say what they cost")
	f.StringVar(&opts.maxFailures, "max-failures", "", "start no more items after `N` have failed; 5% is a part of all items")
	f.DurationVar(&opts.timeLimit, "time-limit", 0, "stop after this `TIME`, with status 7")
	f.DurationVar(&opts.runTimeout, "run-timeout", 0, "cancel a run that takes longer than this `TIME`; its item fails")
	f.StringVarP(&opts.download, "download", "d", "", "save the outputs to this `PATH`, with {id} and also {label}, {index}, {ext} and {runId}")
	f.StringVar(&opts.idempotency, "idempotency", "ignored", "how the service treats a repeated Idempotency-Key, by this `RULE`: honoured (no second run) or ignored")
	completeFlags(cmd, map[string][]string{"idempotency": {"honoured", "ignored"}})
	_ = cmd.RegisterFlagCompletionFunc("shard", completeShards)
	return cmd
}

func (o *runOptions) validate() error {
	if o.concurrency < 1 || o.concurrency > 1000 {
		return fail.Usage("", "--concurrency must be between 1 and 1000")
	}
	if o.isLimited && !(o.maxCredits >= 0) {
		return fail.Usage("", "--max-credits must not be negative")
	}
	if o.timeLimit < 0 || o.runTimeout < 0 {
		return fail.Usage("", "--time-limit and --run-timeout must not be negative")
	}
	if _, err := batchinfo.FailureLimit(o.maxFailures, 100); err != nil {
		return err
	}
	if err := checkPattern(o.dir, o.download); err != nil {
		return err
	}
	return cmdutil.OneOf("--idempotency", o.idempotency, "honoured", "ignored")
}

// run carries out the shards and shows the progress and the outcome.
func (o *runOptions) run(ctx context.Context) error {
	p, err := readPlan(o.dir)
	if err == nil {
		err = refuseLamatic(p, batchinfo.RunCommand(o.env, p))
	}
	if err != nil {
		return err
	}
	unlock, err := plan.LockShared(o.dir)
	if err != nil {
		return batchinfo.Busy(o.dir, err)
	}
	defer unlock()
	ctx, stop := untilCancelled(ctx, o.dir)
	defer stop()
	e, err := o.engine(ctx, p)
	if err != nil && ctx.Err() != nil {
		return interrupted(ctx, o.env, o.dir)
	}
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	return o.show(ctx, p, e)
}

// errCancelling is why a process stops when batch cancel waits for it.
var errCancelling = errors.New("another command cancels the batch")

// untilCancelled returns a context that ends with errCancelling when batch cancel waits for this process.
func untilCancelled(ctx context.Context, dir string) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if plan.IsCancelling(dir) {
		cancel(errCancelling)
	}
	go func() {
		for retry.Sleep(ctx, time.Second) == nil {
			if plan.IsCancelling(dir) {
				cancel(errCancelling)
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// engine checks that the batch can go on, and returns its engine.
func (o *runOptions) engine(ctx context.Context, p *plan.Plan) (*engine.Engine, error) {
	shards, err := o.shards(p)
	if err != nil {
		return nil, err
	}
	service, err := open(ctx, o.env, p)
	if err != nil {
		return nil, err
	}
	options, err := o.options(p, service)
	if err != nil {
		return nil, err
	}
	options.Shards = shards
	saver, err := newSaver(o.env, o.dir, o.download)
	if err != nil {
		return nil, err
	}
	if saver != nil {
		options.Save = saver.save
	}
	limitMemory(p.Items)
	e, err := interruptible(ctx, func() (*engine.Engine, error) { return engine.New(options) })
	if err != nil {
		return nil, batchinfo.Unusable(o.dir, err)
	}
	return e, nil
}

// options returns the options of the engine that the flags and the service decide.
func (o *runOptions) options(p *plan.Plan, s *opened) (engine.Options, error) {
	limit, err := batchinfo.FailureLimit(o.maxFailures, p.Items)
	if err != nil {
		return engine.Options{}, err
	}
	options := engine.Options{
		Plan: p, Service: s.lamina, Pacer: s.pacer, Clock: s.clock, Concurrency: o.concurrency, MaxCredits: -1, MaxFailures: limit,
		TimeLimit: o.timeLimit, RunTimeout: o.runTimeout, IsIdempotent: o.idempotency == "honoured", HasOutputs: s.hasOutputs,
		Patience: o.env.Patience(), Settle: o.env.Duration("LAMINA_BATCH_SETTLE", 0),
	}
	if o.isLimited {
		options.MaxCredits = o.maxCredits
	}
	switch {
	case s.credits != nil:
		options.Credits = *s.credits
	case o.isLimited && !o.allowUnknownCost:
		return options, &fail.Error{
			Code: fail.QuotaExceeded, Message: "the cost of an item is unknown, and --max-credits limits it; nothing was started",
			Hint: "to start the items anyway, add --allow-unknown-cost",
		}
	}
	return options, nil
}

// shards returns the indexes of the shards to carry out.
func (o *runOptions) shards(p *plan.Plan) ([]int, error) {
	var one shard.Shard
	var err error
	switch o.shard {
	case "":
		all := make([]int, p.Shards)
		for i := range all {
			all[i] = i
		}
		return all, nil
	case "auto":
		if one, _, err = shard.Auto(o.env.Getenv); err == nil && one.Count == 0 {
			one.Count = p.Shards
		}
	default:
		one, err = shard.Parse(o.shard)
	}
	if err != nil {
		hint := ""
		if errors.Is(err, shard.ErrNoEngine) {
			hint = "name the shard with --shard I/N, or set LAMINA_SHARD_INDEX and LAMINA_SHARDS"
		}
		return nil, fail.Usage(hint, "--shard: %v", err)
	}
	if one.Count != p.Shards {
		again := o.env.Command("batch", "plan", p.App.ID, "ITEMS", "--out", o.dir, "--shards", strconv.Itoa(one.Count), "--accept-changes")
		return nil, fail.Usage(again, "--shard %s does not fit: the batch was planned with --shards %d", one, p.Shards)
	}
	if one.Index >= one.Count {
		return nil, fail.Usage("", "--shard %s does not exist: the last one is %d/%d", one, one.Count-1, one.Count)
	}
	return []int{one.Index}, nil
}

// An opened service is ready to run a batch.
type opened struct {
	lamina     *engine.Lamina
	pacer      *pace.Pacer
	clock      *engine.Clock
	credits    *float64 // the price of an item; nil: unknown
	hasOutputs bool
}

// planClient returns the client for a plan. It refuses the credential of another service than the one that was planned with.
func planClient(env *cmdutil.Env, p *plan.Plan) (*api.Client, error) {
	client, err := env.Sessions.Client()
	if err != nil {
		return nil, err
	}
	if p.BaseURL != client.BaseURL {
		return nil, &fail.Error{
			Code: fail.BatchUnusable, Message: fmt.Sprintf("the batch was planned for %s, and the credential is for %s", p.BaseURL, client.BaseURL),
			Hint: "use the profile or the key with which the batch was planned",
		}
	}
	if client.Workspace == "" {
		client.Workspace = p.WorkspaceID
	}
	return client, nil
}

// open opens the service of a plan, and checks that the app is still the same.
func open(ctx context.Context, env *cmdutil.Env, p *plan.Plan) (*opened, error) {
	client, err := planClient(env, p)
	if err != nil {
		return nil, err
	}
	reply, err := client.App(ctx, p.App.ID)
	if err != nil {
		return nil, err
	}
	app := reply.Data
	if plan.AppHash(app.Parameters) != p.App.Hash {
		return nil, &fail.Error{
			Code: fail.BatchChanged, Message: fmt.Sprintf("the app %s has changed since the batch was planned", p.App.Name),
			Hint: env.Command("batch", "plan", p.App.ID, "ITEMS", "--out", p.Dir(), "--accept-changes"),
		}
	}
	s := &opened{pacer: pace.New(pace.Options{}), clock: &engine.Clock{}, credits: p.CreditsPerItem, hasOutputs: len(app.Outputs) > 0}
	s.lamina = &engine.Lamina{Client: engine.PacedClient(client, s.pacer, s.clock), AppID: p.App.ID}
	return s, nil
}

// interrupted returns the error of a batch that a signal or batch cancel stopped, also before its first start.
func interrupted(ctx context.Context, env *cmdutil.Env, dir string) error {
	if errors.Is(context.Cause(ctx), errCancelling) {
		return &fail.Error{Code: fail.BatchStopped, Message: errCancelling.Error(), Hint: env.Command("batch", "status", dir), Err: errCancelling}
	}
	return &fail.Error{Code: fail.BatchStopped, Message: "interrupted; the batch can be continued", Hint: env.Command("batch", "run", dir)}
}

// stopped returns the error of a batch that met an error which a later item would meet, too.
func stopped(err error, again string) error {
	stop := &fail.Error{Around: "the batch stopped: %s", Err: err}
	var path *fs.PathError
	switch {
	case batchinfo.IsFull(err):
		stop.Hint = "free space on the disk, then continue: " + again
	case errors.As(err, &path):
		stop.Hint = "make the folder usable again, then continue: " + again
	}
	return stop
}

// outcome returns the error of a batch that did not complete.
func outcome(ctx context.Context, env *cmdutil.Env, dir string, r engine.Result) error {
	again := env.Command("batch", "run", dir)
	c := r.Counts
	switch r.Reason {
	case engine.Failed:
		return stopped(r.Err, again)
	case engine.Interrupted:
		return interrupted(ctx, env, dir)
	case engine.TimeLimit:
		return &fail.Error{Code: fail.BatchStopped, Message: "the time limit was reached; the batch can be continued", Hint: again}
	case engine.Budget:
		return &fail.Error{
			Code: fail.QuotaExceeded, Message: "the next run could exceed the limit of credits; the batch can be continued",
			Hint: again + " with a higher --max-credits",
		}
	case engine.Failures:
		return &fail.Error{
			Code: fail.BatchFailed, Message: fmt.Sprintf("%s failed, which --max-failures does not allow; %d not started", output.Counted(c.Failed, "item"), c.Pending),
			Hint: env.Command("batch", "retry", dir, "--failed"),
		}
	}
	if err := bad(env, dir, c); err != nil {
		return err
	}
	if r.NotSaved != nil {
		return &fail.Error{
			Code: fail.DownloadFailed, Err: r.NotSaved, Around: fmt.Sprintf("the outputs of %s could not be saved: %%s", output.Counted(r.Unsaved, "item")),
			Hint: "run the same command again: it saves what is missing",
		}
	}
	return nil
}
