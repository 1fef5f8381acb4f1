package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/fail"
)

// TestExplanationsNameOnlyWhatExists checks the commands in them.
func TestExplanationsNameOnlyWhatExists(t *testing.T) {
	t.Parallel()
	quoted := regexp.MustCompile("`(lamina [^`]*)`")
	found := 0
	for _, x := range fail.Explanations() {
		for _, text := range append(append([]string{x.Meaning}, x.Causes...), x.Fixes...) {
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
