package scan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/scan"
)

// A scan runs no program that the configuration or the attributes of a repository name.
func TestHostileRepository(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the planted program is a shell script")
	}
	dir, finder, ctx := t.TempDir(), scan.NewFinder(provider.All()), t.Context()
	marker, program := filepath.Join(t.TempDir(), "ran"), filepath.Join(t.TempDir(), "program")
	script := "#!/bin/sh\necho \"$0 $*\" >> '" + marker + "'\ncat\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "init", "-q")
	write(t, dir, "a.txt", "key lgh_live_"+body+"\n")
	run(t, dir, "add", ".")
	run(t, dir, "commit", "-qm", "one")
	signHead(t, dir)
	hooks := filepath.Join(dir, "hooks")
	write(t, dir, ".gitattributes", "* filter=evil diff=evil\n")
	write(t, dir, "hooks/post-index-change", script)
	if err := os.Chmod(filepath.Join(hooks, "post-index-change"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a.txt", "changed\n")
	write(t, dir, "b.txt", "staged lma_"+body+"\n")
	run(t, dir, "add", "b.txt")
	for _, setting := range [][2]string{
		{"log.showSignature", "true"}, {"gpg.program", program}, {"gpg.ssh.program", program}, {"core.fsmonitor", program},
		{"core.hooksPath", hooks}, {"core.pager", program}, {"pager.log", program}, {"pager.diff-tree", program}, {"diff.external", program},
		{"diff.evil.command", program}, {"diff.evil.textconv", program}, {"filter.evil.clean", program}, {"filter.evil.smudge", program},
		{"filter.evil.process", program}, {"core.sshCommand", program}, {"core.askPass", program}, {"core.editor", program},
		{"remote.origin.url", "ssh://evil.example/x"}, {"remote.origin.uploadpack", program}, {"remote.origin.promisor", "true"},
		{"extensions.partialClone", "origin"}, {"protocol.ext.allow", "always"}, {"alias.rev-list", "!" + program},
	} {
		run(t, dir, "config", setting[0], setting[1])
	}
	_ = os.Remove(marker)

	r, err := scan.FindRepository(ctx, os.Environ(), dir)
	if err != nil {
		t.Fatal(err)
	}
	report, err := r.Files(ctx, finder, dir)
	if err != nil || places(report) != "b.txt:1" {
		t.Errorf("files: got %q, %v, want b.txt:1", places(report), err)
	}
	report, err = r.Staged(ctx, finder)
	if err != nil || places(report) != "b.txt:1" {
		t.Errorf("staged: got %q, %v, want b.txt:1", places(report), err)
	}
	report, err = r.History(ctx, finder)
	if err != nil || places(report) != "a.txt:1@" {
		t.Fatalf("history: got %q, %v, want a.txt:1@", places(report), err)
	}
	if r.Commit(ctx, report.Findings[0].Object) == "" {
		t.Error("got no commit, want the first one")
	}
	if ran, err := os.ReadFile(marker); err == nil {
		t.Errorf("got programs of the repository that ran:\n%s", ran)
	}
}

// signHead gives the newest commit a signature, which git checks with the program of the repository if it is asked to.
func signHead(t *testing.T, dir string) {
	t.Helper()
	raw, err := exec.Command("git", "-C", dir, "cat-file", "commit", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	head, message, _ := strings.Cut(string(raw), "\n\n")
	head += "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
	cmd := exec.Command("git", "-C", dir, "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Stdin = strings.NewReader(head + "\n\n" + message)
	id, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "update-ref", "HEAD", strings.TrimSpace(string(id)))
}

// A clone without blobs or with a part of the history is scanned as far as it goes, without fetching.
func TestPartialClones(t *testing.T) {
	t.Parallel()
	origin, finder, ctx := t.TempDir(), scan.NewFinder(provider.All()), t.Context()
	run(t, origin, "init", "-q")
	run(t, origin, "config", "uploadpack.allowFilter", "true")
	write(t, origin, "a.txt", "key lgh_live_"+body+"\n")
	run(t, origin, "add", ".")
	run(t, origin, "commit", "-qm", "one")
	write(t, origin, "a.txt", "now lma_"+body+"\n")
	run(t, origin, "commit", "-qam", "two")
	for _, tt := range []struct {
		option, findings, skipped string
	}{
		{"--filter=blob:none", "a.txt:1@", "a.txt (not in this clone)"},
		{"--filter=tree:0", "a.txt:1@", "1 object of the history (not in this clone)"},
		{"--depth=1", "a.txt:1@", "the history before the shallow boundary (not in this clone)"},
		{"--bare", "a.txt:1@ a.txt:1@", ""},
	} {
		t.Run(tt.option, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "clone")
			run(t, origin, "clone", "-q", tt.option, "file://"+filepath.ToSlash(origin), dir)
			r, err := scan.FindRepository(ctx, os.Environ(), dir)
			if err != nil || r == nil {
				t.Fatalf("got %v, %v, want a repository", r, err)
			}
			report, err := r.History(ctx, finder)
			if err != nil || places(report) != tt.findings || skips(report.Skipped) != tt.skipped || len(report.Unread) > 0 {
				t.Errorf("got %q, skipped %q, unread %q, %v, want %q, skipped %q", places(report), skips(report.Skipped), skips(report.Unread),
					err, tt.findings, tt.skipped)
			}
			if _, err := r.Files(ctx, finder, dir); err != nil {
				t.Errorf("files: %v", err)
			}
		})
	}
}
