package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/scan"
	"github.com/uselamina/lamina/internal/term"
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
			"(in a git repository, the files that are not ignored), and in everything that its branches, tags and stashes ever\n" +
			"contained. Keys are recognized by their prefix, or by the variable that they are assigned to; they are never printed.\n" +
			"Nothing is sent.\n\n" +
			"With --staged, only what the next commit would add is scanned. As a hook, in .git/hooks/pre-commit:\n\n" +
			"  #!/bin/sh\n" +
			"  exec lamina auth scan --staged\n\n" +
			"PATH may also be a file, or - for stdin. The exit status is 1 if a key was found, and 2 if something could not be\n" +
			"read, so that a hook lets nothing pass unseen. A line that contains " + scan.Allow + " is ignored.",
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
	Staged  bool   `json:"staged,omitempty"` // it is staged, and not in the file of the working tree
}

// scanReport is the result of a scan.
type scanReport struct {
	Findings []foundKey  `json:"findings"`
	Files    int         `json:"files"`
	Versions int         `json:"versions"`
	Skipped  int         `json:"skipped"`
	SkipList []scan.Skip `json:"skippedFiles"`
	Unread   []scan.Skip `json:"unread"`
}

func scanPath(ctx context.Context, opts *scanOptions) error {
	env := opts.env
	providers, err := env.Sessions.Providers()
	if err != nil {
		return err
	}
	repository, found, err := opts.scan(ctx, scan.NewFinder(providers))
	if err != nil {
		return cmp.Or(ctx.Err(), describeScan(opts.path, err))
	}
	r := newScanReport(ctx, repository, found)
	if err := env.Print(r, func(p *output.Page) { writeScan(p, r) }); err != nil {
		return err
	}
	switch {
	case len(r.Findings) > 0:
		return &fail.Error{
			Code: fail.KeysFound, Message: plural(len(r.Findings), "key was", "keys were") + " found",
			Hint: "lamina explain " + fail.KeysFound.Name,
		}
	case len(r.Unread) > 0:
		return &fail.Error{
			Code: fail.ScanIncomplete, Message: plural(len(r.Unread), "file", "files") + " could not be scanned, so the result is not complete",
			Hint: "lamina explain " + fail.ScanIncomplete.Name,
		}
	}
	return nil
}

// describeScan describes a repository that git does not read.
func describeScan(path string, err error) error {
	var git *scan.GitError
	if !errors.As(err, &git) {
		return err
	}
	message, hint := "the repository could not be scanned: "+git.Error(), "lamina explain "+fail.ScanIncomplete.Name
	switch {
	case errors.Is(git.Err, exec.ErrNotFound):
		message = "the repository could not be scanned: git is not installed, or not in PATH"
	case git.IsForeign():
		message = path + " is a repository of another user, which git does not read"
		hint = "if you trust it: git config --global --add safe.directory " + fail.Quote(absolute(path))
	case git.IsInternal():
		message = path + " is inside of the folder .git of a repository: its history is scanned with the repository"
		hint = "lamina auth scan " + fail.Quote(repositoryOf(path))
	}
	return &fail.Error{Code: fail.ScanIncomplete, Message: message, Hint: hint, Err: err}
}

// absolute returns the absolute form of a path, or the path if it has none.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// repositoryOf returns the folder that holds the .git of a path.
func repositoryOf(path string) string {
	before, _, _ := strings.Cut(absolute(path)+string(filepath.Separator), string(filepath.Separator)+".git"+string(filepath.Separator))
	return cmp.Or(before, string(filepath.Separator))
}

// scan scans what the options name. The repository is nil if there is none.
func (o *scanOptions) scan(ctx context.Context, f *scan.Finder) (*scan.Repository, scan.Report, error) {
	if o.path == "-" || o.path == "/dev/stdin" {
		if o.staged {
			return nil, scan.Report{}, fail.Usage("lamina auth scan --staged", "--staged does not read stdin")
		}
		return await(ctx, func() scan.Report { return f.Stdin(o.env.Streams.In, "stdin") })
	}
	path, err := filepath.EvalSymlinks(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(o.path); statErr == nil { // a file descriptor, such as /dev/fd/3, links to no path
			return await(ctx, func() scan.Report { return f.Named(o.path) })
		}
		return nil, scan.Report{}, fail.Usage("lamina auth scan .", "%s does not exist", o.path)
	}
	info, statErr := os.Stat(path)
	if err = cmp.Or(err, statErr); err != nil {
		return nil, scan.Report{}, fail.Usage("lamina auth scan .", "%v", err)
	}
	if !info.IsDir() {
		if o.staged {
			return nil, scan.Report{}, fail.Usage("lamina auth scan --staged", "--staged scans a repository, not a file")
		}
		return await(ctx, func() scan.Report { return f.Named(path) })
	}
	return o.scanFolder(ctx, f, path)
}

// await scans a stream outside of a repository. A stream may give nothing for any time.
func await(ctx context.Context, read func() scan.Report) (*scan.Repository, scan.Report, error) {
	report, err := term.Await(ctx, func() (scan.Report, error) { return read(), nil })
	return nil, report, err
}

func (o *scanOptions) scanFolder(ctx context.Context, f *scan.Finder, path string) (*scan.Repository, scan.Report, error) {
	repository, err := scan.FindRepository(ctx, o.env.Sessions.ChildEnviron(), path)
	if err != nil {
		return nil, scan.Report{}, err
	}
	switch {
	case repository == nil && o.staged:
		return nil, scan.Report{}, fail.Usage("git init", "%s is not in a git repository", o.path)
	case repository == nil:
		found, err := f.Folder(ctx, path)
		return nil, found, err
	case o.staged:
		found, err := repository.Staged(ctx, f)
		return repository, found, err
	}
	found, err := repository.Files(ctx, f, path)
	if err != nil || o.noHistory {
		return repository, found, err
	}
	history, err := repository.History(ctx, f)
	found.Add(history)
	return repository, found, err
}

// newScanReport converts a report of the scanner, and names the commits of its findings.
func newScanReport(ctx context.Context, repository *scan.Repository, found scan.Report) scanReport {
	r := scanReport{
		Findings: []foundKey{}, Files: found.Files, Versions: found.Versions, Skipped: len(found.Skipped),
		SkipList: append([]scan.Skip{}, found.Skipped...), Unread: append([]scan.Skip{}, found.Unread...),
	}
	commits := map[string]string{}
	for _, h := range found.Findings {
		if _, known := commits[h.Object]; !known && h.Object != "" {
			commits[h.Object] = cmp.Or(repository.Commit(ctx, h.Object), h.Object[:min(8, len(h.Object))])
		}
		r.Findings = append(r.Findings, foundKey{
			Service: h.Service, Class: h.Class, Path: h.Path, Line: h.Line, Column: h.Column, Hint: h.Hint, Commit: commits[h.Object],
			Staged: h.Staged,
		})
	}
	return r
}

// maxSkips is how many of the files that were not scanned are shown.
const maxSkips = 10

func writeScan(p *output.Page, r scanReport) {
	for _, f := range r.Findings {
		where := fmt.Sprintf("%s:%d:%d", f.Path, f.Line, f.Column)
		if f.Commit != "" {
			where += " in commit " + f.Commit
		}
		if f.Staged {
			where += " as staged"
		}
		p.Line("%s  %s  %s", p.Bad(where), strings.TrimSpace(f.Service+" "+f.Class), f.Hint)
	}
	for _, s := range r.Unread {
		p.Line("%s  %s", p.Bad(s.Path), "could not be scanned: "+s.Reason)
	}
	scanned := plural(r.Files, "file", "files")
	if r.Versions > 0 {
		scanned += " and " + plural(r.Versions, "version", "versions") + " of files in the history"
	}
	if len(r.Findings) == 0 && len(r.Unread) == 0 {
		p.Line("%s in %s.", p.Good("No key"), scanned)
	} else {
		p.Line("Scanned %s.", scanned)
	}
	if r.Skipped == 0 {
		return
	}
	p.Line("Skipped %s:", plural(r.Skipped, "entry", "entries"))
	for i, s := range r.SkipList {
		if i == maxSkips {
			p.Line("  and %d more; --json lists all", r.Skipped-maxSkips)
			return
		}
		p.Line("  %s (%s)", s.Path, s.Reason)
	}
}

// plural formats a count.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
