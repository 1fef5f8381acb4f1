package laminr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laminr"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newUpload(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "upload FILE…",
		Short: "Upload documents: PDF, PNG or JPEG, at most 1 GB each",
		Long: "Upload documents and print the URI of each, which Laminr uses as its name. All files are checked before anything is sent:\n" +
			"each must be a PDF, PNG or JPEG, by content and by name, of at most 1 GB. Tax returns must be PDF.\n\n" +
			"The key is sent only to Laminr, which returns an upload address on another host. The bytes are sent there without the key.\n\n" +
			undocumented,
		Example: "lamina laminr upload statement.pdf\nlamina laminr upload *.pdf --jq '.data.files[].uri'",
		Args:    cmdutil.NeedArgs("FILE…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			documents, err := checkFiles(args)
			if err != nil {
				return err
			}
			return upload(cmd.Context(), env, documents)
		},
	}
}

// A document is a file to upload. Its JSON form is the result of the upload.
type document struct {
	Path        string        `json:"file"`
	URI         string        `json:"uri,omitempty"`
	ContentType string        `json:"contentType"`
	Bytes       int64         `json:"bytes"`
	Error       *fail.Failure `json:"error,omitempty"`

	file *laminr.File
}

// checkFiles checks all files and returns one error for everything that is wrong with them.
func checkFiles(paths []string) ([]*document, error) {
	var documents []*document
	var problems []api.Detail
	for _, path := range paths {
		f, err := checkFile(path)
		if err != nil {
			problems = append(problems, api.Detail{Field: path, Message: err.Error()})
			continue
		}
		documents = append(documents, &document{Path: path, ContentType: f.ContentType, Bytes: f.Size, file: f})
	}
	if len(problems) == 0 {
		return documents, nil
	}
	message := "a file cannot be uploaded; nothing was sent"
	if len(problems) > 1 {
		message = fmt.Sprintf("%d files cannot be uploaded; nothing was sent", len(problems))
	}
	return nil, &fail.Error{Code: fail.InvalidArgument, Message: message, Details: problems}
}

// checkFile checks one file. Its errors do not contain the path.
func checkFile(path string) (*laminr.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, errors.New("is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	checked, err := laminr.Inspect(path, info.Size(), f)
	return checked, withoutPath(err)
}

// withoutPath returns the part of an error that follows the path of the file.
func withoutPath(err error) error {
	var system *os.PathError
	var invalid *laminr.FileError
	switch {
	case errors.As(err, &system):
		return system.Err
	case errors.As(err, &invalid):
		return errors.New(invalid.Problem)
	}
	return err
}

// upload uploads documents one after the other. A failure does not stop the others, unless they would fail for the same reason.
func upload(ctx context.Context, env *cmdutil.Env, documents []*document) error {
	client, err := newClient(env)
	if err != nil {
		return err
	}
	var first error
	failed := 0
	for i, d := range documents {
		err := d.upload(ctx, env, client)
		if err == nil {
			continue
		}
		if len(documents) == 1 {
			return err
		}
		if first == nil {
			first = err
		}
		failed++
		failure := env.Sessions.Describe(err)
		d.Error = &failure
		env.Printer.Warn("%s %s: %s", env.Styles().Bad("not sent"), d.Path, failure.Message)
		if failure.Exit == fail.ExitAuth || failure.Exit == fail.ExitInterrupted {
			failed += len(documents) - i - 1
			documents = documents[:i+1]
			break
		}
	}
	if slices.ContainsFunc(documents, func(d *document) bool { return d.Error == nil }) {
		if err := writeUploads(env, documents); err != nil {
			return err
		}
	}
	return uploadError(first, failed)
}

// uploadError returns the error for the files that were not sent, with the code and the hint of the first failure; nil if there was
// none.
func uploadError(first error, failed int) error {
	if first == nil {
		return nil
	}
	around := "one file was not sent: %s"
	if failed > 1 {
		around = fmt.Sprintf("%d files were not sent; the first failure: %%s", failed)
	}
	return &fail.Error{Around: around, Err: first}
}

// upload uploads the document and shows how much of it is sent.
func (d *document) upload(ctx context.Context, env *cmdutil.Env, client *laminr.Client) error {
	ticket, err := client.Ticket(ctx, d.file.Name)
	if err != nil {
		return err
	}
	progress := env.Progress()
	defer progress.Stop()
	open := func() (io.ReadCloser, error) { return os.Open(d.Path) }
	err = client.Put(ctx, ticket, d.file, open, d.showSent(progress))
	progress.Stop()
	var refused *laminr.StorageError
	switch {
	case errors.As(err, &refused) && refused.Status >= 500:
		return &fail.Error{Code: fail.ServerError, Message: refused.Error(), Err: err}
	case errors.As(err, &refused):
		return &fail.Error{Code: fail.UploadFailed, Message: refused.Error(), Hint: fail.CommandLine("laminr", "upload", d.Path), Err: err}
	case err != nil:
		return err
	}
	d.URI = ticket.URI
	return nil
}

// progressSize is the size in bytes from which the progress of an upload is shown.
const progressSize = 1 << 20

// showSent returns a function that shows how much of the document is sent, in steps of 5 percent.
func (d *document) showSent(progress *output.Progress) func(sent int64) {
	shown := int64(-1)
	return func(sent int64) {
		step := sent * 20 / d.Bytes
		if step == shown || d.Bytes <= progressSize {
			return
		}
		shown = step
		progress.Set("uploading %s  %s of %s", d.Path, output.Bytes(sent), output.Bytes(d.Bytes))
	}
}

func writeUploads(env *cmdutil.Env, documents []*document) error {
	if env.Printer.Lines() {
		for _, d := range documents {
			raw, err := json.Marshal(d)
			if err != nil {
				return err
			}
			if err := env.Printer.Line(raw); err != nil {
				return err
			}
		}
		return nil
	}
	return env.PrintWithOldFields(map[string]any{"files": documents}, func(p *output.Page) {
		for _, d := range documents {
			if d.Error == nil {
				p.Line("%s %s  %s  %s", p.Good("Uploaded"), d.Path, output.Bytes(d.Bytes), p.Bold(d.URI))
			}
		}
	})
}
