package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/scan"
	"github.com/uselamina/lamina/internal/term"
)

type scanOptions struct {
	env       *Env
	path      string
	staged    bool
	noHistory bool
}

func newAuthScanCmd(env *Env) *cobra.Command {
	opts := &scanOptions{env: env, path: "."}
	cmd := &cobra.Command{
		Use:   "scan [PATH]",
		Short: "Look for keys in files and in the history of git",
		Long: "Look for keys of Lamina, Laminr, Lamatic, Lightfast, Laghav and of services that you added: in the files of a folder\n" +
			"(of a git repository, those that are not ignored), and in everything that the repository ever held. Keys are known\n" +
			"by their shape, or by the variable that they are assigned to; they are never printed. Nothing is sent.\n\n" +
			"With --staged only what the next commit would add is looked at. As a hook, in .git/hooks/pre-commit:\n\n" +
			"  #!/bin/sh\n" +
			"  exec lamina auth scan --staged\n\n" +
			"The exit status is 1 if a key was found. A line with the words " + scan.Allow + " is passed over.",
		Example: "lamina auth scan\nlamina auth scan ./src --no-history\nlamina auth scan --staged",
		Args:    optionalArg("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.path = args[0]
			}
			if opts.staged && opts.noHistory {
				return usage("lamina auth scan --staged", "--staged looks at no history anyway: leave --no-history out")
			}
			return authScan(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.staged, "staged", false, "look only at what the next commit would add, for a hook")
	cmd.Flags().BoolVar(&opts.noHistory, "no-history", false, "leave the history of git out")
	return cmd
}

// A scanned is a key that was found, for programs.
type scanned struct {
	Service string `json:"service"`
	Class   string `json:"class,omitempty"`
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Hint    string `json:"hint"`
	Commit  string `json:"commit,omitempty"` // where it came into the history; empty for a file as it is
}

// A scanReport is what was found, and what was looked at.
type scanReport struct {
	Findings []scanned `json:"findings"`
	Files    int       `json:"files"`
	Versions int       `json:"versions"`
	Skipped  int       `json:"skipped"`
}

func authScan(ctx context.Context, opts *scanOptions) error {
	env := opts.env
	info, err := os.Stat(opts.path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return usage("lamina auth scan .", "%s does not exist", opts.path)
		}
		return usage("lamina auth scan .", "%v", err)
	}
	services, err := env.allProviders()
	if err != nil {
		return err
	}
	r, err := opts.scan(ctx, info, scan.NewFinder(services))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	err = env.print(map[string]scanReport{"data": r}, func(p *output.Page) { writeScan(p, r) })
	if err != nil || len(r.Findings) == 0 {
		return err
	}
	return &commandError{
		code: codeKeysFound, message: plural(len(r.Findings), "key was", "keys were") + " found",
		hint: "lamina explain " + codeKeysFound.name,
	}
}

// scan looks at what was asked for.
func (o *scanOptions) scan(ctx context.Context, info fs.FileInfo, f *scan.Finder) (scanReport, error) {
	if !info.IsDir() {
		return o.join(ctx, nil)(f.Folder(ctx, o.path))
	}
	repository, found := scan.FindRepository(ctx, o.path)
	switch {
	case !found && o.staged:
		return scanReport{}, usage("git init", "%s is in no git repository, or git is not installed", o.path)
	case !found:
		return o.join(ctx, nil)(f.Folder(ctx, o.path))
	case o.staged:
		return o.join(ctx, &repository)(repository.Staged(ctx, f))
	}
	r, err := o.join(ctx, &repository)(repository.Files(ctx, f, o.path))
	if err != nil || o.noHistory {
		return r, err
	}
	history, err := o.join(ctx, &repository)(repository.History(ctx, f))
	r.Findings = append(r.Findings, history.Findings...)
	r.Versions, r.Skipped = history.Versions, r.Skipped+history.Skipped
	return r, err
}

// join makes a report for programs of one of the scanner's.
func (o *scanOptions) join(ctx context.Context, repository *scan.Repository) func(scan.Report, error) (scanReport, error) {
	return func(found scan.Report, err error) (scanReport, error) {
		r := scanReport{Findings: []scanned{}, Files: found.Files, Versions: found.Versions, Skipped: found.Skipped}
		commits := map[string]string{}
		for _, h := range found.Findings {
			if _, known := commits[h.Object]; !known && h.Object != "" {
				commits[h.Object] = firstOf(repository.Commit(ctx, h.Object), h.Object[:min(8, len(h.Object))])
			}
			r.Findings = append(r.Findings, scanned{
				Service: h.Service, Class: h.Class, Path: h.Path, Line: h.Line, Column: h.Column, Hint: h.Hint, Commit: commits[h.Object],
			})
		}
		return r, err
	}
}

func writeScan(p *output.Page, r scanReport) {
	for _, f := range r.Findings {
		where := fmt.Sprintf("%s:%d:%d", term.Line(f.Path), f.Line, f.Column)
		if f.Commit != "" {
			where += " in commit " + f.Commit
		}
		p.Line("%s  %s  %s", p.Bad(where), strings.TrimSpace(f.Service+" "+f.Class), f.Hint)
	}
	looked := plural(r.Files, "file", "files")
	if r.Versions > 0 {
		looked += " and " + plural(r.Versions, "version", "versions") + " of files in the history"
	}
	if r.Skipped > 0 {
		looked += fmt.Sprintf("; %d are not text, or could not be read", r.Skipped)
	}
	if len(r.Findings) == 0 {
		p.Line("%s in %s.", p.Good("No key"), looked)
		return
	}
	p.Line("Looked at %s.", looked)
}

// plural counts things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// allProviders are the services that are built in, and those that a person described in files.
func (e *Env) allProviders() ([]provider.Provider, error) {
	all := provider.All()
	for _, name := range e.providerNames()[len(all):] {
		p, err := e.findProvider(name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
