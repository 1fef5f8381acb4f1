package assets

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// The number of files that are sent at once.
const (
	defaultParallel = 4
	maxParallel     = 16
)

type uploadOptions struct {
	env       *cmdutil.Env
	mediaType string
	filename  string
	parallel  int
	again     bool
}

func newUpload(env *cmdutil.Env) *cobra.Command {
	opts := &uploadOptions{env: env}
	cmd := &cobra.Command{
		Use:   "upload FILE…",
		Short: "Upload images, videos and sounds, and print their URLs",
		Long: "Upload files and print the URL of each, which inputs of apps take. The content of a file decides on its media type; where that\n" +
			"says nothing, its extension. All files are checked before anything is sent. A file whose bytes were uploaded in the last 7 days,\n" +
			"and are still at the service, is not sent again.\n\n" +
			"The bytes go to an address of the service's file storage, which gets no credential. A failure that passes is retried.",
		Example: "lamina assets upload photo.jpg\n" +
			"lamina assets upload *.png --parallel 8\n" +
			"lamina assets upload photo.jpg --jq '.data.files[].url'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "." || args[0] == "..") {
				return nil // refused as a folder
			}
			return cmdutil.NeedArgs("FILE…")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(args); err != nil {
				return err
			}
			files, err := opts.inspect(args)
			if err != nil {
				return err
			}
			return upload(cmd.Context(), opts, files)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.mediaType, "media-type", "", "upload the files as `image|video|audio`, whatever they contain")
	f.StringVar(&opts.filename, "filename", "", "upload one file under this `NAME`")
	f.IntVar(&opts.parallel, "parallel", defaultParallel, "send `N` files at once, up to 16")
	f.BoolVar(&opts.again, "again", false, "send files that are at the service already, too")
	return cmd
}

func (o *uploadOptions) validate(args []string) error {
	if o.mediaType != "" && !slices.Contains(assetfile.Kinds(), o.mediaType) {
		return fail.Usage("", "--media-type must be one of %s, not %q", strings.Join(assetfile.Kinds(), ", "), o.mediaType)
	}
	if o.filename != "" && len(args) > 1 {
		return fail.Usage("", "--filename names one file, and there are %d", len(args))
	}
	if o.parallel < 1 || o.parallel > maxParallel {
		return fail.Usage("", "--parallel must be 1 to %d", maxParallel)
	}
	return nil
}

// inspect checks all files and returns one error for everything that is wrong with them.
func (o *uploadOptions) inspect(paths []string) ([]*assetfile.File, error) {
	var files []*assetfile.File
	var problems []api.Detail
	for _, path := range paths {
		f, err := assetfile.Inspect(path, o.mediaType, o.filename)
		if err != nil {
			problems = append(problems, api.Detail{Field: path, Message: err.Error()})
			continue
		}
		files = append(files, f)
	}
	if len(problems) == 0 {
		return files, nil
	}
	message := "a file cannot be uploaded; nothing was sent"
	if len(problems) > 1 {
		message = fmt.Sprintf("%d files cannot be uploaded; nothing was sent", len(problems))
	}
	e := &fail.Error{Code: fail.InvalidArgument, Message: message, Details: problems}
	if slices.ContainsFunc(problems, func(d api.Detail) bool { return strings.Contains(d.Message, "Lamina takes") }) {
		e.Hint = "if a file is an image, a video or a sound of a type that is not recognized, name that with --media-type"
	}
	return nil, e
}

// An uploaded is the outcome for one file. Its names in JSON are those of the Node client, where that has them.
type uploaded struct {
	File        string        `json:"file"`
	URL         string        `json:"url,omitempty"`
	AssetID     string        `json:"assetId,omitempty"`
	Filename    string        `json:"filename"`
	MediaType   string        `json:"mediaType"`
	ContentType string        `json:"contentType"`
	SizeBytes   int64         `json:"sizeBytes"`
	IsSkipped   bool          `json:"skipped"`
	Error       *fail.Failure `json:"error,omitempty"`

	isDone bool
}

func upload(ctx context.Context, opts *uploadOptions, files []*assetfile.File) error {
	env := opts.env
	uploader, err := assetfile.NewUploader(env)
	if err != nil {
		return err
	}
	uploader.Again = opts.again
	all := make([]uploaded, len(files))
	for i, f := range files {
		all[i] = uploaded{File: f.Path, Filename: f.Name, MediaType: f.Kind, ContentType: f.ContentType, SizeBytes: f.Size}
	}
	var first, lineErr error
	uploader.UploadAll(ctx, files, opts.parallel, func(i int, asset assetfile.Asset, err error) {
		all[i].isDone = true
		if err != nil {
			failure := env.Sessions.Describe(err)
			all[i].Error = &failure
			if len(files) > 1 {
				env.Printer.Warn("%s %s: %s", env.Styles().Bad("not uploaded"), files[i].Path, failure.Message)
			}
			if first == nil {
				first = err
			}
		} else {
			all[i].URL, all[i].AssetID, all[i].ContentType, all[i].IsSkipped = asset.URL, asset.ID, asset.ContentType, asset.IsSkipped
			all[i].Filename = asset.Name
		}
		if env.Printer.Lines() && (err == nil || len(files) > 1) && lineErr == nil {
			lineErr = writeLine(env, all[i])
		}
	})
	failed := 0
	for _, u := range all {
		if u.Error != nil || !u.isDone {
			failed++
		}
	}
	if failed < len(all) && !env.Printer.Lines() {
		lineErr = env.Print(map[string]any{"files": all}, func(p *output.Page) { writeUploaded(p, all) })
	}
	if lineErr != nil {
		return lineErr
	}
	return uploadError(first, failed, len(files))
}

// uploadError returns the error for the files that were not uploaded, with the code and the hint of the first failure; nil if there
// was none.
func uploadError(first error, failed, all int) error {
	switch {
	case first == nil:
		return nil
	case all == 1:
		return first
	}
	around := "one file was not uploaded: %s"
	if failed > 1 {
		around = fmt.Sprintf("%d files were not uploaded; the first failure: %%s", failed)
	}
	return &fail.Error{Around: around, Err: first}
}

// writeLine writes the outcome for one file as a line of NDJSON.
func writeLine(env *cmdutil.Env, u uploaded) error {
	raw, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return env.Printer.Line(raw)
}

func writeUploaded(p *output.Page, all []uploaded) {
	for _, u := range all {
		if u.URL == "" {
			continue
		}
		mark := p.Good("Uploaded")
		if u.IsSkipped {
			mark = p.Faint("Is there already:")
		}
		p.Line("%s %s  %s", mark, u.File, output.Bytes(u.SizeBytes))
		p.Line("  %s", p.Bold(u.URL))
	}
}
