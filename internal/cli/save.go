package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/transfer"
)

// saveOptions say where outputs go on disk.
type saveOptions struct {
	where string
	force bool
	only  []string
}

func (s *saveOptions) add(f *pflag.FlagSet) {
	f.StringVarP(&s.where, "download", "d", "", "save the outputs to this `PATH`: a file, a folder, or a pattern with {label}, {index}, {ext} and {runId}")
	f.BoolVar(&s.force, "force", false, "replace files that are in the way")
}

// check refuses, before anything is spent, a place where nothing could be saved.
func (s *saveOptions) check() error {
	if s.where == "" {
		return nil
	}
	literal := transfer.Literal(s.where, isDir)
	if literal == "" || s.force {
		return nil
	}
	if _, err := os.Lstat(literal); err == nil {
		return &transfer.ExistsError{Path: literal}
	}
	return nil
}

// A savedFile is an output on disk.
type savedFile struct {
	Label string `json:"label"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// saveOutputs saves the completed outputs of a run. What fails does not keep the others from being saved: they are
// paid for.
func saveOutputs(ctx context.Context, env *Env, run api.Run, opts saveOptions) ([]savedFile, error) {
	outputs, texts := completed(run, opts.only)
	if len(outputs) == 0 {
		message := "the run has no output to save"
		if len(opts.only) > 0 {
			message = fmt.Sprintf("the run has no output %s to save", output.Quote(strings.Join(opts.only, ", ")))
		}
		return nil, &commandError{code: codeDownload, message: message, hint: commandLine("runs", "get", run.RunID), runID: run.RunID}
	}
	progress := env.printer.Progress(env.Getenv("ACCESSIBLE") != "")
	defer progress.Stop()
	loader, err := env.downloader()
	if err != nil {
		return nil, err
	}
	loader.Force = opts.force
	var files []savedFile
	var failures []error
	ours := transfer.InFolder(opts.where, isDir) && !opts.force
	for i, path := range transfer.Names(opts.where, run.RunID, outputs, isDir) {
		if ours {
			path = transfer.Free(path, exists)
		}
		o := outputs[i]
		loader.Progress = showBytes(progress, o)
		size, err := int64(0), error(nil)
		if o.URL != "" {
			size, err = loader.Save(ctx, o.URL, path)
		} else {
			size, err = loader.SaveText(texts[i], path)
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		files = append(files, savedFile{Label: o.Label, Path: path, Bytes: size})
	}
	progress.Stop()
	for _, f := range files {
		env.printer.Say("%s %s  %s", env.printer.ErrStyles().Good("Saved"), term.Line(f.Path), bytesOf(f.Bytes))
	}
	return files, saveError(run, failures)
}

func saveError(run api.Run, failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	f := describe(failures[0])
	e := &commandError{code: codeDownload, message: f.Message, err: errors.Join(failures...), runID: run.RunID}
	switch {
	case f.Code == codeFileExists.name:
		e.code = codeFileExists
	case errors.Is(e.err, context.Canceled):
		e.code, e.message = codeInterrupted, "interrupted while saving"
	}
	if len(failures) > 1 {
		e.message += fmt.Sprintf(" (and %d more of the outputs failed)", len(failures)-1)
	}
	e.message += "; the run is done, and its outputs can still be fetched"
	e.hint = commandLine("runs", "download", run.RunID, "./somewhere-else/")
	return e
}

// completed returns the outputs that can be saved, and for each the text that it is, if it is text.
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
		d := transfer.Output{Index: i, Label: firstOf(o.Label, o.Type), MimeType: o.MimeType}
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

// showBytes shows how much of an output has come, in steps that a person can read.
func showBytes(progress *output.Progress, o transfer.Output) func(done, total int64) {
	var shown int64 = -1
	return func(done, total int64) {
		if total <= 0 || done*50/total == shown {
			return
		}
		shown = done * 50 / total
		if shown == 0 || total > 16<<20 || shown == 50 {
			progress.Set("saving %s  %s of %s", o, bytesOf(done), bytesOf(total))
		}
	}
}

// bytesOf is a size for a person.
func bytesOf(n int64) string {
	const units = "KMGT"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/1024, 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", size, units[unit])
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
