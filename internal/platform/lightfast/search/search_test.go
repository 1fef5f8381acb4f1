package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWordsAreStemmedLightly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Signing signed signs sign":     "sign sign sign sign",
		"Running runs, policies/policy": "run run policy policy",
		"class status analysis bus":     "class status analysis bus",
		"LAMINA_API_KEY --dry-run":      "lamina api key dry run",
		"store stored Stores":           "stor stor stor",
		"calling missed red sing":       "call miss red sing",
		"übermäßig 2026-01-31":          "übermäßig 2026 01 31",
		"  …  ":                         "",
	} {
		var got []string
		for _, w := range words(text) {
			if w.end > len(text) || !strings.HasPrefix(strings.ToLower(text[w.start:w.end]), w.stem[:1]) && w.stem[0] < utf8.RuneSelf {
				t.Errorf("%q: %q stands at %d to %d", text, w.stem, w.start, w.end)
			}
			got = append(got, w.stem)
		}
		if joined := strings.Join(got, " "); joined != want {
			t.Errorf("%q: %q, want %q", text, joined, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	passages := Cut("guides/a.md", "# First guide\n\nIt opens, see [the end](#the-end) and [b](../b.md#x).\n\n## Empty\n\n### The `end`\n\n"+
		"| a | b |\n|---|---|\n| `one` | two |\n\n```sh\n# no heading\n```\n\n## Same\nx\n## Same\ny [web](https://example.com)\n")
	type row struct{ heading, anchor, plain string }
	want := []row{
		{"First guide", "", "It opens, see the end and b."},
		{"The end", "the-end", "a; b; one; two; # no heading"},
		{"Same", "same", "x"},
		{"Same", "same-1", "y web"},
	}
	var got []row
	for _, p := range passages {
		got = append(got, row{p.Heading, p.Anchor, p.plain})
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	links := []Link{{"the end", "guides/a.md", "the-end"}, {"b", "b.md", "x"}}
	if !slices.Equal(passages[0].Links, links) || passages[3].Links != nil {
		t.Errorf("links: %v, %v", passages[0].Links, passages[3].Links)
	}
	if !slices.Equal(passages[1].Code(), []string{"one"}) {
		t.Errorf("code: %q", passages[1].Code())
	}
	if passages[0].ID == passages[1].ID || passages[0].ID != Cut("guides/a.md", "# Renamed\nx")[0].ID {
		t.Error("the id is not that of the place")
	}
}

// sample has a passage for each thing that ranking should notice.
const sample = `# Zoo
Words about nothing in particular, so that the others are rare.

## Tokens
Each one is short.

## Apart
A token stands here at the beginning, and after a long stretch of other words about rivers, mountains, boats, weather and
whatever else comes to mind there is a lonely refresh.

## Together
Once more: refresh the token, rivers or not. It goes on with a long stretch of other words about boats and the weather.

## Reversed
Once more: token, then refresh, rivers or not. It goes on with a long stretch of other words about boats and the weather.

## Rare
An okapi.
`

func headings(hits []Hit) (all []string) {
	for _, h := range hits {
		all = append(all, h.Passage.Heading)
	}
	return all
}

func TestSearchRanks(t *testing.T) {
	t.Parallel()
	ix := New(Cut("zoo.md", sample))
	for _, tt := range []struct {
		query string
		mode  Mode
		want  []string
	}{
		{"tokens", Fast, []string{"Tokens", "Together", "Reversed", "Apart"}}, // the heading counts, then the length
		{"What is the OKAPI?", Fast, []string{"Rare"}},
		{"okapi rivers", Fast, []string{"Rare", "Together", "Reversed", "Apart"}}, // what is rare counts
		{"unicorn", Thorough, nil},
		{"", Fast, nil},
	} {
		if got := headings(ix.Search(tt.query, tt.mode, nil)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %q: %q, want %q", tt.mode, tt.query, got, tt.want)
		}
	}
}

func TestDeeperModesReadCloser(t *testing.T) {
	t.Parallel()
	ix := New(Cut("zoo.md", sample))
	score := func(mode Mode, heading string) float64 {
		for _, h := range ix.Search("refreshing token", mode, nil) {
			if h.Score < 0 || h.Score > 1 {
				t.Errorf("%s gives %s %f", mode, h.Passage.Heading, h.Score)
			}
			if h.Passage.Heading == heading {
				return h.Score
			}
		}
		return 0
	}
	if score(Fast, "Together") != score(Fast, "Reversed") || score(Thorough, "Together") != score(Thorough, "Reversed") {
		t.Error("fast and thorough tell passages apart that have the same neighbours: none")
	}
	if score(Balanced, "Together")-score(Balanced, "Apart") <= score(Fast, "Together")-score(Fast, "Apart") {
		t.Error("balanced does not see that the words stand together")
	}
	if h := ix.Search("token, then refresh", Thorough, nil)[0]; h.Passage.Heading != "Reversed" {
		t.Errorf("thorough does not see the order of the words: %s is first", h.Passage.Heading)
	}
}

func TestSearchKeepsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	ix := New(Cut("zoo.md", sample))
	hits := ix.Search("token", Balanced, func(p *Passage) bool { return p.Heading == "Apart" })
	if got := headings(hits); !slices.Equal(got, []string{"Apart"}) {
		t.Errorf("got %q", got)
	}
}

func TestSnippets(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("filling words stand here – ", 30)
	ix := New(slices.Concat(Cut("a.md", "# Long\n"+long+"needle in the hay "+long), Cut("b.md", "# Short needles\nOne needle.")))
	for _, h := range ix.Search("needle hay", Fast, nil) {
		got := h.Snippet()
		if !strings.Contains(got, "needle") || len(got) > snippetLength+len(ellipsis)*2 || !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
		marked := h.Highlight("<b>", "</b>")
		if !strings.Contains(marked, "<b>needle</b>") || strings.NewReplacer("<b>", "", "</b>", "").Replace(marked) != got {
			t.Errorf("%q of %q", marked, got)
		}
	}
	short := ix.Search("needle", Fast, nil)[0]
	if got := short.HighlightTitle("[", "]"); got != "Short [needles]" {
		t.Errorf("%q", got)
	}
	if got := ix.Passages()[0].Quote(); !strings.HasPrefix(got, "filling words") || !strings.HasSuffix(got, " …") {
		t.Errorf("%q", got)
	}
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	ix := New(Cut("zoo.md", sample))
	of := func(heading string) *Passage {
		i := slices.IndexFunc(ix.Passages(), func(p *Passage) bool { return p.Heading == heading })
		return ix.Passages()[i]
	}
	near := ix.Similar(of("Together"))
	if near[0].Passage.Heading != "Reversed" || near[0].Cosine < 0.3 || len(near) != len(ix.Passages())-1 {
		t.Errorf("%s at %f, of %d", near[0].Passage.Heading, near[0].Cosine, len(near))
	}
	if last := near[len(near)-1]; last.Passage.Heading != "Rare" || last.Score() > 0.1 {
		t.Errorf("%s at %f", last.Passage.Heading, last.Score())
	}
	if got := ix.Keywords([]*Passage{of("Rare")}, 1); !slices.Equal(got, []string{"rar"}) && !slices.Equal(got, []string{"okapi"}) {
		t.Errorf("%q", got)
	}
}

func FuzzSearch(f *testing.F) {
	f.Add("# A\ntext [x](y.md#z) `code`\n## B\n```\n# c\n", "text code")
	f.Add("", "")
	f.Add("#\n# \n##  \n[](\n](a)[b](c", "\xff…")
	f.Fuzz(func(t *testing.T, markdown, query string) {
		ix := New(Cut("f.md", markdown))
		for _, mode := range []Mode{Fast, Balanced, Thorough} {
			for _, h := range ix.Search(query, mode, nil) {
				if !(h.Score >= 0 && h.Score <= 1) {
					t.Errorf("score %f", h.Score)
				}
				if marked := h.Highlight("\x00", "\x01"); !strings.Contains(markdown, "\x00") && !strings.Contains(markdown, "\x01") &&
					strings.NewReplacer("\x00", "", "\x01", "").Replace(marked) != h.Snippet() {
					t.Errorf("%q is not %q", marked, h.Snippet())
				}
			}
		}
		for _, p := range ix.Passages() {
			p.Quote()
			ix.Similar(p)
		}
	})
}
