package batch

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

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
		Shards: []shardSummary{{Shard: "0/2", Counts: state.Counts{Completed: 3}}, {"1/2", true, state.Counts{Pending: 4, Failed: 2, Held: 1}}},
		Failures: []failure{
			{ID: "a\nb", State: "failed", Run: "run-1", Error: "no\x1b]0;title\x07 light\nat all", Look: "lamina runs get run-1"},
			{ID: "c", State: "held", Error: "two runs may be its own"},
		},
		Next: []string{"lamina batch run posters", "lamina batch retry posters --failed"},
	}
	printer := textPrinter(t, 0)
	want := `posters: 10 items of Poster
pending    4
completed  3
failed     2
held       1
credits    12.5 of an estimated 20
time       1 h 2 min

Shards not done (1 of 2)
SHARD  RUNNING  ITEMS DONE
1/2    yes      3 of 7

Problems (first 2 of 3)
a b  failed
  no light at all
  lamina runs get run-1
c  held
  two runs may be its own

Next:
  lamina batch run posters
  lamina batch retry posters --failed
`
	if got := printer.PageText(s.write); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// On a narrow terminal, ids are cut and errors are broken between words. Commands stay whole, because they are copied.
func TestNarrowSummary(t *testing.T) {
	t.Parallel()
	s := summary{
		Dir: "posters", App: resultApp{Name: "Poster"}, Items: 1, Counts: state.Counts{Failed: 3}, Shards: []shardSummary{{Shard: "0/1"}},
		Failures: []failure{
			{ID: strings.Repeat("x", 200), State: "failed", Error: strings.Repeat("long words ", 20), Look: "lamina runs get " + strings.Repeat("1", 36)},
			{ID: strings.Repeat("製品", 40), State: "failed", Error: "no light"},
			{ID: "c", State: "failed", Error: ""},
		},
	}
	text := textPrinter(t, 40).PageText(s.write)
	if !strings.HasPrefix(text, "posters: 1 item of Poster\n") {
		t.Errorf("got %q, want one item", text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := runewidth.StringWidth(line); n > 40 && !strings.HasPrefix(line, "  lamina ") {
			t.Errorf("got %d columns, want at most 40: %s", n, line)
		}
	}
}

// textPrinter returns a printer of text for a terminal with so many columns; 0 means no terminal.
func textPrinter(t *testing.T, columns int) *output.Printer {
	t.Helper()
	streams, _, _ := term.Test("")
	streams.HasColumns, streams.Width = columns > 0, func() int { return columns }
	printer, err := output.New(streams, output.Options{Format: output.Text})
	if err != nil {
		t.Fatal(err)
	}
	return printer
}
