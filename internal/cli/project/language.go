package project

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/uselamina/lamina/internal/cmdutil"
)

// A language is a language of projects, with the steps of its workflow.
type language struct {
	name  string
	marks []string // the files by which it is detected
	setup []string // the lines of the steps that prepare the tests
	tests string   // the command that runs the tests
}

// languages returns the languages, in the order in which they are looked for.
func languages() []language {
	return []language{
		{"node", []string{"package.json"}, []string{
			"- uses: actions/setup-node@v4",
			"  with:",
			"    node-version: lts/*",
			"- run: npm install",
		}, "npm test"},
		{"python", []string{"pyproject.toml", "requirements.txt", "setup.py"}, []string{
			"- uses: actions/setup-python@v5",
			"  with:",
			"    python-version: 3.x",
			"- run: pip install pytest && if [ -f requirements.txt ]; then pip install -r requirements.txt; else pip install .; fi",
		}, "python -m pytest"},
		{"go", []string{"go.mod"}, []string{
			"- uses: actions/setup-go@v5",
			"  with:",
			"    go-version-file: go.mod",
		}, "go test ./..."},
	}
}

// languageNamed returns the language with a name; the zero language for "".
func languageNamed(name string) (language, error) {
	if name == "" {
		return language{}, nil
	}
	var names []string
	for _, l := range languages() {
		if l.name == name {
			return l, nil
		}
		names = append(names, l.name)
	}
	return language{}, cmdutil.OneOf("--language", name, names...)
}

// detect returns the language of a project by the files in its folder; the zero language if none is known.
func detect(folder string) language {
	for _, l := range languages() {
		for _, mark := range l.marks {
			if info, err := os.Stat(filepath.Join(folder, mark)); err == nil && info.Mode().IsRegular() {
				return l
			}
		}
	}
	return language{}
}

// workflow returns the workflow for CI: the tests run against the local platform, so that CI needs no key.
func (l language) workflow() string {
	tests := l.tests
	if tests == "" {
		tests = "lamina run poster --input text=Hello --wait --download ./"
	}
	lines := []string{
		"# Runs the tests against the local platform of lamina: no account, no key, no costs.",
		"name: lamina",
		"on: [push, pull_request]",
		"permissions:",
		"  contents: read",
		"jobs:",
		"  test:",
		"    runs-on: ubuntu-latest",
		"    steps:",
		"      - uses: actions/checkout@v4",
		"      - uses: uselamina/lamina/.github/actions/setup-lamina@main",
	}
	for _, line := range l.setup {
		lines = append(lines, "      "+line)
	}
	lines = append(lines,
		"      # The tests find the platform in LAMINA_BASE_URL, and a key for it in LAMINA_API_KEY.",
		"      - run: lamina dev -- "+tests,
		"      - run: lamina auth scan .",
	)
	return strings.Join(lines, "\n") + "\n"
}
