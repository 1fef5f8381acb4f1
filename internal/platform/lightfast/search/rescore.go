package search

import (
	"slices"
	"strings"
)

// blend combines a score with a second score, both from 0 to 1.
func blend(score, closer float64) float64 { return 0.6*score + 0.4*closer }

// closeness returns a score from 0 to 1 for the number of wanted words in a passage and its heading, and for their
// distance.
func closeness(h Hit, wanted []string) float64 {
	places := placesOf(slices.Concat(h.Passage.title, h.Passage.words), wanted)
	if len(places) == 0 || len(wanted) == 0 {
		return 0
	}
	found, width := tightest(places)
	coverage := float64(found) / float64(len(wanted))
	if found < 2 {
		return coverage / 2
	}
	return coverage * (0.5 + 0.5*float64(found)/float64(width))
}

// A place is an occurrence of a wanted word: the index of the word in the text, and the index of the wanted word.
type place struct {
	at   int
	term int
}

func placesOf(text []word, wanted []string) []place {
	number := map[string]int{}
	for i, term := range wanted {
		number[term] = i
	}
	var places []place
	for at, w := range text {
		if term, ok := number[w.stem]; ok {
			places = append(places, place{at, term})
		}
	}
	return places
}

// tightest returns the number of distinct words that occur, and the length of the shortest range that has all of them.
func tightest(places []place) (found, width int) {
	count := map[int]int{}
	for _, p := range places {
		count[p.term]++
	}
	found = len(count)
	width = places[len(places)-1].at - places[0].at + 1
	clear(count)
	left := 0
	for _, p := range places {
		count[p.term]++
		for count[places[left].term] > 1 {
			count[places[left].term]--
			left++
		}
		if len(count) == found {
			width = min(width, p.at-places[left].at+1)
		}
	}
	return found, width
}

// readThoroughly scores every hit by closeness, by the word pairs of the query in their order, and by the best score of its
// document.
func (ix *Index) readThoroughly(hits []Hit, query string) {
	around := map[string]float64{} // document → best score
	for _, h := range hits {
		around[h.Passage.Document] = max(around[h.Passage.Document], h.Score)
	}
	for i, h := range hits {
		closer := 0.5*closeness(h, h.terms) + 0.35*inOrder(h.Passage, query) + 0.15*around[h.Passage.Document]
		hits[i].Score = blend(h.Score, closer)
	}
}

// inOrder returns the share of adjacent words of the query that are also adjacent in the passage or its heading.
func inOrder(p *Passage, query string) float64 {
	wanted := words(query)
	if len(wanted) < 2 {
		if len(wanted) == 1 && strings.Contains(pairs(p.title), pairs(wanted)) {
			return 1
		}
		return 0
	}
	text := pairs(p.title) + pairs(p.words)
	found := 0
	for i := range len(wanted) - 1 {
		if strings.Contains(text, " "+wanted[i].stem+" "+wanted[i+1].stem+" ") {
			found++
		}
	}
	return float64(found) / float64(len(wanted)-1)
}

// pairs joins stems with spaces, also at the ends, so that pairs of stems can be found.
func pairs(all []word) string {
	var b strings.Builder
	b.WriteByte(' ')
	for _, w := range all {
		b.WriteString(w.stem + " ")
	}
	return b.String()
}
