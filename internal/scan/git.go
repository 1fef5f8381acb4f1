package scan

import (
	"bufio"
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
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/child"
)

// A Repository is a git repository.
type Repository struct {
	Root string // of the working tree; of a bare repository its folder

	isBare, isShallow bool
	environ           []string
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

// Unwrap returns the cause.
func (e *GitError) Unwrap() error { return e.Err }

// FindRepository returns the repository that contains folder, and nil if there is none. environ is the environment for git, without
// secrets. The error is a *GitError if there is a repository that git cannot or will not read, also because git is not installed.
func FindRepository(ctx context.Context, environ []string, folder string) (*Repository, error) {
	r := &Repository{Root: folder, environ: gitEnviron(environ)}
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

// hasRepository reports whether a folder or a folder above it has a .git.
func hasRepository(folder string) bool {
	at, err := filepath.Abs(folder)
	if err != nil {
		return true
	}
	for {
		if _, err := os.Lstat(filepath.Join(at, ".git")); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
		parent := filepath.Dir(at)
		if parent == at {
			return false
		}
		at = parent
	}
}

// gitEnviron returns the environment of git. A scan fetches nothing: GIT_NO_LAZY_FETCH and, for older versions of git, an empty list of
// allowed protocols. GIT_INDEX_FILE is kept, because git sets it for a hook that calls this program.
func gitEnviron(environ []string) []string {
	environ = child.Environ(environ, func(name, _ string) bool {
		isGit := strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_CONFIG")
		return isGit && !slices.Contains([]string{"GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES"}, name)
	})
	return append(environ, "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
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

// Files scans the tracked and untracked files below a folder. Ignored files are not scanned, because they cannot be committed
// by accident.
func (r *Repository) Files(ctx context.Context, f *Finder, below string) (Report, error) {
	var report Report
	if r.isBare {
		return report, nil
	}
	out, warnings, err := r.gitIn(ctx, below, nil, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return report, err
	}
	for warning := range strings.Lines(warnings) { // such as a folder that cannot be opened
		report.miss("git ls-files", strings.TrimSpace(warning))
	}
	last := ""
	for path := range strings.SplitSeq(string(out), "\x00") {
		if path != "" && path != last && ctx.Err() == nil { // git lists a path with a merge conflict several times
			f.file(below, filepath.FromSlash(path), &report)
		}
		last = path
	}
	return report, ctx.Err()
}

// Staged scans the files that the next commit adds or changes.
func (r *Repository) Staged(ctx context.Context, f *Finder) (Report, error) {
	out, err := r.git(ctx, nil, "diff-index", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", "--diff-filter=AMT", r.head(ctx))
	if err != nil {
		return Report{}, err
	}
	var objects []object
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 { // ":mode mode object object status", then the path
		if parts := strings.Fields(fields[i]); len(parts) == 5 {
			objects = append(objects, object{id: parts[3], path: fields[i+1]})
		}
	}
	report, err := r.objects(ctx, f, objects)
	report.Files, report.Versions = report.Versions, 0
	for i := range report.Findings {
		report.Findings[i].Object = ""
	}
	return report, err
}

// head returns the commit to compare the index with: HEAD, or the empty tree before the first commit.
func (r *Repository) head(ctx context.Context) string {
	if _, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "HEAD"); err == nil {
		return "HEAD"
	}
	out, err := r.git(ctx, strings.NewReader(""), "hash-object", "-t", "tree", "--stdin")
	if err != nil {
		return "HEAD"
	}
	return strings.TrimSpace(string(out))
}

// History scans every version of every file, and every commit message, that is reachable from a branch, a tag or a stash. A key
// that is in several versions of a file is reported once, for the newest. Objects that a partial or shallow clone lacks are skipped.
func (r *Repository) History(ctx context.Context, f *Finder) (Report, error) {
	out, err := r.git(ctx, nil, "rev-list", "--objects", "--all", "--missing=print")
	if err != nil {
		return Report{}, err
	}
	var objects []object
	absent := 0
	for line := range strings.Lines(string(out)) {
		id, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if strings.HasPrefix(id, "?") {
			absent++
			continue
		}
		objects = append(objects, object{id: id, path: path})
	}
	report, err := r.objects(ctx, f, objects)
	if absent > 0 {
		report.skip(countOf(absent, "object", "objects")+" of the history", "not in this clone")
	}
	if r.isShallow {
		report.skip("the history before the shallow boundary", "not in this clone")
	}
	type place struct {
		path   string
		digest uint64
	}
	seen := map[place]bool{}
	report.Findings = slices.DeleteFunc(report.Findings, func(found Finding) bool {
		at := place{found.Path, found.digest}
		isRepeated := seen[at]
		seen[at] = true
		return isRepeated
	})
	return report, err
}

// Commit returns the short id of the first commit that contains an object, or "".
func (r *Repository) Commit(ctx context.Context, object string) string {
	commits, err := r.git(ctx, nil, "rev-list", "--all", "--reverse", "--topo-order")
	if err != nil {
		return ""
	}
	out, err := r.git(ctx, bytes.NewReader(commits), "diff-tree", "--stdin", "-r", "--root", "-m", "--raw", "--no-renames", "--no-ext-diff",
		"--no-textconv", "--find-object="+object)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(out), "\n")
	first, _, _ = strings.Cut(first, " ")
	return first[:min(8, len(first))]
}

// An object is a git object: a version of a file, or a commit or tag with its message.
type object struct {
	id, path string
}

// objects scans git objects, which it reads from one process of git.
func (r *Repository) objects(ctx context.Context, f *Finder, objects []object) (Report, error) {
	var report Report
	if len(objects) == 0 {
		return report, nil
	}
	args := []string{"cat-file", "--batch"}
	cmd := r.command(ctx, r.Root, args)
	var names, stderr bytes.Buffer
	for _, o := range objects {
		names.WriteString(o.id + "\n")
	}
	cmd.Stdin, cmd.Stderr = &names, &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return report, gitError(args, "", err)
	}
	if err := cmd.Start(); err != nil {
		return report, gitError(args, "", err)
	}
	b := bufio.NewReaderSize(out, 256<<10)
	var readErr error
	for _, o := range objects {
		if readErr = f.object(b, o, &report); readErr != nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, b)
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return report, gitError(args, stderr.String(), errors.Join(ctx.Err(), err))
	}
	return report, nil
}

// object scans one object in the format of `git cat-file --batch`: a line with id, type and size, the content, a line feed.
func (f *Finder) object(b *bufio.Reader, o object, report *Report) error {
	head, err := b.ReadString('\n')
	if err != nil {
		return err
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		report.miss(cmp.Or(o.path, o.id), "its git object is missing")
		return nil
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return fmt.Errorf("git returned no size for %s: %w", o.id, err)
	}
	content := io.LimitReader(b, size)
	path := o.path
	switch fields[1] {
	case "blob":
	case "commit", "tag":
		path = "the message of " + fields[1] + " " + o.id[:min(8, len(o.id))]
	default:
		_, err := io.Copy(io.Discard, io.LimitReader(b, size+1))
		return err
	}
	isText, err := f.text(content, report.add(path, o.id))
	if err != nil {
		return err
	}
	if isText {
		report.Versions++
	} else {
		report.skip(path, notText)
	}
	if _, err = io.Copy(io.Discard, content); err == nil { // the text may end early
		_, err = b.Discard(1)
	}
	return err
}
