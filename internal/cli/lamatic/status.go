package lamatic

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

type statusOptions struct {
	env     *cmdutil.Env
	runID   string
	waiting waitOptions
}

func newStatus(env *cmdutil.Env) *cobra.Command {
	opts := &statusOptions{env: env}
	cmd := &cobra.Command{
		Use:   "status REQUEST_ID",
		Short: "Show the state of a running workflow",
		Long: "Show the state of a workflow that did not finish at once: 'lamina lamatic run' prints the request id of such a run. With\n" +
			"--wait, poll until the workflow ends, by default every 15 seconds for up to 15 minutes.",
		Example: "lamina lamatic status REQUEST_ID\n" +
			"lamina lamatic status REQUEST_ID --wait --interval 5s\n" +
			"lamina lamatic status REQUEST_ID --jq .data.checkStatus.result",
		Args: cmdutil.NeedArgs("REQUEST_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.runID = args[0]
			if err := opts.waiting.check(cmd); err != nil {
				return err
			}
			return status(cmd.Context(), opts)
		},
	}
	opts.waiting.add(cmd.Flags(), "wait until the workflow ends; if it fails, this command fails too")
	return cmd
}

func status(ctx context.Context, opts *statusOptions) error {
	env := opts.env
	client, err := newClient(env)
	if err != nil {
		return err
	}
	if opts.waiting.wait {
		result, err := opts.waiting.follow(ctx, env, client, opts.runID)
		if err != nil {
			return err
		}
		return printResult(env, result)
	}
	result, err := client.Check(ctx, opts.runID)
	if err != nil {
		return statusError(env, opts.runID, err)
	}
	return env.Printer.Data(result.Raw, func(p *output.Page) { writeResult(p, result, waitCommand(env, result.RunID)) })
}
