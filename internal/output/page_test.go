package output

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// show returns what a page looks like on a terminal of a width.
func show(t testing.TB, width int, color bool, write func(*Page)) string {
	t.Helper()
	streams, out, _ := term.Test("")
	streams.OutTTY, streams.OutColor = true, color
	streams.Width = func() int { return width }
	p, err := New(streams, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Data(nil, write); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	const id = "3f0e7d1c-0000-4000-8000-000000000001"
	rows := [][]string{
		{id, "日本語", "a description that is far too long for what is left of the line"},
		{"x", "a\x1b[31mb\nc", ""},
	}
	before := fmt.Sprint(rows)
	got := show(t, 72, false, func(p *Page) { p.Table([]string{"ID", "NAME", "ABOUT"}, rows) })
	want := "ID                                    NAME    ABOUT\n" +
		id + "  日本語  a description that is far…\n" +
		"x                                     ab c\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if after := fmt.Sprint(rows); after != before {
		t.Errorf("the caller's rows became %q", after)
	}
	for _, line := range strings.Split(got, "\n") {
		if w := runewidth.StringWidth(line); w > 72 {
			t.Errorf("%d columns: %s", w, line)
		}
	}
}

// TestNarrowTable: where there is no room, ids stay whole and the last column goes, unless it is the only one.
func TestNarrowTable(t *testing.T) {
	t.Parallel()
	got := show(t, 10, false, func(p *Page) {
		p.Table([]string{"ID", "ABOUT"}, [][]string{{"0123456789abcdef", "a description of words"}})
	})
	if want := "ID\n0123456789abcdef\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	wide := show(t, 10, false, func(p *Page) { p.Table([]string{"A"}, [][]string{{"日本語日本語日本語"}}) })
	if want := "A\n日本語日本…\n"; wide != want {
		t.Errorf("got\n%s", wide)
	}
	if got := show(t, 80, false, func(p *Page) { p.Table([]string{"ID", "ABOUT"}, nil) }); got != "ID  ABOUT\n" {
		t.Errorf("no rows: %q", got)
	}
}

// TestTableInFile: nothing is cut where there is no terminal.
func TestTableInFile(t *testing.T) {
	t.Parallel()
	p, out, _ := printer(t, Options{Format: Text})
	long := strings.Repeat("words ", 100) + "end"
	if err := p.Data(nil, func(page *Page) { page.Table([]string{"ID", "ABOUT"}, [][]string{{"1", long}}) }); err != nil {
		t.Fatal(err)
	}
	if want := "ID  ABOUT\n1   " + long + "\n"; out.String() != want {
		t.Errorf("got %s", out)
	}
}

type status string

func TestPageCleans(t *testing.T) {
	t.Parallel()
	const bad = "a\x1b]8;;http://evil\x07b\u202ec\u009b"
	got := show(t, 80, false, func(p *Page) {
		p.Line("%s %s %v %d %s %v", bad, status(bad), errors.New(bad), 7, p.Bold(bad), time.Second)
		p.Fields("label", bad+"\nforged", "empty", "", "longer label", "x")
		p.Line("100%%")
	})
	want := "abc abc abc 7 abc 1s\nlabel         abc forged\nlonger label  x\n100%\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	args := []any{bad}
	show(t, 80, false, func(p *Page) { p.Line("%s", args...) })
	if args[0] != bad {
		t.Error("the caller's arguments changed")
	}
}

func TestStyles(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]func(Styles) func(string) Styled{
		"1": func(s Styles) func(string) Styled { return s.Bold }, "2": func(s Styles) func(string) Styled { return s.Faint },
		"32": func(s Styles) func(string) Styled { return s.Good }, "31": func(s Styles) func(string) Styled { return s.Bad },
		"33": func(s Styles) func(string) Styled { return s.Busy }, "36": func(s Styles) func(string) Styled { return s.Command },
	} {
		colored := show(t, 80, true, func(p *Page) { p.Line("%s", style(p.Styles)("x\x1b[5my")) })
		if want := "\x1b[" + name + "mxy\x1b[0m\n"; colored != want {
			t.Errorf("%s: got %q, want %q", name, colored, want)
		}
		if plain := show(t, 80, false, func(p *Page) { p.Line("%s", style(p.Styles)("x")) }); plain != "x\n" {
			t.Errorf("%s without colour: %q", name, plain)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "just now"}, {9 * time.Second, "just now"}, {10 * time.Second, "10 seconds ago"}, {59 * time.Second, "59 seconds ago"},
		{time.Minute, "1 minute ago"}, {119 * time.Second, "1 minute ago"}, {59 * time.Minute, "59 minutes ago"}, {time.Hour, "1 hour ago"},
		{25 * time.Hour, "1 day ago"}, {400 * 24 * time.Hour, "400 days ago"},
		{-30 * time.Second, "just now"}, {-61 * time.Second, "in 1 minute"}, {-48 * time.Hour, "in 2 days"},
	} {
		if got := Ago(now.Add(-tt.d), now); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.want)
		}
	}
	if got := Ago(time.Time{}, now); got != "unknown" {
		t.Errorf("no time: %q", got)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range []float64{-1, 0, 0.5, 1, 7} {
		got = append(got, Bar(f, 4))
	}
	if want := []string{"░░░░", "░░░░", "██░░", "████", "████"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
