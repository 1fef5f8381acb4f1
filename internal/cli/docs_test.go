package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

const (
	repository = "../.."
	reference  = repository + "/docs/reference"
	renew      = "renew it with: go run ./internal/docgen -markdown docs/reference"
)

func TestReferenceIsFresh(t *testing.T) {
	t.Parallel()
	pages := Reference(Tree())
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(reference, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/reference/%s is stale (%v); %s", name, err, renew)
		}
	}
	entries, err := os.ReadDir(reference)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := pages[e.Name()]; !ok {
			t.Errorf("docs/reference/%s is about nothing: delete it", e.Name())
		}
	}
}

// verbs are the words that the one-line description of a command may begin with.
var verbs = []string{
	"Call", "Cancel", "Change", "Check", "Choose", "Copy", "Create", "Find", "Follow", "List", "Look", "Make", "Move", "Open", "Post", "Print", "Receive", "Remove",
	"Replace", "Revoke", "Run", "Save", "Search", "See", "Send", "Show", "Sign", "Start", "Stop", "Upload", "Use", "Wait",
}

func TestEveryCommandIsDescribed(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands(Tree()) {
		first, _, _ := strings.Cut(strings.NewReplacer(":", "", ",", "").Replace(cmd.Short), " ")
		if !slices.Contains(verbs, first) {
			t.Errorf("%s: %q does not begin with one of %v", cmd.CommandPath(), cmd.Short, verbs)
		}
		if strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: %q ends in a full stop", cmd.CommandPath(), cmd.Short)
		}
		if cmd.HasSubCommands() && cmd.HasParent() {
			continue // a noun does nothing by itself
		}
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		checkLines(t, cmd.CommandPath(), cmd.Example)
	}
}

// commands returns a command and all below it that are not hidden.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, commands(c)...)
		}
	}
	return all
}

func TestGuidesNameOnlyWhatExists(t *testing.T) {
	t.Parallel()
	shell := regexp.MustCompile("(?ms)^```sh[^\n]*\n(.*?)^```")
	for name, text := range guides(t) {
		found := 0
		for _, block := range shell.FindAllStringSubmatch(text, -1) {
			found += checkLines(t, name, block[1])
		}
		if name == "README.md" && found < 5 {
			t.Errorf("found only %d commands in %s: does this test still read it?", found, name)
		}
	}
}

// TestEveryGuideIsListed: README.md and docs/README.md link to each page of docs.
func TestEveryGuideIsListed(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(repository + "/docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("got the pages %q, %v", pages, err)
	}
	for list, prefix := range map[string]string{"README.md": "docs/", "docs/README.md": ""} {
		text, err := os.ReadFile(filepath.Join(repository, list))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			if name := filepath.Base(page); name != "README.md" && !bytes.Contains(text, []byte("]("+prefix+name+")")) {
				t.Errorf("%s has no link to %s", list, prefix+name)
			}
		}
	}
}

// checkLines reports what in shell commands this program would refuse, and returns how many of ours there are.
func checkLines(t *testing.T, where, script string) int {
	t.Helper()
	found := 0
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		for _, args := range ours(line) {
			found++
			if err := parses(args); err != nil {
				t.Errorf("%s: %s: %v", where, strings.TrimSpace(line), err)
			}
		}
	}
	return found
}

// parses reports whether arguments name a command of ours and are such as it takes.
func parses(args []string) error {
	cmd, rest, err := Tree().Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if !cmd.HasParent() || cmd.HasSubCommands() {
		if positional := cmd.Flags().Args(); len(positional) > 0 {
			return fmt.Errorf("%s has no command %q", cmd.CommandPath(), positional[0])
		}
		return nil
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// ours returns the arguments of each call of lamina in a line of shell.
func ours(line string) [][]string {
	var calls [][]string
	for _, words := range shellCommands(line) {
		for len(words) > 0 && (strings.Contains(words[0], "=") || slices.Contains([]string{"!", "if", "while", "until", "then", "do"}, words[0])) {
			words = words[1:]
		}
		if len(words) > 0 && words[0] == "lamina" {
			calls = append(calls, words[1:])
		}
	}
	return calls
}

// shellToken is a redirection, an operator or a word, which may have quoted parts.
var shellToken = regexp.MustCompile(`\d?[<>]+&?\s*[^\s;|&()]+|[|;&()]|(?:'[^']*'|"[^"]*"|[^\s;|&()<>'"])+`)

// shellCommands splits a line of shell into its simple commands, and these into words. It knows as much of the shell
// as the documents use: quotes, comments, operators, redirections and $(…).
func shellCommands(line string) [][]string {
	var all [][]string
	for _, opening := range []string{"$(", "<("} {
		for start := strings.Index(line, opening); start >= 0; start = strings.Index(line, opening) {
			inner := line[start+2:]
			end := closing(inner)
			all = append(all, shellCommands(inner[:end])...)
			line = line[:start] + "SUBSTITUTED" + inner[min(end+1, len(inner)):]
		}
	}
	var words []string
	for _, token := range shellToken.FindAllString(line+";", -1) {
		switch {
		case token[0] == '#':
			line = ""
		case strings.ContainsAny(token[:1], "|;&()") && len(words) > 0:
			all, words = append(all, words), nil
		case line != "" && !strings.ContainsAny(token[:1], "<>|;&()") && !strings.HasPrefix(token, "2>"):
			words = append(words, strings.NewReplacer(`'`, "", `"`, "").Replace(token))
		}
	}
	return all
}

// closing returns where the bracket is closed that was opened before text.
func closing(text string) int {
	depth := 1
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(text)
}

func TestShellCommands(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`lamina apps list # all`:                          `[[lamina apps list]]`,
		`a=$(lamina run x -i t="a b" --jq '.a | .b')`:     `[[lamina run x -i t=a b --jq .a | .b] [a=SUBSTITUTED]]`,
		`lamina runs get "$run" > out.json 2>&1 || exit`:  `[[lamina runs get $run] [exit]]`,
		`curl -H "k: $(lamina auth token)" u`:             `[[lamina auth token] [curl -H k: SUBSTITUTED u]]`,
		`! lamina a --jq '.b > 1' 2>&1 # | lamina c`:      `[[! lamina a --jq .b > 1]]`,
		`source <(lamina completion bash)`:                `[[lamina completion bash] [source SUBSTITUTED]]`,
		`lamina login --with-api-key < key.txt; lamina x`: `[[lamina login --with-api-key] [lamina x]]`,
	} {
		if got := fmt.Sprint(shellCommands(line)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name, text := range guides(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path := filepath.Join(repository, filepath.Dir(name), filepath.FromSlash(target))
			if target == "" {
				path = filepath.Join(repository, name)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: there is nothing at %s", name, match[1])
			} else if anchor != "" && !slices.Contains(anchors(t, path), anchor) {
				t.Errorf("%s: %s has no heading #%s", name, target, anchor)
			}
		}
	}
}

// anchors returns what the headings of a Markdown file can be linked as.
func anchors(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	notInAnchor := regexp.MustCompile(`[^a-z0-9 _-]`)
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(raw), -1) {
		all = append(all, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return all
}

// guides returns the Markdown files for people by their paths from the root of the repository.
func guides(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/issuers/*.md", "docs/providers/*.md", "docs/reference/*.md"} {
		names, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			relative, err := filepath.Rel(repository, name)
			if err != nil {
				t.Fatal(err)
			}
			texts[filepath.ToSlash(relative)] = string(raw)
		}
	}
	return texts
}

// TestErrorCodesAreDocumented compares the error codes and exit statuses with the table of docs/scripts.md.
func TestErrorCodesAreDocumented(t *testing.T) {
	t.Parallel()
	inCode := map[string]string{}
	for _, x := range fail.Explanations() {
		inCode[x.Code] = strconv.Itoa(x.Exit)
	}
	statuses := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^\s+(Exit\w+)\s+= (\d+)`).FindAllStringSubmatch(readText(t, repository+"/internal/fail/code.go"), -1) {
		statuses[match[1]] = match[2]
	}
	guide := readText(t, repository+"/docs/scripts.md")
	inGuide := map[string]string{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d+) \\|").FindAllStringSubmatch(guide, -1) {
		inGuide[match[1]] = match[2]
	}
	compare(t, "error codes", inCode, inGuide)
	for name, status := range statuses {
		if !strings.Contains(guide, "\n| "+status+" | ") {
			t.Errorf("docs/scripts.md does not list the exit status %s (%s)", status, name)
		}
	}
}

// TestEnvironmentIsDocumented compares the LAMINA_ variables that the code reads with those that docs/scripts.md lists.
func TestEnvironmentIsDocumented(t *testing.T) {
	t.Parallel()
	inCode, inGuide := map[string]string{}, map[string]string{}
	read := regexp.MustCompile(`"(LAMINA_[A-Z_]+)"`)
	err := filepath.WalkDir(repository+"/internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, match := range read.FindAllStringSubmatch(readText(t, path), -1) {
			inCode[match[1]] = "listed"
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile("(?m)^\\| `(LAMINA_[A-Z_]+)` \\|")
	for _, match := range listed.FindAllStringSubmatch(readText(t, repository+"/docs/scripts.md"), -1) {
		inGuide[match[1]] = "listed"
	}
	compare(t, "variables", inCode, inGuide)
	mentioned := regexp.MustCompile(`LAMINA_[A-Z_]+`)
	for name, text := range guides(t) {
		for _, variable := range mentioned.FindAllString(text, -1) {
			if inCode[variable] == "" && !strings.HasPrefix(variable, "LAMINA_TEST_") { // those are read by tests
				t.Errorf("%s mentions %s, which nothing reads", name, variable)
			}
		}
	}
}

func compare(t *testing.T, what string, inCode, inGuide map[string]string) {
	t.Helper()
	if len(inCode) == 0 {
		t.Fatalf("found no %s in the code: does this test still read it?", what)
	}
	for name, value := range inCode {
		if inGuide[name] != value {
			t.Errorf("%s: %s is %s in the code, but %s in docs/scripts.md", what, name, value, strconv.Quote(inGuide[name]))
		}
	}
	for name := range inGuide {
		if inCode[name] == "" {
			t.Errorf("%s: docs/scripts.md lists %s, which the code does not have", what, name)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestServicesSideBySide keeps the table of the services true to what the program knows of them.
func TestServicesSideBySide(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/providers/README.md")
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		if row := strings.Split(line, "|"); len(row) == 8 { // one before the first bar, one after the last
			cells[strings.TrimSpace(row[1])] = row[2:7]
		}
	}
	for _, row := range []string{"", "`--provider`", "base URL", "additional headers", "key goes in", "variable of the key", "keys start with", "how a key is checked"} {
		if cells[row] == nil {
			t.Fatalf("there is no row %q", row)
		}
	}
	for i, p := range provider.All() {
		facts := map[string]string{
			"": p.Title, "`--provider`": p.Name, "base URL": p.BaseURL, "key goes in": strings.TrimSpace(p.KeyHeader + ": " + p.KeyScheme),
			"variable of the key": p.EnvKey, "how a key is checked": p.Checks[0].Path,
		}
		if p.KeyScheme == "" {
			facts["key goes in"] = p.KeyHeader
		}
		if len(p.KeyShapes) > 0 {
			facts["keys start with"] = p.KeyShapes[0].Prefix
		}
		for row, fact := range facts {
			if !strings.Contains(cells[row][i], fact) {
				t.Errorf("row %q does not say %q of %s", row, fact, p.Name)
			}
		}
		for _, s := range p.Settings {
			if s.Header != "" && !p.IsDefault() && !strings.Contains(cells["additional headers"][i], s.Header) {
				t.Errorf("row \"additional headers\" does not say %q of %s", s.Header, p.Name)
			}
		}
	}
}
