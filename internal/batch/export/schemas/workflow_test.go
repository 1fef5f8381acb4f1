package schemas

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestGitHub checks the workflow with actionlint: its keys, the inputs of known actions, its expressions.
func TestGitHub(t *testing.T) {
	for _, kind := range kinds {
		path := filepath.Join("..", "testdata", kind, "github.yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		problems, err := linter.Lint(path, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Error(problem)
		}
	}
}

// TestGitHubTellsWhatHelps runs the step of the shard for each exit status.
func TestGitHubTellsWhatHelps(t *testing.T) {
	script := stepScript(t, "Run the shard")
	for status, want := range map[int]string{
		0: "", 1: "::warning::", 2: "::error::", 3: "::error::", 4: "::error::", 5: "::error::", 6: "::warning::", 7: "::warning::", 8: "::warning::",
		137: "::warning::",
	} {
		folder := t.TempDir()
		lamina := "#!/bin/sh\nexit " + strconv.Itoa(status) + "\n"
		if err := os.WriteFile(filepath.Join(folder, "lamina"), []byte(lamina), 0o700); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "-e", "-c", script) // as GitHub starts it
		cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "BATCH_DIR=d", "SHARD=0/4")
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != status {
			t.Errorf("status %d: the step ended with %d", status, got)
		}
		if !strings.HasPrefix(string(out), want) || want == "" && len(out) > 0 {
			t.Errorf("status %d: got %q, want %q", status, out, want)
		}
	}
}

// stepScript returns the commands of a step of the job shard.
func stepScript(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "plain", "github.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	workflow, problems := actionlint.Parse(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, step := range workflow.Jobs["shard"].Steps {
		if run, ok := step.Exec.(*actionlint.ExecRun); ok && step.Name != nil && step.Name.Value == name {
			return run.Run.Value
		}
	}
	t.Fatalf("the workflow has no step %q", name)
	return ""
}
