package output

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

// TestLayout writes pages for terminals of several widths.
func TestLayout(t *testing.T) {
	t.Parallel()
	table := func(p *Page, draw func([]string, [][]string)) {
		draw([]string{"ID", "ABOUT"}, [][]string{{"a-long-id", "one two three four\x1b[2J\nfive"}, {"b", "\u202esix"}})
	}
	tests := []struct {
		name    string
		columns int
		write   func(*Page)
		want    string
	}{
		{"table as records", 24, func(p *Page) { table(p, p.Table) }, "ID     a-long-id\nABOUT  one two three\n       four five\n\nID     b\nABOUT  six\n"},
		{"records without room beside", 10, func(p *Page) { table(p, p.Table) }, "ID\na-long-id\nABOUT\n  one two\n  three\n  four\n  five\n\nID     b\nABOUT  six\n"},
		{"table whole", 80, func(p *Page) { table(p, p.Table) }, "ID         ABOUT\na-long-id  one two three four five\nb          six\n"},
		{"descriptions below", 24, func(p *Page) { table(p, p.Descriptions) }, "ID\n  ABOUT\na-long-id\n  one two three four\n  five\nb\n  six\n"},
		{"fields", 20, func(p *Page) { p.Fields("a", "one two three four", "none", "", "bc\n", "x") }, "a   one two three\n    four\nbc  x\n"},
		{"fields, wide labels", 40, func(p *Page) { p.Fields("世界", "x", "y", "z") }, "世界  x\ny     z\n"},
		{"fields with indent", 40, func(p *Page) { p.Fields("  --all", "x") }, "  --all  x\n"},
		{"wrapped", 12, func(p *Page) { p.Wrapped("%s", p.Faint("one two three four")) }, "one two\nthree four\n"},
		{"paragraphs", 12, func(p *Page) { p.Paragraphs("one two\nthree four\n\nfive") }, "one two\nthree four\n\nfive\n"},
		{"line", 40, func(p *Page) { p.Line("%s|%s", "a\nb\x1b[1m", p.Bold("c\nd")) }, "a b|c d\n"},
		{"cut", 40, func(p *Page) { p.Line("%s", Cut("one two\nthree", 9)) }, "one two …\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := show(t, tt.columns, false, tt.write); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// TestTableForms shows one list at widths between which its form changes.
func TestTableForms(t *testing.T) {
	t.Parallel()
	const id = "3f0e7d1c-0000-4000-8000-000000000001"
	about := "Draws " + strings.Repeat("many words ", 12) + "and ends here"
	list := Table{Header: []string{"NAME", "NOTE", "ABOUT", "ID"}, Rows: [][]string{{"日本", "", about, id}, {"Palette", "", "Short", "x"}}, Prose: 2, MaxLines: 3}
	tests := []struct {
		columns int
		want    string
	}{
		{80, "NAME     ABOUT                              ID\n" +
			"日本     Draws many words many words many   " + id + "\n" +
			"         words many words many words many\n" +
			"         words many words many words …\n" +
			"Palette  Short                              x\n"},
		{60, "NAME     ID\n  ABOUT\n日本     " + id + "\n" +
			"  Draws many words many words many words many words many\n  words many words many words many words many words many\n  words many words many words and ends here\n" +
			"Palette  x\n  Short\n"},
		{40, "NAME   日本\nABOUT  Draws many words many words many\n" +
			strings.Repeat("       words many words many words many\n", 3) + "       words and ends here\n" +
			"ID\n  " + id + "\n\n" +
			"NAME   Palette\nABOUT  Short\nID     x\n"},
	}
	for _, tt := range tests {
		if got := show(t, tt.columns, false, func(p *Page) { p.List(list) }); got != tt.want {
			t.Errorf("%d columns: got\n%swant\n%s", tt.columns, got, tt.want)
		}
	}
}

// TestNoValueIsLost shows tables at every width: each value is whole, each word is whole, and a line is wider than the terminal only
// if one value is.
func TestNoValueIsLost(t *testing.T) {
	t.Parallel()
	values := []string{"*", "product-shots", "completed", "2 minutes ago", "Cuts a photo of a product into four sizes", "c3a85e14-6f27-4b91-b0d8-5e7a19c4f602"}
	header := []string{"", "APP", "STATUS", "STARTED", "ABOUT", "ID"}
	rows := [][]string{values, {"", "b", "failed", "just now", "", "1"}}
	for _, prose := range []int{0, 4} {
		for columns := 1; columns <= 200; columns++ {
			t.Run(fmt.Sprintf("%d columns, prose %d", columns, prose), func(t *testing.T) {
				got := show(t, columns, false, func(p *Page) { p.List(Table{Header: header, Rows: rows, Prose: prose, MaxLines: 3}) })
				flat := strings.Join(strings.Fields(got), " ")
				for i, value := range values {
					isProse := i == 4 // may be broken between words, and be beside another value
					for _, word := range strings.Fields(value) {
						if !strings.Contains(got, word) {
							t.Errorf("got no %q in\n%s", word, got)
						}
					}
					if !isProse && !strings.Contains(flat, value) {
						t.Errorf("got no %q in\n%s", value, got)
					}
				}
				for line := range strings.Lines(got) {
					line = strings.TrimRight(line, "\n")
					if w := runewidth.StringWidth(line); w > columns && strings.Contains(strings.TrimSpace(line), "  ") {
						t.Errorf("got %d columns in a line of two values, %q", w, line)
					}
				}
				for _, label := range header {
					if !strings.Contains(got, label) {
						t.Errorf("got no column %q in\n%s", label, got)
					}
				}
			})
		}
	}
}

// TestMarkedAtEveryWidth shows a finding of the doctor at every width: no word is broken, and the command is whole.
func TestMarkedAtEveryWidth(t *testing.T) {
	t.Parallel()
	const text, command = "cannot reach https://app.uselamina.ai/v1/account in 3 seconds", "lamina login --profile work"
	for columns := 1; columns <= 120; columns++ {
		got := show(t, columns, false, func(p *Page) {
			p.Marked("fail", "network", 14, text)
			p.Below(14, command)
		})
		if strings.Join(strings.Fields(got), " ") != "fail network "+text+" "+command {
			t.Errorf("%d columns: got\n%s", columns, got)
		}
		for line := range strings.Lines(got) {
			if w := runewidth.StringWidth(strings.TrimRight(line, "\n")); w > max(columns, 39) {
				t.Errorf("%d columns: got %d columns in %q", columns, w, line)
			}
		}
	}
}

func TestPast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		ahead time.Duration
		want  string
	}{
		{-time.Hour, "1 hour ago"}, {0, "just now"}, {time.Minute, "just now"}, {39 * 24 * time.Hour, Moment(now.Add(39 * 24 * time.Hour))},
	} {
		if got := Past(now.Add(tt.ahead), now); got != tt.want {
			t.Errorf("%s ahead: got %q, want %q", tt.ahead, got, tt.want)
		}
	}
	if zone, _ := now.Local().Zone(); !strings.HasSuffix(Moment(now), " "+zone) || !strings.HasSuffix(Clock(now), " "+zone) {
		t.Errorf("got %q and %q, want the zone %q", Moment(now), Clock(now), zone)
	}
}
