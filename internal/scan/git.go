package scan

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Repository is a working tree of git.
type Repository struct {
	Root string
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

// FindRepository returns the repository that contains folder, and false if there is none or git is not installed.
func FindRepository(ctx context.Context, folder string) (Repository, bool) {
	out, err := git(ctx, folder, nil, "rev-parse", "--show-toplevel")
	root := strings.TrimSuffix(string(out), "\n")
	return Repository{Root: filepath.FromSlash(root)}, err == nil && root != ""
}

// git runs git and returns its output. The configuration of a repository can name programs to run (pagers, diff drivers, file
// system monitors); a scan must not run them, so this package uses only git commands and options that do not.
func git(ctx context.Context, folder string, in io.Reader, args ...string) ([]byte, error) {
	cmd := command(ctx, folder, args)
	cmd.Stdin = in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, gitError(args, stderr.String(), err)
	}
	return out, nil
}

func command(ctx context.Context, folder string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", folder, "--no-optional-locks", "-c", "core.fsmonitor=false"}, args...)...) //nolint:gosec // constant arguments, and a folder that the user chose
	cmd.Env = append(os.Environ(), "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0")                                                          // a scan fetches nothing
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
func (r Repository) Files(ctx context.Context, f *Finder, below string) (Report, error) {
	var report Report
	out, err := git(ctx, below, nil, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return report, err
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
func (r Repository) Staged(ctx context.Context, f *Finder) (Report, error) {
	out, err := git(ctx, r.Root, nil, "diff-index", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", "--diff-filter=AMT", r.head(ctx))
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
func (r Repository) head(ctx context.Context) string {
	if _, err := git(ctx, r.Root, nil, "rev-parse", "--verify", "--quiet", "HEAD"); err == nil {
		return "HEAD"
	}
	out, err := git(ctx, r.Root, strings.NewReader(""), "hash-object", "-t", "tree", "--stdin")
	if err != nil {
		return "HEAD"
	}
	return strings.TrimSpace(string(out))
}

// History scans every version of every file, and every commit message, that is reachable from a branch, a tag or a stash. A key
// that is in several versions of a file is reported once, for the newest.
func (r Repository) History(ctx context.Context, f *Finder) (Report, error) {
	out, err := git(ctx, r.Root, nil, "rev-list", "--objects", "--all")
	if err != nil {
		return Report{}, err
	}
	var objects []object
	for line := range strings.Lines(string(out)) {
		id, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		objects = append(objects, object{id: id, path: path})
	}
	report, err := r.objects(ctx, f, objects)
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
func (r Repository) Commit(ctx context.Context, object string) string {
	out, err := git(ctx, r.Root, nil, "log", "--all", "--reverse", "--format=%h", "--no-ext-diff", "--no-textconv", "--find-object="+object)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// An object is a git object: a version of a file, or a commit or tag with its message.
type object struct {
	id, path string
}

// objects scans git objects, which it reads from one process of git.
func (r Repository) objects(ctx context.Context, f *Finder, objects []object) (Report, error) {
	var report Report
	if len(objects) == 0 {
		return report, nil
	}
	args := []string{"cat-file", "--batch"}
	cmd := command(ctx, r.Root, args)
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
		return nil // the object is missing, as in a shallow clone
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
	isText, err := f.text(content, func(line int, h Hit) {
		report.Findings = append(report.Findings, Finding{Hit: h, Path: path, Line: line, Object: o.id})
	})
	if err != nil {
		return err
	}
	if isText {
		report.Versions++
	} else {
		report.Skipped++
	}
	_, err = io.Copy(io.Discard, content) // the text may end early
	if err == nil {
		_, err = b.Discard(1)
	}
	return err
}
