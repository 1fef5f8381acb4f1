package runinfo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/transfer"
)

// SaveOptions says where outputs are saved.
type SaveOptions struct {
	Where string
	force bool
	Open  bool
	Only  []string
	limit sizeFlag // of each file
}

// Add declares the flags.
func (s *SaveOptions) Add(f *pflag.FlagSet) {
	f.StringVarP(&s.Where, "download", "d", "", "save the outputs to this `PATH`: a file, a folder, a pattern with {label}, {index}, {ext} and {runId}, or - for stdout")
	s.limit = defaultMaxSize
	f.Var(&s.limit, "max-size", "refuse an output of more than this `SIZE`, such as 500MB or 2GiB; 0 is no limit")
	f.BoolVar(&s.force, "force", false, "replace files that are in the way")
	AddOpen(f, &s.Open, "the saved output, or the page of the run,")
}

// Check refuses a target that exists, before a run costs anything.
func (s *SaveOptions) Check(env *cmdutil.Env) error {
	switch s.Where {
	case "":
		return nil
	case ToStdout:
		return s.CheckStdout(env)
	}
	literal := transfer.Literal(s.Where, isDir)
	if literal == "" || s.force {
		return nil
	}
	if _, err := os.Lstat(literal); err == nil {
		return &transfer.ExistsError{Path: literal}
	}
	return nil
}

// SavedFile is a saved output.
type SavedFile struct {
	Label string `json:"label"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	Index int    `json:"outputIndex"`         // in the outputs of the run
	URL   string `json:"sourceUrl,omitempty"` // none of an output that is a text
}

// sourceURL returns the address that an output was downloaded from; "" if its content is in the run itself.
func sourceURL(o transfer.Output) string {
	if strings.HasPrefix(strings.ToLower(o.URL), "data:") {
		return ""
	}
	return o.URL
}

// SaveOutputs saves the completed outputs of a run. If one fails, the others are still saved, because they are paid for.
func SaveOutputs(ctx context.Context, env *cmdutil.Env, run api.Run, opts SaveOptions) ([]SavedFile, error) {
	outputs, err := OutputsToSave(run, opts.Only)
	if err != nil {
		return nil, err
	}
	progress := env.Progress()
	defer progress.Stop()
	downloader, err := newDownloader(env, opts)
	if err != nil {
		return nil, err
	}
	var files []SavedFile
	var failures []error
	ours := transfer.InFolder(opts.Where, isDir) && !opts.force
	for i := range outputs {
		downloader.Progress = showBytes(progress, outputs[i])
		path, size, err := downloader.Save(ctx, outputs[i], func(o transfer.Output) string {
			outputs[i] = o
			path := transfer.Names(opts.Where, run.RunID, outputs, isDir)[i]
			if ours {
				path = transfer.Free(path, exists)
			}
			return path
		})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		files = append(files, SavedFile{Label: outputs[i].Label, Path: path, Bytes: size, Index: outputs[i].Index, URL: sourceURL(outputs[i])})
	}
	progress.Stop()
	for _, f := range files {
		env.Printer.Say("%s %s  %s", env.Printer.ErrStyles().Good("Saved"), term.Line(f.Path), output.Bytes(f.Bytes))
	}
	return files, opts.failure(run, failures)
}

// newDownloader returns what downloads the outputs of runs.
func newDownloader(env *cmdutil.Env, opts SaveOptions) (*transfer.Downloader, error) {
	session, err := env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return nil, err
	}
	downloader, err := session.Downloader()
	if err != nil {
		return nil, err
	}
	downloader.Force, downloader.MaxSize = opts.force, int64(opts.limit)
	return downloader, nil
}

// EnvelopeWithFiles returns the API's envelope of a run, with the saved files as a further member.
func EnvelopeWithFiles(raw json.RawMessage, files []SavedFile) (json.RawMessage, error) {
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, err
	}
	var err error
	if envelope["files"], err = json.Marshal(files); err != nil {
		return nil, err
	}
	return json.Marshal(envelope)
}

// failure returns the one error for the outputs that could not be saved.
func (s SaveOptions) failure(run api.Run, failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	e := &fail.Error{Code: fail.DownloadFailed, Around: "%s", Err: failures[0], RunID: run.RunID, Hint: s.hint(run.RunID, failures[0])}
	var exists *transfer.ExistsError
	switch {
	case errors.Is(errors.Join(failures...), context.Canceled):
		e.Code, e.Around = fail.Interrupted, "interrupted while saving: %s"
	case errors.As(failures[0], &exists):
		e.Code = fail.FileExists
	}
	if len(failures) > 1 {
		e.Around += fmt.Sprintf(" (and %d more outputs failed)", len(failures)-1)
	}
	e.Around += "; the run is complete, and its outputs can still be downloaded"
	return e
}

// hint returns what to do about an output that could not be saved: the command that saves it to the same place, if that can succeed.
func (s SaveOptions) hint(runID string, err error) string {
	var (
		large   *transfer.TooLargeError
		wrong   *transfer.TypeError
		address *transfer.AddressError
		lost    *transfer.TruncatedError
		host    *transfer.RefusedError
	)
	again := []string{"runs", "download", runID, s.Where}
	if s.Where == "./" {
		again = again[:3]
	}
	for _, label := range s.Only {
		again = append(again, "--only", label)
	}
	switch {
	case errors.As(err, &large):
		again = append(again, "--max-size", fmt.Sprint(max(large.Size, 0)))
	case errors.As(err, &wrong), errors.As(err, &address):
		return fail.CommandLine("runs", "get", runID)
	case errors.As(err, &lost), errors.As(err, &host), errors.Is(err, context.Canceled):
	default:
		return fail.CommandLine("runs", "download", runID, "./somewhere-else/")
	}
	if s.force {
		again = append(again, "--force")
	}
	return fail.CommandLine(again...)
}

// showBytes returns a function that shows how much of an output is downloaded, in steps of 2 percent.
func showBytes(progress *output.Progress, o transfer.Output) func(done, total int64) {
	var shown int64 = -1
	return func(done, total int64) {
		if total <= 0 || done*50/total == shown {
			return
		}
		shown = done * 50 / total
		if shown == 0 || total > 16<<20 || shown == 50 {
			progress.Set("saving %s  %s of %s", o, output.Bytes(done), output.Bytes(total))
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
