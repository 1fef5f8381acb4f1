package batch

import (
	"bytes"
	"testing"

	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// A summary says everything that a user needs next, in lines that hold no text of a service as it came.
func TestSummary(t *testing.T) {
	estimate := 20.0
	s := summary{
		Dir: "posters", App: resultApp{Name: "Pos\x1b[2Jter"}, Items: 10, Credits: 12.5, Estimate: &estimate, Seconds: 3723,
		Counts: state.Counts{Pending: 4, Completed: 3, Failed: 2, Held: 1},
		Failures: []failure{
			{ID: "a\nb", State: "failed", Run: "run-1", Error: "no\x1b]0;title\x07 light\nat all", Look: "lamina runs get run-1"},
			{ID: "c", State: "held", Error: "two runs may be its own"},
		},
		Next: []string{"lamina batch run posters", "lamina batch retry posters --failed"},
	}
	printer, err := output.New(&term.Streams{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}, output.Options{Format: output.Text})
	if err != nil {
		t.Fatal(err)
	}
	want := `posters: 10 items of Poster
pending    4
completed  3
failed     2
held       1
credits    12.5 of an estimated 20
time       1 h 2 min

The first items that did not complete
a b  failed: no light at all
  lamina runs get run-1
c  held: two runs may be its own

Next:
  lamina batch run posters
  lamina batch retry posters --failed
`
	if got := printer.PageText(s.write); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
