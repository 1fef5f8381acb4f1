package runs

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newDownload(env *cmdutil.Env) *cobra.Command {
	saving := runinfo.SaveOptions{}
	cmd := &cobra.Command{
		Use:   "download RUN [PATH]",
		Short: "Save what a run made",
		Long: "Save the outputs of a run to PATH: a file, a folder, a pattern with {label}, {index}, {ext} and {runId}, or - for\n" +
			"stdout. Without a PATH they go to the working folder. Files that are there already stay, unless --force is given.",
		Example:           "lamina runs download RUN\nlamina runs download RUN ./pictures/ --only Poster\nlamina runs download RUN - > poster.png",
		ValidArgsFunction: complete.Runs(env),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return cmdutil.NeedArgs("RUN")(cmd, args)
			}
			return cmdutil.AtMostArgs("RUN", "PATH")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && args[1] == "" {
				return fail.Usage("", "PATH is empty: leave it out to save to the working folder")
			}
			if len(args) == 2 && saving.Where != "" {
				return fail.Usage("", "name the place once: as PATH or with --download")
			}
			saving.Where = cmp.Or(saving.Where, strings.Join(args[1:], ""), "./")
			if saving.Where == runinfo.ToStdout {
				if err := saving.CheckStdout(env); err != nil {
					return err
				}
			}
			return download(cmd, env, args[0], saving)
		},
	}
	saving.Add(cmd.Flags())
	cmd.Flags().StringArrayVar(&saving.Only, "only", nil, "save only the output with this `LABEL`; repeat it for more")
	return cmd
}

func download(cmd *cobra.Command, env *cmdutil.Env, runID string, saving runinfo.SaveOptions) error {
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := runinfo.Get(cmd.Context(), env, client, runID)
	if err != nil {
		return err
	}
	if !reply.Data.Status.Final() {
		return &fail.Error{
			Code: fail.StillRunning, Message: fmt.Sprintf("the run is still %s: there is nothing to save yet", reply.Data.Status),
			Hint: fail.CommandLine("runs", "wait", runID, "--download", saving.Where), RunID: runID,
		}
	}
	if saving.Where == runinfo.ToStdout {
		return runinfo.WriteOutput(cmd.Context(), env, reply.Data, saving)
	}
	files, err := runinfo.SaveOutputs(cmd.Context(), env, reply.Data, saving)
	if err != nil {
		return err
	}
	raw, err := runinfo.EnvelopeWithFiles(reply.Raw, files)
	if err != nil {
		return err
	}
	err = env.Printer.Data(raw, func(*output.Page) {})
	if err == nil && saving.Open {
		err = runinfo.OpenResult(env, runID, files)
	}
	return err
}
