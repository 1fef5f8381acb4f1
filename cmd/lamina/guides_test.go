package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// fence matches a fenced block of a guide: the text after the fence, and the content.
var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// TestGuides runs the commands of the guides. The blocks of a guide that are marked "sh run" form one shell script, which
// runs in an empty folder, signed in to its own local platform. A block that is marked "file=NAME" is a file in that folder.
func TestGuides(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil || testing.Short() {
		t.Skip("running the guides needs a shell and takes half a minute")
	}
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	ofProviders, err := filepath.Glob("../../docs/providers/*.md")
	if err != nil {
		t.Fatal(err)
	}
	guides = append(guides, ofProviders...)
	params, folder := scripts(), t.TempDir()
	goCache, err := exec.Command("go", "env", "GOCACHE").Output() // some guides run go test
	if err != nil {
		t.Fatal(err)
	}
	for _, guide := range append(guides, "../../README.md") {
		raw, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		script := guideScript(string(raw))
		if script == "" {
			continue
		}
		if tool := missingTool(script); tool != "" {
			t.Logf("%s was not run: it needs %s", guide, tool)
			continue
		}
		script = "env GOCACHE=" + string(goCache) + script
		name := strings.NewReplacer("../", "", "/", "-").Replace(strings.TrimSuffix(guide, ".md"))
		file := filepath.Join(folder, name+".txtar")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		params.Files = append(params.Files, file)
	}
	if len(params.Files) < 4 {
		t.Fatalf("got %d guides with commands to run, want at least 4: does this test still read them?", len(params.Files))
	}
	testscript.Run(t, params)
}

// missingTool returns a program that a script needs and this machine lacks, or "".
func missingTool(script string) string {
	for _, tool := range []string{"curl", "jq"} {
		called := regexp.MustCompile(`(?m)(^|[|;(&]) *` + tool + ` `)
		if _, err := exec.LookPath(tool); err != nil && called.MatchString(script) {
			return tool
		}
	}
	return ""
}

// guideScript turns a guide into an acceptance script, "" if the guide has no commands to run.
func guideScript(markdown string) string {
	var shell, files strings.Builder
	for _, block := range fence.FindAllStringSubmatch(markdown, -1) {
		info, text := block[1], block[2]
		if info == "sh run" {
			shell.WriteString(text)
		} else if _, name, ok := strings.Cut(info, " file="); ok {
			files.WriteString("-- " + name + " --\n" + text)
		}
	}
	if shell.Len() == 0 {
		return ""
	}
	return "dev --auto-approve --rate-limit 0\nexec lamina login --device --quiet\nexec sh -eux guide.sh\n" +
		"-- guide.sh --\n" + shell.String() + files.String()
}
