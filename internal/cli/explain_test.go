package cli

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCodeIsExplained compares the codes that any file of the package defines with the explanations.
func TestEveryCodeIsExplained(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	definition := regexp.MustCompile(`\bcode\{"(\w+)", exit\w+\}`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, match := range definition.FindAllStringSubmatch(readText(t, file), -1) {
			codes[match[1]] = true
		}
	}
	if len(codes) < 20 {
		t.Fatalf("found only %d codes: does this test still read them?", len(codes))
	}
	explained := map[string]bool{}
	for _, x := range explanations() {
		if explained[x.Code] {
			t.Errorf("%s is explained twice", x.Code)
		}
		explained[x.Code] = true
		if !codes[x.Code] {
			t.Errorf("%s is explained, but nothing defines it", x.Code)
		}
		if x.Meaning == "" || len(x.Causes) == 0 || len(x.Mend) == 0 {
			t.Errorf("%s: an explanation has a meaning, causes and what to do", x.Code)
		}
	}
	for code := range codes {
		if !explained[code] {
			t.Errorf("%s is not explained: add it to explanations.go", code)
		}
	}
}

// TestExplanationsNameOnlyWhatExists checks the commands in them.
func TestExplanationsNameOnlyWhatExists(t *testing.T) {
	t.Parallel()
	quoted := regexp.MustCompile("`(lamina [^`]*)`")
	found := 0
	for _, x := range explanations() {
		for _, text := range append(append([]string{x.Meaning}, x.Causes...), x.Mend...) {
			for _, match := range quoted.FindAllStringSubmatch(text, -1) {
				if strings.HasSuffix(match[1], "runs") {
					continue // a noun without its verb, on purpose
				}
				found += checkLines(t, x.Code, match[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d commands: does this test still read them?", found)
	}
}
