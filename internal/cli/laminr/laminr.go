// Package laminr holds the commands of Laminr, which list and upload financial documents.
package laminr

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laminr"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// undocumented is the part of the help texts about what these commands lack.
const undocumented = "Laminr does not document the addresses of packages, their states and their results. If you know them, call them with\n" +
	"'lamina api --provider laminr PATH'."

// New returns the command laminr.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("laminr", "List and upload financial documents at Laminr", newFiles(env), newUpload(env))
}

// newClient returns the client of Laminr. Bytes are uploaded with a transport that has no credential to send.
func newClient(env *cmdutil.Env) (*laminr.Client, error) {
	s, err := env.Sessions.OpenFor(provider.Laminr())
	if err != nil {
		return nil, err
	}
	storage, err := env.Sessions.StorageClient()
	if err != nil {
		return nil, err
	}
	return &laminr.Client{API: s.Client(), Storage: storage, Patience: env.Sessions.RequestTimeout()}, nil
}

func newFiles(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "files",
		Short: "List the uploaded files",
		Long: "List the uploaded files. Laminr does not document the form of this list, so columns may be empty; --json prints it as it\n" +
			"came.\n\n" + undocumented,
		Example: "lamina laminr files\nlamina laminr files --json",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listFiles(cmd.Context(), env) },
	}
}

func listFiles(ctx context.Context, env *cmdutil.Env) error {
	client, err := newClient(env)
	if err != nil {
		return err
	}
	files, err := client.Files(ctx)
	if err != nil {
		return err
	}
	return env.Printer.Data(files.Raw, func(p *output.Page) { writeFiles(p, files.Items, env.Now()) })
}

func writeFiles(p *output.Page, files []laminr.File, now time.Time) {
	if len(files) == 0 {
		p.Line("No files.")
		return
	}
	var rows [][]string
	for _, f := range files {
		size := ""
		if f.Size >= 0 {
			size = output.Bytes(f.Size)
		}
		uploaded := f.CreatedAt
		if t, err := time.Parse(time.RFC3339, uploaded); err == nil {
			uploaded = output.Past(t, now)
		}
		rows = append(rows, []string{f.Name, size, uploaded, f.URI})
	}
	p.Table([]string{"NAME", "SIZE", "UPLOADED", "URI"}, rows)
}
