package lamatic

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// maxParallel limits the workflows that a batch runs at the same time.
const maxParallel = 64

type batchOptions struct {
	env         *cmdutil.Env
	workflow    string // empty: each payload names its own
	file        string // empty: those of the folder
	dir         string // of the batch; empty: a temporary one
	parallel    int
	agent       bool
	maxFailures string
	timeLimit   time.Duration
	waiting     waitOptions
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
			"refusal with \"too many requests\", all payloads wait. A refused key or project ends the batch.\n\n" +
			"With --out, the batch is kept in a folder, and the same command continues after any interruption: no payload is sent twice.\n" +
			"The payloads are in the folder, so that --out alone continues, too. A payload whose response was lost is not sent again\n" +
			"before 'lamina batch retry DIR --unknown'. 'lamina batch status', 'results' and 'report' show the folder. Without --out, the\n" +
			"folder is a temporary one; it stays if the batch was ended early, and the command that continues is printed.\n\n" +
			"Exit status: 0 all succeeded, or still run; 3 some did not; 4 sign in; 6 too many requests; 7 time limit; 8 the service fails.",
		Example: "lamina lamatic batch summarize payloads.ndjson\n" +
			"lamina lamatic batch summarize payloads.json --parallel 8 --json > results.ndjson\n" +
			"lamina lamatic batch summarize payloads.ndjson --out summaries\n" +
			"lamina lamatic batch report - --wait --jq .result < payloads.ndjson\n" +
			"lamina lamatic batch several-workflows.ndjson",
		Args: checkBatchArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.file = args[len(args)-1]
			}
			if len(args) == 2 {
				opts.workflow = args[0]
			}
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return opts.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.dir, "out", "", "keep the batch in the folder at this `PATH`, so that it can be continued")
	f.IntVar(&opts.parallel, "parallel", 4, "run at most `N` workflows at the same time")
	f.IntVar(&opts.parallel, "concurrency", 4, "another name of --parallel, as of lamina batch run: `N` workflows")
	f.StringVar(&opts.maxFailures, "max-failures", "", "send no more payloads after `N` failed; 5% is a part of all payloads")
	f.DurationVar(&opts.timeLimit, "time-limit", 0, "send no more payloads after this `TIME`, and end with status 7")
	f.BoolVar(&opts.agent, "agent", false, "WORKFLOW is the ID of an agent")
	opts.waiting.add(f, "wait until each workflow ends")
	_ = cmd.MarkFlagDirname("out")
	return cmd
}

// checkBatchArgs requires a file, with or without a workflow before it, or a folder that has the payloads.
func checkBatchArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 && cmd.Flags().Changed("out"):
		return nil
	case len(args) == 1:
		return cmdutil.NeedArgs("FILE")(cmd, args)
	}
	return cmdutil.NeedArgs("WORKFLOW", "FILE")(cmd, args)
}

func (o *batchOptions) validate(cmd *cobra.Command) error {
	switch {
	case o.parallel < 1 || o.parallel > maxParallel:
		name := "parallel"
		if cmd.Flags().Changed("concurrency") {
			name = "concurrency"
		}
		return fail.Usage("", "--%s must be between 1 and %d", name, maxParallel)
	case o.dir == "" && cmd.Flags().Changed("out"):
		return fail.Usage("", "--out is empty: name the folder of the batch")
	case o.agent && o.file == "":
		return fail.Usage("", "--agent needs a file: the folder of a batch says what its IDs are")
	case o.timeLimit < 0:
		return fail.Usage("", "--time-limit must not be negative")
	}
	if err := cmdutil.AtMostOne(cmd, "parallel", "concurrency"); err != nil {
		return err
	}
	if _, err := batchinfo.FailureLimit(o.maxFailures, 100); err != nil {
		return err
	}
	return o.waiting.check(cmd)
}
