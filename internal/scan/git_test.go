package scan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/scan"
)

// run runs git in a repository without the configuration of the user and the system.
func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// places returns the places of the findings. An @ marks those in git objects.
func places(r scan.Report) string {
	var all []string
	for _, f := range r.Findings {
		place := f.Path + ":" + strconv.Itoa(f.Line)
		if f.Object != "" {
			place += "@"
		}
		all = append(all, place)
	}
	return strings.Join(all, " ")
}

// skips returns what was not scanned, with the reasons.
func skips(all []scan.Skip) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, s.Path+" ("+s.Reason+")")
	}
	return strings.Join(texts, " ")
}

func TestRepository(t *testing.T) {
	t.Parallel()
	dir, finder, ctx := t.TempDir(), scan.NewFinder(provider.All()), t.Context()
	run(t, dir, "init", "-q")
	r, err := scan.FindRepository(ctx, os.Environ(), dir)
	if err != nil || r == nil {
		t.Fatalf("got %v, %v, want a repository", r, err)
	}
	check := func(name string, report scan.Report, err error, want string) {
		t.Helper()
		if err != nil || places(report) != want {
			t.Errorf("%s: got %q, %v, want %q", name, places(report), err, want)
		}
	}

	write(t, dir, "a.txt", "one\ntwo\nkey lgh_live_"+body+"\n")
	run(t, dir, "add", ".")
	report, err := r.Staged(ctx, finder)
	check("staged before the first commit", report, err, "a.txt:3")
	run(t, dir, "commit", "-qm", "one")

	write(t, dir, "a.txt", "gone\n")
	run(t, dir, "commit", "-qam", "two\n\nthe key was sk-lf-"+body)
	write(t, dir, ".gitignore", ".env\n")
	write(t, dir, ".env", "LAMATIC_API_KEY="+body+"\n")
	write(t, dir, "new/b.txt", "lma_"+body+"\n")
	write(t, dir, "picture.png", "\x00\x00lma_"+body+"\n")
	if err := os.Symlink("../../outside", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	report, err = r.Files(ctx, finder, dir)
	check("files", report, err, "new/b.txt:1")
	if got := skips(report.Skipped); got != "link (a symbolic link) picture.png (not text) .env (ignored by git)" {
		t.Errorf("got skipped %q, want the link, the picture and the ignored file", got)
	}
	report, err = r.Staged(ctx, finder)
	check("nothing staged", report, err, "")

	report, err = r.History(ctx, finder)
	if err != nil || len(report.Findings) != 2 || report.Findings[1].Path != "a.txt" || !strings.HasPrefix(report.Findings[0].Path, "the message of commit") {
		t.Errorf("history: got %q, %v, want a commit message and a.txt", places(report), err)
	}
	if c := r.Commit(ctx, report.Findings[1].Object); c == "" {
		t.Error("got no commit for the object, want one")
	}

	run(t, dir, "checkout", "-qb", "side")
	write(t, dir, "side.txt", "lgh_test_"+body+"\n")
	run(t, dir, "add", "side.txt")
	run(t, dir, "commit", "-qm", "side")
	run(t, dir, "checkout", "-q", "-")
	report, err = r.History(ctx, finder)
	if err != nil || !strings.Contains(places(report), "side.txt:1@") {
		t.Errorf("another branch: got %q, %v, want side.txt:1@", places(report), err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir, finder := t.TempDir(), scan.NewFinder(provider.All())
	write(t, dir, "deep/er/a.txt", strings.Repeat("x", 3<<20)+" lma_"+body+"\nlma_"+body)
	write(t, dir, ".git/config", "lma_"+body)
	report, err := finder.Folder(t.Context(), dir)
	if err != nil || !strings.Contains(places(report), "deep/er/a.txt") || strings.Contains(places(report), ".git") {
		t.Errorf("got %q, %v, want deep/er/a.txt and not .git", places(report), err)
	}
	if report = finder.Named(filepath.Join(dir, "deep/er/a.txt")); report.Files != 1 || len(report.Findings) != 2 {
		t.Errorf("file: got %+v, want 1 file with 2 keys", report)
	}
	if r, err := scan.FindRepository(t.Context(), os.Environ(), dir); r != nil && err == nil {
		t.Error("got a repository, want none")
	}
}
