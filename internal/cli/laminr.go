package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laminr"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// laminrElsewhere is what to do about the part of Laminr's API that is not documented.
const laminrElsewhere = "The addresses of packages, their states and their results are not documented. If you know them, call them with\n" +
	"'lamina api --provider laminr PATH'."

func newLaminrCmd(env *Env) *cobra.Command {
	return newNoun(env, "laminr", "List and upload financial documents at Laminr", nil, func() []*cobra.Command {
		return []*cobra.Command{newLaminrFilesCmd(env), newLaminrUploadCmd(env)}
	})
}

func newLaminrFilesCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "files",
		Short: "List the files that were uploaded",
		Long: "List the files that were uploaded. Laminr does not document what the list looks like: what is understood of it is\n" +
			"shown, and --json prints it as it came.\n\n" + laminrElsewhere,
		Example: "lamina laminr files\nlamina laminr files --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, _, err := env.service(provider.Laminr())
			if err != nil {
				return err
			}
			files, err := (&laminr.Client{API: client}).Files(cmd.Context())
			if err != nil {
				return err
			}
			return env.printer.Data(files.Raw, func(p *output.Page) { writeLaminrFiles(p, files.Items, env.Now()) })
		},
	}
}

func writeLaminrFiles(p *output.Page, files []laminr.File, now time.Time) {
	if len(files) == 0 {
		p.Line("No files.")
		return
	}
	var rows [][]string
	for _, f := range files {
		size := ""
		if f.Size >= 0 {
			size = bytesOf(f.Size)
		}
		when := f.CreatedAt
		if t, err := time.Parse(time.RFC3339, when); err == nil {
			when = output.Ago(t, now)
		}
		rows = append(rows, []string{f.URI, size, when, f.Name})
	}
	p.Table([]string{"URI", "SIZE", "UPLOADED", "NAME"}, rows)
}

func newLaminrUploadCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "upload FILE…",
		Short: "Upload documents: PDF, PNG or JPEG, at most 1 GB each",
		Long: "Upload documents, and print the uri of each, which names it from then on. All files are checked before anything\n" +
			"is sent: a PDF, PNG or JPEG by content and by name, of at most 1 GB. Tax returns have to be PDF.\n\n" +
			"The key asks Laminr for an address; the bytes go to that address, which is another host, without the key.\n\n" + laminrElsewhere,
		Example: "lamina laminr upload statement.pdf\nlamina laminr upload *.pdf --jq '.files[].uri'",
		Args:    needArgs("FILE…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := inspectAll(args)
			if err != nil {
				return err
			}
			return laminrUpload(cmd.Context(), env, files)
		},
	}
}

// A laminrFile is a file on its way: what JSON says of it in the end.
type laminrFile struct {
	Path        string   `json:"file"`
	URI         string   `json:"uri,omitempty"`
	ContentType string   `json:"contentType"`
	Bytes       int64    `json:"bytes"`
	Error       *failure `json:"error,omitempty"`

	file *laminr.File
}

// inspectAll checks files, and tells all that is wrong with them at once.
func inspectAll(paths []string) ([]*laminrFile, error) {
	var files []*laminrFile
	var problems []api.Detail
	for _, path := range paths {
		f, err := inspectFile(path)
		if err != nil {
			problems = append(problems, api.Detail{Field: path, Message: err.Error()})
			continue
		}
		files = append(files, &laminrFile{Path: path, ContentType: f.ContentType, Bytes: f.Size, file: f})
	}
	if len(problems) == 0 {
		return files, nil
	}
	message := "a file cannot be uploaded; nothing was sent"
	if len(problems) > 1 {
		message = fmt.Sprintf("%d files cannot be uploaded; nothing was sent", len(problems))
	}
	return nil, &usageError{code: codeInvalidArgument, message: message, details: problems}
}

// inspectFile checks one file. The words of its errors leave the name out.
func inspectFile(path string) (*laminr.File, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, errors.New("is a folder")
	case err == nil && !info.Mode().IsRegular():
		return nil, errors.New("is no file with content of its own")
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return nil, pathError.Err
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := laminr.Inspect(path, info.Size(), f)
	var bad *laminr.FileError
	if errors.As(err, &bad) {
		return nil, errors.New(bad.Problem)
	}
	return file, err
}

// laminrUpload sends files one after the other. One that fails does not keep the next from being sent, unless it would fail
// for the same cause.
func laminrUpload(ctx context.Context, env *Env, files []*laminrFile) error {
	client, err := env.laminr()
	if err != nil {
		return err
	}
	var first error
	failed := 0
	for i, f := range files {
		err := sendLaminrFile(ctx, env, client, f)
		if err == nil {
			continue
		}
		if len(files) == 1 {
			return err
		}
		if first == nil {
			first = err
		}
		failed++
		told := describe(err)
		f.Error = &told
		env.printer.Warn("%s %s: %s", env.styles().Bad("not sent"), term.Line(f.Path), term.Line(told.Message))
		if told.Exit == exitAuth || told.Exit == exitInterrupted {
			failed += len(files) - i - 1
			files = files[:i+1]
			break
		}
	}
	if slices.ContainsFunc(files, func(f *laminrFile) bool { return f.Error == nil }) {
		if err := writeLaminrUploads(env, files); err != nil {
			return err
		}
	}
	return laminrFailure(first, failed)
}

// laminrFailure is the error of an upload of several files, with the code and the exit status of the first that failed.
func laminrFailure(first error, failed int) error {
	if first == nil {
		return nil
	}
	f := describe(first)
	message := "one file was not sent: " + f.Message
	if failed > 1 {
		message = fmt.Sprintf("%d files were not sent, the first because: %s", failed, f.Message)
	}
	if f.RequestID != "" {
		message += " (request " + f.RequestID + ")"
	}
	return &commandError{code: code{f.Code, f.Exit}, message: message, hint: f.Hint, err: first}
}

// laminr returns the client of Laminr. What puts the bytes shares nothing with what calls the API, so it has no key to lose.
func (e *Env) laminr() (*laminr.Client, error) {
	client, _, err := e.service(provider.Laminr())
	if err != nil {
		return nil, err
	}
	bare, err := e.transport()
	if err != nil {
		return nil, err
	}
	return &laminr.Client{API: client, Storage: &http.Client{Transport: bare}, Patience: e.requestTimeout()}, nil
}

func sendLaminrFile(ctx context.Context, env *Env, client *laminr.Client, f *laminrFile) error {
	ticket, err := client.Ticket(ctx, f.file.Name)
	if err != nil {
		return err
	}
	progress := env.printer.Progress(env.Getenv("ACCESSIBLE") != "")
	defer progress.Stop()
	shown := int64(-1)
	err = client.Put(ctx, ticket, f.file, func() (io.ReadCloser, error) { return os.Open(f.Path) }, func(sent int64) {
		if part := sent * 20 / f.Bytes; part != shown && f.Bytes > 1<<20 {
			shown = part
			progress.Set("uploading %s  %s of %s", f.Path, bytesOf(sent), bytesOf(f.Bytes))
		}
	})
	progress.Stop()
	var refused *laminr.StorageError
	switch {
	case errors.As(err, &refused) && refused.Status >= 500:
		return &commandError{code: codeServer, message: refused.Error(), err: err}
	case errors.As(err, &refused):
		return &commandError{code: codeUpload, message: refused.Error(), hint: commandLine("laminr", "upload", f.Path), err: err}
	case err != nil:
		return err
	}
	f.URI = ticket.URI
	return nil
}

func writeLaminrUploads(env *Env, files []*laminrFile) error {
	if env.printer.Lines() {
		return writeLaminrLines(env, files)
	}
	return env.print(map[string]any{"files": files}, func(p *output.Page) {
		for _, f := range files {
			if f.Error == nil {
				p.Line("%s %s  %s  %s", p.Good("Uploaded"), f.Path, bytesOf(f.Bytes), p.Bold(f.URI))
			}
		}
	})
}

func writeLaminrLines(env *Env, files []*laminrFile) error {
	for _, f := range files {
		if err := env.print(f, nil); err != nil {
			return err
		}
	}
	return nil
}
