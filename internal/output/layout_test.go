package output

import "testing"

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
		{"table cut", 24, func(p *Page) { table(p, p.Table) }, "ID         ABOUT\na-long-id  one two thre…\nb          six\n"},
		{"table without room", 20, func(p *Page) { table(p, p.Table) }, "ID\na-long-id\nb\n"},
		{"table whole", 80, func(p *Page) { table(p, p.Table) }, "ID         ABOUT\na-long-id  one two three four five\nb          six\n"},
		{"descriptions", 24, func(p *Page) { table(p, p.Descriptions) }, "ID         ABOUT\na-long-id  one two three\n           four five\nb          six\n"},
		{"fields", 20, func(p *Page) { p.Fields("a", "one two three four", "none", "", "bc\n", "x") }, "a   one two three\n    four\nbc  x\n"},
		{"fields, wide labels", 40, func(p *Page) { p.Fields("世界", "x", "y", "z") }, "世界  x\ny     z\n"},
		{"fields with indent", 40, func(p *Page) { p.Fields("  --all", "x") }, "  --all  x\n"},
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
