package search

import (
	"slices"
	"strings"
)

// blend mixes a score with what a closer look found, both 0 to 1.
func blend(score, closer float64) float64 { return 0.6*score + 0.4*closer }

// closeness is 0 to 1: how many of the wanted words a passage and its heading have, and how close together
// they stand at one place.
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

// A place is where a wanted word stands: the number of the word in the text, and which of the wanted ones it is.
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

// tightest returns how many different words occur, and the number of words in the shortest stretch that has them all.
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

// readThoroughly scores every hit by closeness, by how much of the query stands there in its order, and by what the rest of
// its document has to do with the query.
func (ix *Index) readThoroughly(hits []Hit, query string) {
	around := map[string]float64{} // document → the best score in it
	for _, h := range hits {
		around[h.Passage.Document] = max(around[h.Passage.Document], h.Score)
	}
	for i, h := range hits {
		closer := 0.5*closeness(h, h.terms) + 0.35*inOrder(h.Passage, query) + 0.15*around[h.Passage.Document]
		hits[i].Score = blend(h.Score, closer)
	}
}

// inOrder is the share of neighbouring words of the query that are neighbours in the passage too, its heading included.
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

// pairs writes stems with a space on either side, so that neighbours can be looked up.
func pairs(all []word) string {
	var b strings.Builder
	b.WriteByte(' ')
	for _, w := range all {
		b.WriteString(w.stem + " ")
	}
	return b.String()
}
