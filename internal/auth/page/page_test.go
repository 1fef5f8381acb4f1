package page

import (
	"strings"
	"testing"
)

func TestPageEscapesText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := (Page{Title: "<b>title", Text: "<b>text", Next: "<b>next"}).html().Render(&out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "&lt;b&gt;"); strings.Contains(out.String(), "<b>") || got != 4 { // two titles
		t.Errorf("got %d escaped texts, want 4:\n%s", got, out.String())
	}
}
