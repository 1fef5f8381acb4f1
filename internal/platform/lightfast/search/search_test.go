package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string // want: the stems
	}{
		{"Signing signed signs sign", "sign sign sign sign"},
		{"Running runs, policies/policy", "run run policy policy"},
		{"class status analysis bus", "class status analysis bus"},
		{"LAMINA_API_KEY --dry-run", "lamina api key dry run"},
		{"store stored Stores", "stor stor stor"},
		{"calling missed red sing", "call miss red sing"},
		{"übermäßig 2026-01-31", "übermäßig 2026 01 31"},
		{"  …  ", ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			var got []string
			for _, w := range words(tt.text) {
				if w.end > len(tt.text) || !strings.HasPrefix(strings.ToLower(tt.text[w.start:w.end]), w.stem[:1]) && w.stem[0] < utf8.RuneSelf {
					t.Errorf("word %q: got the range %d to %d, want that of the word", w.stem, w.start, w.end)
				}
				got = append(got, w.stem)
			}
			if joined := strings.Join(got, " "); joined != tt.want {
				t.Errorf("stems: got %q, want %q", joined, tt.want)
			}
		})
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
		t.Errorf("passages: got %q, want %q", got, want)
	}
	links := []Link{{"the end", "guides/a.md", "the-end"}, {"b", "b.md", "x"}}
	if !slices.Equal(passages[0].Links, links) || passages[3].Links != nil {
		t.Errorf("links: got %v and %v, want %v and none", passages[0].Links, passages[3].Links, links)
	}
	if !slices.Equal(passages[1].Code(), []string{"one"}) {
		t.Errorf("code: got %q, want one", passages[1].Code())
	}
	if passages[0].ID == passages[1].ID || passages[0].ID != Cut("guides/a.md", "# Renamed\nx")[0].ID {
		t.Error("id: got one that depends on the text, want one of the document and the anchor")
	}
}

// sample has a passage for each property that ranking uses.
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
		{"tokens", Fast, []string{"Tokens", "Together", "Reversed", "Apart"}}, // the heading, then the length
		{"What is the OKAPI?", Fast, []string{"Rare"}},
		{"okapi rivers", Fast, []string{"Rare", "Together", "Reversed", "Apart"}}, // the rare word
		{"unicorn", Thorough, nil},
		{"", Fast, nil},
	} {
		t.Run(string(tt.mode)+" "+tt.query, func(t *testing.T) {
			t.Parallel()
			if got := headings(ix.Search(tt.query, tt.mode, nil)); !slices.Equal(got, tt.want) {
				t.Errorf("headings: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	ix := New(Cut("zoo.md", sample))
	score := func(mode Mode, heading string) float64 {
		for _, h := range ix.Search("refreshing token", mode, nil) {
			if h.Score < 0 || h.Score > 1 {
				t.Errorf("%s: got a score of %f for %s, want 0 to 1", mode, h.Score, h.Passage.Heading)
			}
			if h.Passage.Heading == heading {
				return h.Score
			}
		}
		return 0
	}
	if score(Fast, "Together") != score(Fast, "Reversed") || score(Thorough, "Together") != score(Thorough, "Reversed") {
		t.Error("scores without adjacent words: got different ones in fast or thorough, want equal ones")
	}
	if score(Balanced, "Together")-score(Balanced, "Apart") <= score(Fast, "Together")-score(Fast, "Apart") {
		t.Error("balanced: got no higher score for close words, want a higher one than fast")
	}
	if h := ix.Search("token, then refresh", Thorough, nil)[0]; h.Passage.Heading != "Reversed" {
		t.Errorf("thorough: got %s first, want Reversed, which has the order of the query", h.Passage.Heading)
	}
}

func TestSearchWithAFilter(t *testing.T) {
	t.Parallel()
	ix := New(Cut("zoo.md", sample))
	hits := ix.Search("token", Balanced, func(p *Passage) bool { return p.Heading == "Apart" })
	if got := headings(hits); !slices.Equal(got, []string{"Apart"}) {
		t.Errorf("headings: got %q, want Apart alone", got)
	}
}

func TestSnippets(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("filling words stand here – ", 30)
	ix := New(slices.Concat(Cut("a.md", "# Long\n"+long+"needle in the hay "+long), Cut("b.md", "# Short needles\nOne needle.")))
	for _, h := range ix.Search("needle hay", Fast, nil) {
		got := h.Snippet()
		if !strings.Contains(got, "needle") || len(got) > snippetLength+len(ellipsis)*2 || !utf8.ValidString(got) {
			t.Errorf("snippet: got %q, want the word needle and at most %d bytes", got, snippetLength+len(ellipsis)*2)
		}
		marked := h.Highlight("<b>", "</b>")
		if !strings.Contains(marked, "<b>needle</b>") || strings.NewReplacer("<b>", "", "</b>", "").Replace(marked) != got {
			t.Errorf("highlight: got %q, want %q with marked words", marked, got)
		}
	}
	short := ix.Search("needle", Fast, nil)[0]
	if got := short.HighlightTitle("[", "]"); got != "Short [needles]" {
		t.Errorf("title: got %q, want Short [needles]", got)
	}
	if got := ix.Passages()[0].Quote(); !strings.HasPrefix(got, "filling words") || !strings.HasSuffix(got, " …") {
		t.Errorf("quote: got %q, want the beginning and an ellipsis", got)
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
		t.Errorf("nearest: got %s at %f of %d, want Reversed above 0.3 of all others", near[0].Passage.Heading, near[0].Cosine, len(near))
	}
	if last := near[len(near)-1]; last.Passage.Heading != "Rare" || last.Score() > 0.1 {
		t.Errorf("farthest: got %s at %f, want Rare below 0.1", last.Passage.Heading, last.Score())
	}
	if got := ix.Keywords([]*Passage{of("Rare")}, 1); !slices.Equal(got, []string{"rar"}) && !slices.Equal(got, []string{"okapi"}) {
		t.Errorf("keywords: got %q, want a word of the passage", got)
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
					t.Errorf("score: got %f, want 0 to 1", h.Score)
				}
				if marked := h.Highlight("\x00", "\x01"); !strings.Contains(markdown, "\x00") && !strings.Contains(markdown, "\x01") &&
					strings.NewReplacer("\x00", "", "\x01", "").Replace(marked) != h.Snippet() {
					t.Errorf("highlight: got %q, want %q with marks", marked, h.Snippet())
				}
			}
		}
		for _, p := range ix.Passages() {
			p.Quote()
			ix.Similar(p)
		}
	})
}
