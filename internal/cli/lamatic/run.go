package lamatic

import (
	"bytes"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type runOptions struct {
	env      *cmdutil.Env
	workflow string
	inputs   []string
	file     string
	agent    bool
	stream   bool
	waiting  waitOptions
}

func newRun(env *cmdutil.Env) *cobra.Command {
	opts := &runOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run WORKFLOW",
		Short: "Run a workflow and print its result",
		Long: "Run a workflow by its ID, which the workflow editor in Studio shows. Its inputs are the variables of its trigger.\n" +
			"--input NAME=VALUE is a string; --input NAME:=JSON is a number, true, false, a list or an object.\n\n" +
			"If a workflow does not finish at once, Lamatic returns a request id. --wait waits for its end. --stream prints the output\n" +
			"of its language models as it arrives.\n\n" +
			"A run may cost. The command repeats a request only if nothing ran.",
		Example: "lamina lamatic run summarize --input text=\"Cats sleep. Cats eat fish. Dogs bark.\" --input sentences:=1\n" +
			"lamina lamatic run report --file inputs.json --wait --interval 5s\n" +
			"lamina lamatic run summarize --file - --stream < inputs.json\n" +
			"lamina lamatic run extract-links --input html=\"See https://example.com\" --jq .data.executeWorkflow.result",
		Args: cmdutil.NeedArgs("WORKFLOW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.workflow = args[0]
			if err := opts.check(cmd); err != nil {
				return err
			}
			return run(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&opts.inputs, "input", "i", nil, "set an input as `NAME=VALUE` or NAME:=JSON; may be repeated; a repeated name is a list")
	f.StringVar(&opts.file, "file", "", "read inputs from a JSON `FILE` (- is stdin); --input overrides them")
	f.StringVar(&opts.file, "inputs-file", "", "read inputs from a JSON `FILE`")
	_ = f.MarkHidden("inputs-file")
	f.BoolVar(&opts.agent, "agent", false, "WORKFLOW is the ID of an agent")
	f.BoolVar(&opts.stream, "stream", false, "print the output of the workflow's language models as it arrives")
	opts.waiting.add(f, "wait until the workflow ends")
	return cmd
}

func (o *runOptions) check(cmd *cobra.Command) error {
	if err := errors.Join(cmdutil.AtMostOne(cmd, "wait", "stream"), cmdutil.AtMostOne(cmd, "agent", "stream")); err != nil {
		return err
	}
	return o.waiting.check(cmd)
}

func run(ctx context.Context, opts *runOptions) error {
	env := opts.env
	payload, err := readPayload(ctx, env, opts.inputs, opts.file)
	if err != nil {
		return err
	}
	client, err := newClient(env)
	if err != nil {
		return err
	}
	execution := lamatic.Execution{Workflow: opts.workflow, Agent: opts.agent, Payload: payload}
	if opts.stream {
		return stream(ctx, env, client, execution)
	}
	result, err := client.Execute(ctx, execution)
	if err != nil {
		return executeError(err)
	}
	if opts.waiting.wait && result.State() == lamatic.Running {
		if result.RunID == "" {
			return &fail.Error{
				Code: fail.UnknownOutcome, Message: "the workflow continues, but Lamatic returned no request id to wait for it with",
				Hint: studioHint, Run: result.Raw, RequestID: result.RequestID,
			}
		}
		if result, err = opts.waiting.follow(ctx, env, client, result.RunID); err != nil {
			return err
		}
	}
	return printResult(env, result)
}

// stream runs a workflow and prints it as it proceeds: the output of its language models, or each frame as a line of JSON.
func stream(ctx context.Context, env *cmdutil.Env, client *lamatic.Client, execution lamatic.Execution) error {
	last, hasText, err := printFrames(ctx, env, client, execution)
	if hasText && !env.Printer.Machine() {
		_ = env.Printer.Text("\n") // the text before it has already shown whether stdout can be written
	}
	if err != nil {
		return err
	}
	if last.Message != "" {
		return failedError(&lamatic.Result{Status: last.Status, Message: last.Message, Raw: last.Raw})
	}
	if hasText || env.Printer.Machine() {
		return nil
	}
	return env.Printer.Data(last.Output, func(p *output.Page) { writeOutput(p, last.Output) })
}

// printFrames runs a workflow and prints its frames. It returns the last frame, and whether there was any text.
func printFrames(ctx context.Context, env *cmdutil.Env, client *lamatic.Client, execution lamatic.Execution) (lamatic.Frame, bool, error) {
	var last lamatic.Frame
	hasText := false
	for frame, err := range client.Stream(ctx, execution) {
		if err != nil {
			return last, hasText, executeError(err)
		}
		last, hasText = frame, hasText || frame.Text != ""
		if err := printFrame(env, frame); err != nil {
			return last, hasText, err
		}
	}
	return last, hasText, nil
}

func printFrame(env *cmdutil.Env, frame lamatic.Frame) error {
	if env.Printer.Machine() {
		return env.Printer.Line(bytes.TrimSpace(frame.Raw))
	}
	return env.Printer.Text(frame.Text)
}
