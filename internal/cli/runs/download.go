package runs

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newDownload(env *cmdutil.Env) *cobra.Command {
	saving := saveOptions{}
	cmd := &cobra.Command{
		Use:   "download RUN [PATH]",
		Short: "Save what a run made",
		Long: "Save the outputs of a run to PATH: a file, a folder, a pattern with {label}, {index}, {ext} and {runId}, or - for\n" +
			"stdout. Without a PATH they go to the working folder. Files that are there already stay, unless --force is given.",
		Example:           "lamina runs download RUN\nlamina runs download RUN ./pictures/ --only Poster\nlamina runs download RUN - > poster.png",
		ValidArgsFunction: complete.Runs(env),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return cmdutil.NeedArgs("RUN")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && saving.where != "" {
				return fail.Usage("", "name the place once: as PATH or with --download")
			}
			saving.where = cmp.Or(saving.where, strings.Join(args[1:], ""), "./")
			if saving.where == toStdout {
				if err := saving.checkStdout(env); err != nil {
					return err
				}
			}
			return download(cmd, env, args[0], saving)
		},
	}
	saving.add(cmd.Flags())
	cmd.Flags().StringArrayVar(&saving.only, "only", nil, "save only the output with this `LABEL`; repeat it for more")
	return cmd
}

func download(cmd *cobra.Command, env *cmdutil.Env, runID string, saving saveOptions) error {
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := getRun(cmd.Context(), client, runID)
	if err != nil {
		return err
	}
	if !reply.Data.Status.Final() {
		return &fail.Error{
			Code: fail.StillRunning, Message: fmt.Sprintf("the run is still %s: there is nothing to save yet", reply.Data.Status),
			Hint: fail.CommandLine("runs", "wait", runID, "--download", saving.where), RunID: runID,
		}
	}
	if saving.where == toStdout {
		return writeOutput(cmd.Context(), env, reply.Data, saving)
	}
	files, err := saveOutputs(cmd.Context(), env, reply.Data, saving)
	if err != nil {
		return err
	}
	raw, err := envelopeWithFiles(reply.Raw, files)
	if err != nil {
		return err
	}
	err = env.Printer.Data(raw, func(*output.Page) {})
	if err == nil && saving.open {
		err = openResult(env, runID, files)
	}
	return err
}
