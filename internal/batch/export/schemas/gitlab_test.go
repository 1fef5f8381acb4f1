package schemas

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitlabLocal runs pipelines without GitLab. It checks them with the schema of GitLab's own editor first.
const gitlabLocal = "gitlab-ci-local@4.64.1"

// standIn replaces npm and lamina in the pipeline: it prints its words and its shard.
const standIn = `#!/bin/sh
printf '[%s]' "${0##*/}" "$@"
echo " shard $CI_NODE_INDEX of $CI_NODE_TOTAL at $LAMINA_BASE_URL"
`

// TestGitLab runs the pipeline: all shards, and then the results.
func TestGitLab(t *testing.T) {
	folders := map[string]string{"plain": "batches/catalogue", "special": "./-my batches/Größe 2"}
	for _, kind := range kinds {
		folder := newRepository(t, kind)
		out, err := pipeline(t, folder, "--force-shell-executor", "--variable", "RUN_BATCH=b-0123456789")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		address := map[string]string{"special": "http://127.0.0.1:8799"}[kind]
		for _, shard := range []string{"1", "2", "3", "4"} {
			want := "[lamina][batch][run][" + folders[kind] + "][--shard][auto][--time-limit][2h50m] shard " + shard + " of 4 at " + address
			if !strings.Contains(out, want) {
				t.Errorf("the pipeline did not run %s\n%s", want, out)
			}
		}
		if !strings.Contains(out, "[lamina][batch][report]["+folders[kind]+"]") {
			t.Errorf("the pipeline made no report\n%s", out)
		}
	}
}

// TestGitLabRefuses shows that the schema is applied.
func TestGitLabRefuses(t *testing.T) {
	folder := newRepository(t, "plain")
	file := filepath.Join(folder, ".gitlab-ci.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), "exit_codes:", "exit_code:", 1)
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := pipeline(t, folder, "--list"); err == nil || !strings.Contains(out, "exit_code") {
		t.Errorf("got %v for a wrong key: %s", err, out)
	}
}

// newRepository returns a repository whose pipeline is a golden file.
func newRepository(t *testing.T, kind string) string {
	t.Helper()
	if os.Getenv("LAMINA_TEST_THIRD_PARTY") == "" {
		t.Skip("set LAMINA_TEST_THIRD_PARTY=1 to run the pipeline of GitLab; this needs npm, git and rsync")
	}
	folder := t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "testdata", kind, "gitlab.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(".gitlab-ci.yml", string(text), 0o600)
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("bin/lamina", standIn, 0o700)
	write("bin/npm", standIn, 0o700)
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"remote", "add", "origin", "https://example.com/group/project.git"},
		{"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty", "--message=start"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	return folder
}

// pipeline runs gitlab-ci-local. npx finds the real npm before the stand-ins are in PATH.
func pipeline(t *testing.T, folder string, args ...string) (string, error) {
	t.Helper()
	command := `export PATH="$PWD/bin:$PATH"; exec gitlab-ci-local "$@"`
	cmd := exec.CommandContext(t.Context(), "npx", append([]string{"--yes", "--package=" + gitlabLocal, "--", "sh", "-c", command, "sh"}, args...)...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	return string(out), err
}
