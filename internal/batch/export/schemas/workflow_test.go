package schemas

import (
	"io"
	"os"
	"path/filepath"
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
