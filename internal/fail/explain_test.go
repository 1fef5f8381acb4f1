package fail

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCodeIsExplained compares the codes that the package defines with the explanations.
func TestEveryCodeIsExplained(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	definition := regexp.MustCompile(`\bCode\{"(\w+)", Exit\w+\}`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range definition.FindAllStringSubmatch(string(raw), -1) {
			codes[match[1]] = true
		}
	}
	if len(codes) < 20 {
		t.Fatalf("found only %d codes: does this test still read them?", len(codes))
	}
	explained := map[string]bool{}
	for _, x := range Explanations() {
		if explained[x.Code] {
			t.Errorf("%s is explained twice", x.Code)
		}
		explained[x.Code] = true
		if !codes[x.Code] {
			t.Errorf("%s is explained, but nothing defines it", x.Code)
		}
		if x.Meaning == "" || len(x.Causes) == 0 || len(x.Fixes) == 0 {
			t.Errorf("%s: an explanation has a meaning, causes and what to do", x.Code)
		}
	}
	for code := range codes {
		if !explained[code] {
			t.Errorf("%s is not explained: add it to explanations.go", code)
		}
	}
}
