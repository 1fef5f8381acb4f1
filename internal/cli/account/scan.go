package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/scan"
)

type scanOptions struct {
	env       *cmdutil.Env
	path      string
	staged    bool
	noHistory bool
}

func newScan(env *cmdutil.Env) *cobra.Command {
	opts := &scanOptions{env: env, path: "."}
	cmd := &cobra.Command{
		Use:   "scan [PATH]",
		Short: "Look for keys in files and in the history of git",
		Long: "Look for keys of Lamina, Laminr, Lamatic, Lightfast, Laghav and of services that you added: in the files of a folder\n" +
			"(in a git repository, the files that are not ignored), and in everything that the repository ever contained. Keys are\n" +
			"recognized by their prefix, or by the variable that they are assigned to; they are never printed. Nothing is sent.\n\n" +
			"With --staged, only what the next commit would add is scanned. As a hook, in .git/hooks/pre-commit:\n\n" +
			"  #!/bin/sh\n" +
			"  exec lamina auth scan --staged\n\n" +
			"The exit status is 1 if a key was found. A line that contains " + scan.Allow + " is ignored.",
		Example: "lamina auth scan\nlamina auth scan ./src --no-history\nlamina auth scan --staged",
		Args:    cmdutil.OptionalArg("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.path = args[0]
			}
			if opts.staged && opts.noHistory {
				return fail.Usage("lamina auth scan --staged", "--staged does not scan the history: leave out --no-history")
			}
			return scanPath(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.staged, "staged", false, "scan only what the next commit would add, for a hook")
	cmd.Flags().BoolVar(&opts.noHistory, "no-history", false, "do not scan the history of git")
	return cmd
}

// foundKey is a key that was found.
type foundKey struct {
	Service string `json:"service"`
	Class   string `json:"class,omitempty"`
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Hint    string `json:"hint"`
	Commit  string `json:"commit,omitempty"` // the commit that added it; empty for a file of the working tree
}

// scanReport is the result of a scan.
type scanReport struct {
	Findings []foundKey `json:"findings"`
	Files    int        `json:"files"`
	Versions int        `json:"versions"`
	Skipped  int        `json:"skipped"`
}

func scanPath(ctx context.Context, opts *scanOptions) error {
	env := opts.env
	info, err := os.Stat(opts.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fail.Usage("lamina auth scan .", "%s does not exist", opts.path)
	}
	if err != nil {
		return fail.Usage("lamina auth scan .", "%v", err)
	}
	providers, err := env.Sessions.Providers()
	if err != nil {
		return err
	}
	r, err := opts.scan(ctx, info, scan.NewFinder(providers))
	if err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	err = env.Print(map[string]scanReport{"data": r}, func(p *output.Page) { writeScan(p, r) })
	if err != nil || len(r.Findings) == 0 {
		return err
	}
	return &fail.Error{
		Code: fail.KeysFound, Message: plural(len(r.Findings), "key was", "keys were") + " found",
		Hint: "lamina explain " + fail.KeysFound.Name,
	}
}

// scan scans what the options name.
func (o *scanOptions) scan(ctx context.Context, info fs.FileInfo, f *scan.Finder) (scanReport, error) {
	if !info.IsDir() {
		return newScanReport(ctx, nil)(f.Folder(ctx, o.path))
	}
	repository, found := scan.FindRepository(ctx, o.path)
	switch {
	case !found && o.staged:
		return scanReport{}, fail.Usage("git init", "%s is not in a git repository, or git is not installed", o.path)
	case !found:
		return newScanReport(ctx, nil)(f.Folder(ctx, o.path))
	case o.staged:
		return newScanReport(ctx, &repository)(repository.Staged(ctx, f))
	}
	r, err := newScanReport(ctx, &repository)(repository.Files(ctx, f, o.path))
	if err != nil || o.noHistory {
		return r, err
	}
	history, err := newScanReport(ctx, &repository)(repository.History(ctx, f))
	r.Findings = append(r.Findings, history.Findings...)
	r.Versions, r.Skipped = history.Versions, r.Skipped+history.Skipped
	return r, err
}

// newScanReport returns a function that converts a report of the scanner, and names the commits of its findings.
func newScanReport(ctx context.Context, repository *scan.Repository) func(scan.Report, error) (scanReport, error) {
	return func(found scan.Report, err error) (scanReport, error) {
		r := scanReport{Findings: []foundKey{}, Files: found.Files, Versions: found.Versions, Skipped: found.Skipped}
		commits := map[string]string{}
		for _, h := range found.Findings {
			if _, known := commits[h.Object]; !known && h.Object != "" {
				commits[h.Object] = cmp.Or(repository.Commit(ctx, h.Object), h.Object[:min(8, len(h.Object))])
			}
			r.Findings = append(r.Findings, foundKey{
				Service: h.Service, Class: h.Class, Path: h.Path, Line: h.Line, Column: h.Column, Hint: h.Hint, Commit: commits[h.Object],
			})
		}
		return r, err
	}
}

func writeScan(p *output.Page, r scanReport) {
	for _, f := range r.Findings {
		where := fmt.Sprintf("%s:%d:%d", f.Path, f.Line, f.Column)
		if f.Commit != "" {
			where += " in commit " + f.Commit
		}
		p.Line("%s  %s  %s", p.Bad(where), strings.TrimSpace(f.Service+" "+f.Class), f.Hint)
	}
	scanned := plural(r.Files, "file", "files")
	if r.Versions > 0 {
		scanned += " and " + plural(r.Versions, "version", "versions") + " of files in the history"
	}
	if r.Skipped > 0 {
		scanned += fmt.Sprintf("; %d are not text, or could not be read", r.Skipped)
	}
	if len(r.Findings) == 0 {
		p.Line("%s in %s.", p.Good("No key"), scanned)
		return
	}
	p.Line("Scanned %s.", scanned)
}

// plural formats a count.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
