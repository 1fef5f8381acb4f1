package scan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/child"
)

// A Repository is a git repository.
type Repository struct {
	Root string // of the working tree; of a bare repository its folder

	isBare, isShallow bool
	environ           []string
	origins           map[string]origin // by object; read when it is needed
}

// A GitError means that git could not be started or failed.
type GitError struct {
	Args   []string
	Detail string // the message of git
	Err    error
}

// Error returns the git command and its message.
func (e *GitError) Error() string {
	return fmt.Sprintf("git %s: %s", strings.Join(e.Args, " "), e.Detail)
}

// IsForeign reports whether git refuses a repository because another user owns it.
func (e *GitError) IsForeign() bool { return strings.Contains(e.Detail, "dubious ownership") }

// IsInternal reports whether git has no working tree at a folder, because the folder is the .git of a repository, or in it.
func (e *GitError) IsInternal() bool { return strings.Contains(e.Detail, "must be run in a work tree") }

// Unwrap returns the cause.
func (e *GitError) Unwrap() error { return e.Err }

// FindRepository returns the repository that contains folder, and nil if there is none. environ is the environment for git, without
// secrets. The error is a *GitError if there is a repository that git cannot or will not read, also because git is not installed.
func FindRepository(ctx context.Context, environ []string, folder string) (*Repository, error) {
	r := &Repository{Root: folder, environ: gitEnviron(environ)}
	if err := r.adopt(ctx, environ); err != nil {
		return nil, err
	}
	out, err := r.git(ctx, nil, "rev-parse", "--is-bare-repository", "--is-shallow-repository")
	if err != nil {
		if ctx.Err() == nil && !hasRepository(folder) {
			return nil, nil
		}
		return nil, err
	}
	fields := strings.Fields(string(out))
	if len(fields) != 2 {
		return nil, gitError([]string{"rev-parse"}, "an output that this program does not know", errors.New("unknown output"))
	}
	r.isBare, r.isShallow = fields[0] == "true", fields[1] == "true"
	if r.isBare {
		return r, nil
	}
	if out, err = r.git(ctx, nil, "rev-parse", "--show-toplevel"); err != nil {
		return nil, err
	}
	r.Root = filepath.FromSlash(strings.TrimSuffix(string(out), "\n"))
	return r, nil
}

// adopt gives r the variables that name a repository, if they name the repository of the folder: git sets them for a hook, which scans
// the index in GIT_INDEX_FILE. A folder of another repository is scanned without them; so is a folder that has none, unless
// GIT_DIR is set.
func (r *Repository) adopt(ctx context.Context, environ []string) error {
	var chosen []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !slices.Contains(locations, name) || value == "" {
			continue
		}
		at, err := filepath.Abs(value)
		if err != nil {
			return err
		}
		chosen = append(chosen, name+"="+at)
	}
	if len(chosen) == 0 {
		return nil
	}
	environment := *r
	environment.environ = append(slices.Clip(r.environ), chosen...)
	named, _, err := environment.gitIn(ctx, ".", nil, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return err
	}
	own, err := r.git(ctx, nil, "rev-parse", "--absolute-git-dir")
	if err != nil || bytes.Equal(named, own) {
		r.environ = environment.environ
	}
	return nil
}

// hasRepository reports whether a folder or a folder above it is a repository, or has a .git.
func hasRepository(folder string) bool {
	at, err := filepath.Abs(folder)
	if err != nil {
		return true
	}
	has := func(name string) bool {
		_, err := os.Lstat(filepath.Join(at, name))
		return !errors.Is(err, fs.ErrNotExist)
	}
	for {
		if has(".git") || has("HEAD") && has("objects") && has("refs") { // the second is a bare repository
			return true
		}
		parent := filepath.Dir(at)
		if parent == at {
			return false
		}
		at = parent
	}
}

// locations are the variables that name a repository. Their values are paths.
var locations = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}

// gitEnviron returns the environment of git. A scan fetches nothing: GIT_NO_LAZY_FETCH and, for older versions of git, an empty list of
// allowed protocols. Objects and parents are read as they are stored, not as `git replace` presents them.
func gitEnviron(environ []string) []string {
	environ = child.Environ(environ, func(name, _ string) bool {
		return strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_CONFIG") && name != "GIT_CEILING_DIRECTORIES"
	})
	return append(environ, "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE="+os.DevNull)
}

// git runs git in the root and returns its output.
func (r *Repository) git(ctx context.Context, in io.Reader, args ...string) ([]byte, error) {
	out, _, err := r.gitIn(ctx, r.Root, in, args...)
	return out, err
}

// gitIn runs git in a folder and returns its output and its warnings.
func (r *Repository) gitIn(ctx context.Context, folder string, in io.Reader, args ...string) (out []byte, warnings string, err error) {
	cmd := r.command(ctx, folder, args)
	cmd.Stdin = in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err = cmd.Output()
	if err != nil {
		return nil, "", gitError(args, stderr.String(), err)
	}
	return out, stderr.String(), nil
}

// overrides replace settings of the repository. Its configuration can name programs to run (pagers, diff drivers, signature checks,
// filters, hooks, file system monitors); a scan must not run them. The commands of this package run no other programs of it.
var overrides = []string{
	"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.untrackedCache=false", "-c", "log.showSignature=false",
}

func (r *Repository) command(ctx context.Context, folder string, args []string) *exec.Cmd {
	all := append([]string{"-C", folder}, overrides...)
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...) //nolint:gosec // constant arguments, and a folder that the user chose
	cmd.Env = r.environ
	return cmd
}

func gitError(args []string, stderr string, err error) error {
	detail, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	if detail == "" {
		detail = err.Error()
	}
	return &GitError{Args: args, Detail: detail, Err: err}
}

// Files scans the tracked and untracked files below a folder, and what is staged where it differs from the file. Ignored files are not
// scanned, because they cannot be committed by accident.
func (r *Repository) Files(ctx context.Context, f *Finder, below string) (Report, error) {
	var report Report
	if r.isBare {
		return report, nil
	}
	paths, err := r.list(ctx, below, &report, "--cached", "--others", "--exclude-standard")
	if err != nil {
		return report, err
	}
	last := ""
	for _, path := range paths {
		if path != last && ctx.Err() == nil { // git lists a path with a merge conflict several times
			f.file(below, filepath.FromSlash(path), &report)
		}
		last = path
	}
	staged, err := r.staged(ctx, f, below)
	if err != nil {
		return report, err
	}
	inFiles := map[place]bool{}
	for _, found := range report.Findings {
		inFiles[place{found.Path, found.digest}] = true
	}
	for _, found := range staged.Findings {
		if !inFiles[place{found.Path, found.digest}] {
			found.Staged = true
			report.Findings = append(report.Findings, found)
		}
	}
	report.Unread = append(report.Unread, staged.Unread...)
	ignored, err := r.list(ctx, below, &report, "--others", "--ignored", "--exclude-standard", "--directory")
	for _, path := range ignored {
		report.skip(path, isIgnored)
	}
	report.Unread = unique(report.Unread, func(s Skip) Skip { return s }) // both lists warn of the same folder
	return report, cmp.Or(ctx.Err(), err)
}

// list returns the paths that git ls-files prints. Its warnings are about what it could not read, such as a folder.
func (r *Repository) list(ctx context.Context, below string, report *Report, options ...string) ([]string, error) {
	out, warnings, err := r.gitIn(ctx, below, nil, append([]string{"ls-files", "-z"}, options...)...)
	if err != nil {
		return nil, err
	}
	for warning := range strings.Lines(warnings) {
		report.miss("git ls-files", strings.TrimSpace(warning))
	}
	return strings.FieldsFunc(string(out), func(c rune) bool { return c == 0 }), nil
}
