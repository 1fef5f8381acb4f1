package runinfo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// ToStdout is the target of a download that is written to stdout.
const ToStdout = "-"

// CheckStdout refuses flags that need stdout, or a file.
func (s *SaveOptions) CheckStdout(env *cmdutil.Env) error {
	format := env.Flags.Output
	switch {
	case env.Flags.JSON, env.Flags.JQ != "", format == string(output.JSON), format == string(output.NDJSON):
		return fail.Usage("save it to a file: --download ./", "--download - writes the output to stdout, where --json, --jq and --output write the data")
	case s.Open:
		return fail.Usage("save it to a file: --download ./", "--open needs a file, and --download - writes none")
	}
	return nil
}

// CheckOne refuses an app with several outputs if one is to be written to stdout.
func (s *SaveOptions) CheckOne(app api.App, only []string) error {
	if s.Where != ToStdout || len(only) == 1 || len(app.Outputs) < 2 {
		return nil
	}
	var labels []string
	for _, o := range app.Outputs {
		labels = append(labels, o.Label)
	}
	if len(only) > 0 {
		labels = only
	}
	return fail.Usage(
		"choose one of them with --only, or save them in a folder: --download ./",
		"--download - writes one output, and %s makes %d: %s; no run was started", output.Quote(app.Name), len(labels), strings.Join(labels, ", "),
	)
}

// WriteOutput writes the only output of a run to stdout.
func WriteOutput(ctx context.Context, env *cmdutil.Env, run api.Run, opts SaveOptions) error {
	outputs, err := OutputsToSave(run, opts.Only)
	if err != nil {
		return err
	}
	if len(outputs) > 1 {
		return &fail.Error{
			Code: fail.DownloadFailed, RunID: run.RunID, Hint: fail.CommandLine("runs", "download", run.RunID, "./"),
			Message: fmt.Sprintf("the run has %d outputs, and only one can be written to stdout; choose it with --only LABEL, or save them in a folder", len(outputs)),
		}
	}
	o := outputs[0]
	if env.Streams.OutTTY && o.URL == "" {
		return env.Printer.Text(strings.TrimSuffix(o.Text, "\n") + "\n")
	}
	if env.Streams.OutTTY {
		return &fail.Error{
			Code: fail.DownloadFailed, RunID: run.RunID, Hint: fail.CommandLine("runs", "download", run.RunID, "./"),
			Message: "the output is a file, which a terminal cannot show: redirect stdout, or save it",
		}
	}
	downloader, err := newDownloader(env, opts)
	if err != nil {
		return err
	}
	progress := env.Progress()
	defer progress.Stop()
	downloader.Progress = showBytes(progress, o)
	_, err = downloader.Copy(ctx, o, env.Streams.Out)
	progress.Stop()
	if err != nil && !errors.As(err, new(*output.WriteError)) {
		return opts.failure(run, []error{err})
	}
	return err
}
