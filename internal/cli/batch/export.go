package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/batch/export"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/disk"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// maxExported is the largest file that --out compares with, in bytes.
const maxExported = 1 << 20

type exportOptions struct {
	env    *cmdutil.Env
	target string
	out    string
}

// An exported file is what the command prints as JSON.
type exported struct {
	Engine  string `json:"engine"`
	Batch   string `json:"batch"`
	Shards  int    `json:"shards"`
	Path    string `json:"path,omitempty"` // of the file; empty: Content has it
	Content string `json:"content,omitempty"`
}

func newExport(env *cmdutil.Env) *cobra.Command {
	opts := &exportOptions{env: env}
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Create the file with which an engine runs the shards of a batch",
		Long: "Write a complete file for an engine that runs each shard of a batch as a task of its own: an array script for Slurm, an\n" +
			"Indexed Job for Kubernetes, a workflow for GitHub, GitLab or Argo, or a script for GNU parallel. The file goes to\n" +
			"stdout, or to --out.\n\n" +
			"The file has no key. Its first lines say where the engine takes the key from, how to start and how to resume. For GitHub\n" +
			"and GitLab, run this command in the root of the repository with the folder of the batch.\n\n" +
			"See also: lamina docs batch-engines",
		Example: "lamina batch export posters --for slurm --out posters.sh\n" +
			"lamina batch export posters --for kubernetes > posters.yaml",
		Args:              cmdutil.NeedArgs("DIR"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return opts.run(args[0])
		},
	}
	cmd.Flags().StringVar(&opts.target, "for", "", "write the file for this `ENGINE`: "+strings.Join(export.Targets(), ", "))
	cmd.Flags().StringVar(&opts.out, "out", "", "write to this `FILE`; fail if it exists and differs")
	_ = cmd.RegisterFlagCompletionFunc("for", complete.Words(export.Targets()...))
	return cmd
}

func (o *exportOptions) validate(cmd *cobra.Command) error {
	if o.target == "" {
		return fail.Usage("", "--for is missing: name an engine: %s", strings.Join(export.Targets(), ", "))
	}
	if o.out == "" && cmd.Flags().Changed("out") {
		return fail.Usage("", "--out is empty: leave it out to write to stdout")
	}
	return cmdutil.OneOf("--for", o.target, export.Targets()...)
}

func (o *exportOptions) run(dir string) error {
	p, err := readPlan(dir)
	if err == nil {
		err = refuseLamatic(p, batchinfo.RunCommand(o.env, p))
	}
	if err != nil {
		return err
	}
	text, err := o.file(p, dir)
	if err != nil {
		return err
	}
	result := exported{Engine: o.target, Batch: p.Batch, Shards: p.Shards, Path: o.out}
	if o.out == "" {
		if !o.env.Flags.Machine() {
			return o.env.Raw(string(text))
		}
		result.Content = string(text)
		return o.env.Print(result, nil)
	}
	if err := o.write(text); err != nil {
		return err
	}
	return o.env.Print(result, func(page *output.Page) {
		page.Wrapped("%s runs %s. Its first lines say how to start.", output.Quote(o.out), output.Counted(p.Shards, "shard"))
	})
}

// file returns the file for the engine.
func (o *exportOptions) file(p *plan.Plan, dir string) ([]byte, error) {
	where, err := o.folder(dir)
	if err != nil {
		return nil, err
	}
	options := export.Options{
		Batch: p.Batch, Shards: p.Shards, Items: p.ItemsHash, Dir: where, Version: o.env.Build.Version,
	}
	if p.BaseURL != provider.Lamina().BaseURL {
		options.BaseURL = p.BaseURL
	}
	text, err := export.Write(o.target, options)
	var limit *export.LimitError
	var path *export.PathError
	switch {
	case errors.As(err, &limit):
		again := o.env.Command("batch", "plan", p.App.ID, "ITEMS", "--out", dir, "--shards", fmt.Sprint(limit.Max), "--accept-changes")
		return nil, fail.Usage(again, "%s", limit)
	case errors.As(err, &path):
		return nil, fail.Usage("rename the folder, and repeat the command", "%s", path)
	case err != nil:
		return nil, &fail.Error{Code: fail.BatchUnusable, Err: err, Around: "no file was written: %s"}
	case options.BaseURL != "":
		o.env.Note("the file makes the engine send its key to %s, the address of the plan", options.BaseURL)
	}
	return text, nil
}

// folder returns the path of the folder as the engine sees it: below the working folder for an engine that has a repository.
func (o *exportOptions) folder(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil || !export.InRepository(o.target) {
		return absolute, err
	}
	working, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(working, absolute)
	if err != nil || !filepath.IsLocal(relative) || relative == "." {
		return "", fail.Usage("move the folder into the repository, and repeat the command in the root of the repository",
			"%s takes the batch from a repository, and %s is not below the working folder", o.target, output.Quote(dir))
	}
	return filepath.ToSlash(relative), nil
}

// write writes the file, unless another one is there.
func (o *exportOptions) write(text []byte) error {
	present, err := disk.ReadFile(o.out, maxExported)
	switch {
	case err == nil && bytes.Equal(present, text):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return disk.WriteFile(o.out, text)
	}
	return &fail.Error{
		Code: fail.FileExists, Message: output.Quote(o.out) + " exists, and is different; nothing was written", Hint: "choose another name with --out",
	}
}
