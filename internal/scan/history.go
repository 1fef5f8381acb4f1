package scan

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Staged scans the files that the next commit adds or changes.
func (r *Repository) Staged(ctx context.Context, f *Finder) (Report, error) {
	return r.staged(ctx, f, r.Root)
}

// staged scans the files below a folder that the next commit adds or changes.
func (r *Repository) staged(ctx context.Context, f *Finder, below string) (Report, error) {
	out, _, err := r.gitIn(ctx, below, nil, "diff-index", "--cached", "--raw", "-z", "--relative", "--no-renames", "--abbrev=64",
		"--diff-filter=AMT", r.head(ctx))
	if err != nil {
		return Report{}, err
	}
	var objects []object
	var modules Report
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 { // ":mode mode object object status", then the path
		switch parts := strings.Fields(fields[i]); {
		case len(parts) != 5:
		case parts[1] == modeModule:
			modules.skip(fields[i+1], isModule)
		default:
			objects = append(objects, object{id: parts[3], path: fields[i+1]})
		}
	}
	report, err := r.objects(ctx, f, objects)
	report.Files, report.Versions = report.Versions, 0
	for i := range report.Findings {
		report.Findings[i].Object = ""
	}
	report.Add(modules)
	return report, err
}

// modeModule is the mode of a submodule in the index and in trees. Its object is a commit of another repository.
const modeModule = "160000"

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
	out, err := r.git(ctx, r.stashes(ctx), "rev-list", "--objects", "--all", "--missing=print", "--stdin")
	if err != nil {
		return Report{}, err
	}
	var objects []object
	var absent []string
	for line := range strings.Lines(string(out)) {
		id, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if missing, found := strings.CutPrefix(id, "?"); found {
			absent = append(absent, missing)
			continue
		}
		objects = append(objects, object{id: id, path: path})
	}
	report, err := r.objects(ctx, f, objects)
	r.skipAbsent(ctx, absent, &report)
	report.Findings = unique(report.Findings, func(found Finding) place { return place{found.Path, found.digest} })
	report.Skipped = unique(report.Skipped, func(s Skip) Skip { return s })
	return report, err
}

// skipAbsent reports what this clone lacks.
func (r *Repository) skipAbsent(ctx context.Context, absent []string, report *Report) {
	unnamed := 0
	for _, id := range absent {
		if at := r.origin(ctx, id); at.path != "" {
			report.skip(at.path, isAbsent)
		} else {
			unnamed++
		}
	}
	if unnamed > 0 {
		report.skip(countOf(unnamed, "object", "objects")+" of the history", isAbsent)
	}
	if r.isShallow {
		report.skip("the history before the shallow boundary", isAbsent)
	}
}

// stashes returns the commits of all stashes: refs/stash names only the newest.
func (r *Repository) stashes(ctx context.Context) io.Reader {
	out, err := r.git(ctx, nil, "rev-list", "--walk-reflogs", "--ignore-missing", "refs/stash", "--")
	if err != nil {
		return strings.NewReader("") // there is none
	}
	return bytes.NewReader(out)
}

// A place identifies a key in a file.
type place struct {
	path   string
	digest uint64
}

// unique removes every item that has the same key as an earlier one.
func unique[T any, K comparable](items []T, key func(T) K) []T {
	seen := map[K]bool{}
	return slices.DeleteFunc(items, func(item T) bool {
		k := key(item)
		isRepeated := seen[k]
		seen[k] = true
		return isRepeated
	})
}

// An origin is where an object came into the history.
type origin struct{ commit, path string }

// Commit returns the short id of the first commit that contains an object, or "".
func (r *Repository) Commit(ctx context.Context, object string) string {
	commit := r.origin(ctx, object).commit
	return commit[:min(8, len(commit))]
}

// origin returns where an object came into the history. The first call reads the changes of all commits.
func (r *Repository) origin(ctx context.Context, object string) origin {
	if r.origins == nil {
		r.origins = r.readOrigins(ctx)
	}
	return r.origins[object]
}

func (r *Repository) readOrigins(ctx context.Context) map[string]origin {
	origins := map[string]origin{}
	commits, err := r.git(ctx, r.stashes(ctx), "rev-list", "--all", "--reverse", "--topo-order", "--stdin")
	if err != nil {
		return origins
	}
	out, err := r.git(ctx, bytes.NewReader(commits), "diff-tree", "--stdin", "-r", "--root", "-m", "--raw", "-z", "--no-renames", "--no-abbrev",
		"--no-ext-diff", "--no-textconv")
	if err != nil {
		return origins
	}
	commit := ""
	fields := strings.Split(string(out), "\x00")
	for i := 0; i < len(fields); i++ { // a commit, or ":mode mode object object status" and then the path
		parts := strings.Fields(fields[i])
		switch {
		case len(parts) == 0:
		case !strings.HasPrefix(fields[i], ":"):
			commit = parts[0]
		case len(parts) == 5 && i+1 < len(fields):
			i++
			if _, known := origins[parts[3]]; !known {
				origins[parts[3]] = origin{commit, fields[i]}
			}
		}
	}
	return origins
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
	whyNot, err := f.text(content, report.add(path, o.id))
	if err != nil {
		return err
	}
	if whyNot == "" {
		report.Versions++
	} else {
		report.skip(path, whyNot)
	}
	if _, err = io.Copy(io.Discard, content); err == nil { // the text may end early
		_, err = b.Discard(1)
	}
	return err
}
