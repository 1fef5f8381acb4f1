package cli

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

type lamaticRunOptions struct {
	env      *Env
	workflow string
	inputs   []string
	file     string
	agent    bool
	stream   bool
	waiting  lamaticWait
}

func newLamaticRunCmd(env *Env) *cobra.Command {
	opts := &lamaticRunOptions{env: env}
	cmd := &cobra.Command{
		Use:   "run WORKFLOW",
		Short: "Run a workflow, and bring back its result",
		Long: "Run a workflow by its ID, which the workflow editor in Studio shows. Its inputs are the variables of its trigger.\n" +
			"--input NAME=VALUE is a text; --input NAME:=JSON is a number, true, false, a list or an object.\n\n" +
			"A workflow that takes its time is answered with a request id. With --wait, its end is waited for. With --stream,\n" +
			"what a language model says is shown as it comes.\n\n" +
			"A run may cost. It is never repeated by itself, unless it surely did not happen.",
		Example: "lamina lamatic run summarize --input text=\"Cats sleep. Cats eat fish. Dogs bark.\" --input sentences:=1\n" +
			"lamina lamatic run report --file inputs.json --wait --interval 5s\n" +
			"lamina lamatic run summarize --file - --stream < inputs.json\n" +
			"lamina lamatic run extract-links --input html=\"See https://example.com\" --jq .data.executeWorkflow.result",
		Args:              needArgs("WORKFLOW"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.workflow = args[0]
			for _, pair := range [][2]string{{"wait", "stream"}, {"agent", "stream"}} {
				if err := atMostOne(cmd, pair[0], pair[1]); err != nil {
					return err
				}
			}
			if err := opts.waiting.check(cmd); err != nil {
				return err
			}
			return lamaticRun(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&opts.inputs, "input", "i", nil, "set an input as `NAME=VALUE`, or NAME:=JSON; repeat it for more, and for lists")
	f.StringVar(&opts.file, "file", "", "read inputs from a JSON `FILE` (- is stdin); --input wins")
	f.StringVar(&opts.file, "inputs-file", "", "read inputs from a JSON `FILE`")
	_ = f.MarkHidden("inputs-file")
	f.BoolVar(&opts.agent, "agent", false, "WORKFLOW is the ID of an agent")
	f.BoolVar(&opts.stream, "stream", false, "show what the workflow's language models say as it comes")
	opts.waiting.add(f, "wait until the workflow ends")
	return cmd
}

func lamaticRun(ctx context.Context, opts *lamaticRunOptions) error {
	env := opts.env
	payload, err := env.readPayload(opts.inputs, opts.file)
	if err != nil {
		return err
	}
	client, err := env.lamatic(nil)
	if err != nil {
		return err
	}
	execution := lamatic.Execution{Workflow: opts.workflow, Agent: opts.agent, Payload: payload}
	if opts.stream {
		return streamFlow(ctx, env, client, execution)
	}
	result, err := client.Execute(ctx, execution)
	if err != nil {
		return executeError(err)
	}
	if opts.waiting.wait && result.State() == lamatic.Running {
		if result.RunID == "" {
			return &commandError{
				code: codeUnknownOutcome, message: "the workflow goes on, and Lamatic named no request id to ask after it with",
				hint: inStudio, run: result.Raw, requestID: result.RequestID,
			}
		}
		if result, err = opts.waiting.follow(ctx, env, client, result.RunID); err != nil {
			return err
		}
	}
	return env.printFlow(result)
}

// streamFlow shows a workflow as it goes: for a person what its language models say, for a program each frame.
func streamFlow(ctx context.Context, env *Env, client *lamatic.Client, execution lamatic.Execution) error {
	said := false
	var last lamatic.Frame
	for frame, err := range client.Stream(ctx, execution) {
		if err == nil {
			last = frame
			said = said || frame.Text != ""
			err = env.printFrame(frame)
		} else {
			err = executeError(err)
		}
		if err != nil {
			env.endLine(said)
			return err
		}
	}
	env.endLine(said)
	if last.Message != "" {
		return failedFlow(&lamatic.Result{Status: last.Status, Message: last.Message, Raw: last.Raw})
	}
	if said || env.printer.Machine() {
		return nil
	}
	return env.printer.Data(last.Output, func(p *output.Page) { writeOutput(p, last.Output) })
}

func (e *Env) printFrame(frame lamatic.Frame) error {
	if e.printer.Machine() {
		return e.printer.Line(bytes.TrimSpace(frame.Raw))
	}
	return e.raw(term.Clean(frame.Text))
}

// endLine ends the line in which tokens were shown.
func (e *Env) endLine(said bool) {
	if said && !e.printer.Machine() {
		_ = e.raw("\n")
	}
}
