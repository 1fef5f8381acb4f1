package runinfo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
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
}

// Add declares the flags.
func (s *SaveOptions) Add(f *pflag.FlagSet) {
	f.StringVarP(&s.Where, "download", "d", "", "save the outputs to this `PATH`: a file, a folder, or a pattern with {label}, {index}, {ext} and {runId}")
	f.BoolVar(&s.force, "force", false, "replace files that are in the way")
	AddOpen(f, &s.Open, "the saved output, or the page of the run,")
}

// Check refuses a target that exists, before a run costs anything.
func (s *SaveOptions) Check() error {
	if s.Where == "" {
		return nil
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
}

// SaveOutputs saves the completed outputs of a run. If one fails, the others are still saved, because they are paid for.
func SaveOutputs(ctx context.Context, env *cmdutil.Env, run api.Run, opts SaveOptions) ([]SavedFile, error) {
	outputs, texts := completed(run, opts.Only)
	if len(outputs) == 0 {
		message := "the run has no output to save"
		if len(opts.Only) > 0 {
			message = fmt.Sprintf("the run has no output %s to save", output.Quote(strings.Join(opts.Only, ", ")))
		}
		return nil, &fail.Error{Code: fail.DownloadFailed, Message: message, Hint: fail.CommandLine("runs", "get", run.RunID), RunID: run.RunID}
	}
	progress := env.Progress()
	defer progress.Stop()
	session, err := env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return nil, err
	}
	downloader, err := session.Downloader()
	if err != nil {
		return nil, err
	}
	downloader.Force = opts.force
	var files []SavedFile
	var failures []error
	ours := transfer.InFolder(opts.Where, isDir) && !opts.force
	for i, path := range transfer.Names(opts.Where, run.RunID, outputs, isDir) {
		if ours {
			path = transfer.Free(path, exists)
		}
		o := outputs[i]
		downloader.Progress = showBytes(progress, o)
		size, err := int64(0), error(nil)
		if o.URL != "" {
			size, err = downloader.Save(ctx, o.URL, path)
		} else {
			size, err = downloader.SaveText(texts[i], path)
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		files = append(files, SavedFile{Label: o.Label, Path: path, Bytes: size})
	}
	progress.Stop()
	for _, f := range files {
		env.Printer.Say("%s %s  %s", env.Printer.ErrStyles().Good("Saved"), term.Line(f.Path), output.Bytes(f.Bytes))
	}
	return files, saveError(run, failures)
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

// saveError returns the one error for the outputs that could not be saved.
func saveError(run api.Run, failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	e := &fail.Error{
		Code: fail.DownloadFailed, Around: "%s", Err: failures[0], RunID: run.RunID,
		Hint: fail.CommandLine("runs", "download", run.RunID, "./somewhere-else/"),
	}
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

// completed returns the outputs that can be saved, and the text of each output that is text.
func completed(run api.Run, only []string) ([]transfer.Output, []string) {
	var outputs []transfer.Output
	var texts []string
	for i, o := range run.Outputs {
		if o.Status != "completed" && run.Status != api.Completed || len(o.Value) == 0 || string(o.Value) == "null" {
			continue
		}
		if len(only) > 0 && !slices.ContainsFunc(only, func(label string) bool { return strings.EqualFold(label, o.Label) }) {
			continue
		}
		d := transfer.Output{Index: i, Label: cmp.Or(o.Label, o.Type), MimeType: o.MimeType}
		var value string
		switch err := json.Unmarshal(o.Value, &value); {
		case err != nil:
			d.Ext, value = "json", string(o.Value)
		case o.Type == "text":
			d.Ext = "txt"
		default:
			d.URL = value
		}
		outputs, texts = append(outputs, d), append(texts, value)
	}
	return outputs, texts
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
