package search

import (
	"math"
	"sort"
)

// A Mode is how deeply a search reads.
type Mode string

// The modes, from the quickest to the one that reads most.
const (
	// Fast ranks by how often, and how tellingly, the words occur.
	Fast Mode = "fast"
	// Balanced also looks, in the best passages, at how many of the words occur and how close together.
	Balanced Mode = "balanced"
	// Thorough looks at every passage so, and at the order of the words and the document around it.
	Thorough Mode = "thorough"
)

// Parameters of BM25: how soon repeating a word stops to help, how much long passages are held back, and how many times a
// word counts in a heading.
const (
	saturation   = 1.2
	lengthWeight = 0.75
	titleWeight  = 3
)

// An Index finds passages. It does not change once it is made, so any number of goroutines may use it.
type Index struct {
	passages []*Passage
	byID     map[string]*Passage
	postings map[string][]posting // by stem, in the order of the passages
	average  float64              // words in a passage
	vectors  []vector             // by number of the passage
}

// A posting says how often a stem occurs in a passage.
type posting struct {
	passage int
	count   float64 // those in the heading count titleWeight times
}

// New makes an index of passages.
func New(passages []*Passage) *Index {
	ix := &Index{passages: passages, byID: map[string]*Passage{}, postings: map[string][]posting{}}
	total := 0
	for i, p := range passages {
		ix.byID[p.ID] = p
		total += len(p.words)
		counts := map[string]float64{}
		for _, w := range p.words {
			counts[w.stem]++
		}
		for _, w := range p.title {
			counts[w.stem] += titleWeight
		}
		for stem, count := range counts {
			ix.postings[stem] = append(ix.postings[stem], posting{i, count})
		}
	}
	ix.average = max(float64(total)/float64(max(len(passages), 1)), 1)
	ix.vectors = ix.makeVectors()
	return ix
}

// Passage returns the passage with an id.
func (ix *Index) Passage(id string) (*Passage, bool) {
	p, ok := ix.byID[id]
	return p, ok
}

// Passages returns all passages in the order they were given. The caller must not change it.
func (ix *Index) Passages() []*Passage { return ix.passages }

// Linked returns the passage that a link leads to, if it is one of the index.
func (ix *Index) Linked(l Link) (*Passage, bool) {
	for _, p := range ix.passages {
		if p.Document == l.Document && p.Anchor == l.Anchor {
			return p, true
		}
	}
	return nil, false
}

// A Hit is a passage that was found.
type Hit struct {
	Passage *Passage
	// Score is 0 to 1: 1 would be a passage about nothing but the query.
	Score float64

	number int
	terms  []string
}

// Search returns the passages with any word of the query among those that keep allows, the best first.
func (ix *Index) Search(query string, mode Mode, keep func(*Passage) bool) []Hit {
	wanted := terms(query)
	hits := ix.rank(wanted, keep)
	switch mode {
	case Balanced:
		const reread = 50
		for i := range hits[:min(reread, len(hits))] {
			hits[i].Score = blend(hits[i].Score, closeness(hits[i], wanted))
		}
	case Thorough:
		ix.readThoroughly(hits, query)
	}
	sortHits(hits)
	return hits
}

// sortHits puts the best first; equals keep the order of the documents, so that pages of results fit together.
func sortHits(hits []Hit) {
	sort.Slice(hits, func(i, j int) bool {
		if hits[i].Score != hits[j].Score {
			return hits[i].Score > hits[j].Score
		}
		return hits[i].number < hits[j].number
	})
}

// rank scores by BM25, as a share of what a passage could reach at most.
func (ix *Index) rank(wanted []string, keep func(*Passage) bool) []Hit {
	scores := map[int]float64{}
	best := 0.0
	for _, term := range wanted {
		rarity := ix.rarity(term)
		best += rarity * (saturation + 1)
		for _, p := range ix.postings[term] {
			length := float64(len(ix.passages[p.passage].words)) / ix.average
			norm := saturation * (1 - lengthWeight + lengthWeight*length)
			scores[p.passage] += rarity * p.count * (saturation + 1) / (p.count + norm)
		}
	}
	var hits []Hit
	for i, score := range scores {
		if p := ix.passages[i]; keep == nil || keep(p) {
			hits = append(hits, Hit{Passage: p, Score: score / best, number: i, terms: wanted})
		}
	}
	sortHits(hits)
	return hits
}

// rarity is the weight of a stem: how few passages have it. It is above 0 (the variant of BM25 with 1 added).
func (ix *Index) rarity(stem string) float64 {
	have := float64(len(ix.postings[stem]))
	return math.Log(1 + (float64(len(ix.passages))-have+0.5)/(have+0.5))
}
