package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testStep matches the step of a workflow that runs the tests of an example.
var testStep = regexp.MustCompile(`(?m)^      - run: (lamina dev .* -- (\S+).*)$`)

// TestExamples runs the tests of the projects in examples, with the command of their workflows.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, project := range []string{"node", "python", "go"} {
		t.Run(project, func(t *testing.T) {
			t.Parallel()
			from := filepath.Join("../../examples", project)
			workflow, err := os.ReadFile(filepath.Join(from, ".github/workflows/test.yml"))
			if err != nil {
				t.Fatal(err)
			}
			step := testStep.FindStringSubmatch(string(workflow))
			if step == nil || !strings.Contains(string(workflow), "uselamina/lamina/.github/actions/setup-lamina@") {
				t.Fatalf("got %s, want a step that installs lamina and one that runs the tests with it", workflow)
			}
			if _, err := exec.LookPath(step[2]); err != nil {
				t.Skipf("needs %s", step[2])
			}
			runExample(t, from, strings.Fields(step[1]))
		})
	}
}

// runExample runs the tests of a copy of a project.
func runExample(t *testing.T, from string, command []string) {
	t.Helper()
	folder, differences := t.TempDir(), filepath.Join(t.TempDir(), "differences")
	if err := os.CopyFS(folder, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	check, err := checkingEnviron(differences)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	cmd.Env = append(append(os.Environ(), "HOME="+t.TempDir(), "GOCACHE="+strings.TrimSpace(string(cache)), "GOWORK=off"), check...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	failForDifferences(t.Errorf, differences)
}
