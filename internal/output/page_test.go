package output

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/term"
)

// show returns a page as it is written on a terminal of the given width.
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

// TestTableInFile: without a terminal nothing is cut.
func TestTableInFile(t *testing.T) {
	t.Parallel()
	p, out, _ := printer(t, Options{Format: Text})
	long := strings.Repeat("words ", 100) + "end"
	if err := p.Data(nil, func(page *Page) { page.Table([]string{"ID", "ABOUT"}, [][]string{{"1", long}}) }); err != nil {
		t.Fatal(err)
	}
	if want := "ID  ABOUT\n1   " + long + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", out, want)
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
		t.Errorf("got the argument %q, want it unchanged", args[0])
	}
}

func TestStyles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		style func(Styles, string) Styled
		code  string // of the color
	}{
		{"bold", Styles.Bold, "1"},
		{"faint", Styles.Faint, "2"},
		{"good", Styles.Good, "32"},
		{"bad", Styles.Bad, "31"},
		{"busy", Styles.Busy, "33"},
		{"command", Styles.Command, "36"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			colored := show(t, 80, true, func(p *Page) { p.Line("%s", tt.style(p.Styles, "x\x1b[5my")) })
			if want := "\x1b[" + tt.code + "mxy\x1b[0m\n"; colored != want {
				t.Errorf("got %q, want %q", colored, want)
			}
			plain := show(t, 80, false, func(p *Page) { p.Line("%s", tt.style(p.Styles, "x\x1b[5my")) })
			if want := "xy\n"; plain != want {
				t.Errorf("without color: got %q, want %q", plain, want)
			}
		})
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		d    time.Duration
		want string
	}{
		{0, "just now"}, {9 * time.Second, "just now"}, {10 * time.Second, "10 seconds ago"}, {59 * time.Second, "59 seconds ago"},
		{time.Minute, "1 minute ago"}, {119 * time.Second, "1 minute ago"}, {59 * time.Minute, "59 minutes ago"}, {time.Hour, "1 hour ago"},
		{25 * time.Hour, "1 day ago"}, {400 * 24 * time.Hour, "400 days ago"},
		{-30 * time.Second, "just now"}, {-61 * time.Second, "in 1 minute"}, {-48 * time.Hour, "in 2 days"},
	}
	for _, tt := range tests {
		t.Run(tt.d.String(), func(t *testing.T) {
			t.Parallel()
			if got := Ago(now.Add(-tt.d), now); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := Ago(time.Time{}, now); got != "unknown" {
		t.Errorf("zero time: got %q, want unknown", got)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range []float64{-1, 0, 0.5, 1, 7} {
		got = append(got, Bar(f, 4))
	}
	if want := []string{"░░░░", "░░░░", "██░░", "████", "████"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
