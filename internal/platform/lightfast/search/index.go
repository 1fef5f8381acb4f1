package search

import (
	"math"
	"sort"
)

// A Mode is the effort of a search.
type Mode string

// The modes, from the fastest to the most thorough.
const (
	// Fast ranks by BM25 alone.
	Fast Mode = "fast"
	// Balanced also ranks the best passages by the number of words and their distance.
	Balanced Mode = "balanced"
	// Thorough does so for every passage, and also uses the order of the words and the score of the document.
	Thorough Mode = "thorough"
)

// Parameters of BM25: the saturation of repeated words, the normalization by length, and the weight of a word in a heading.
const (
	saturation   = 1.2
	lengthWeight = 0.75
	titleWeight  = 3
)

// An Index finds passages. It is immutable and safe for concurrent use.
type Index struct {
	passages []*Passage
	byID     map[string]*Passage
	postings map[string][]posting // by stem, in the order of the passages
	average  float64              // words in a passage
	vectors  []vector             // by index of the passage
}

// A posting is the number of occurrences of a stem in a passage.
type posting struct {
	passage int
	count   float64 // an occurrence in the heading counts titleWeight times
}

// New returns an index of passages.
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

// Passages returns all passages in the order of New. The caller must not change the slice.
func (ix *Index) Passages() []*Passage { return ix.passages }

// Linked returns the target of a link, if it is in the index.
func (ix *Index) Linked(l Link) (*Passage, bool) {
	for _, p := range ix.passages {
		if p.Document == l.Document && p.Anchor == l.Anchor {
			return p, true
		}
	}
	return nil, false
}

// A Hit is a result of Search.
type Hit struct {
	Passage *Passage
	// Score is from 0 to 1.
	Score float64

	number int
	terms  []string
}

// Search returns the passages that keep allows and that have a word of the query, best first.
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

// sortHits sorts by score. Equal scores keep the order of the documents, so that pages of results are consistent.
func sortHits(hits []Hit) {
	sort.Slice(hits, func(i, j int) bool {
		if hits[i].Score != hits[j].Score {
			return hits[i].Score > hits[j].Score
		}
		return hits[i].number < hits[j].number
	})
}

// rank scores by BM25, as a share of the largest possible score.
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

// rarity returns the inverse document frequency of a stem. It is above 0 (the variant of BM25 with 1 added).
func (ix *Index) rarity(stem string) float64 {
	have := float64(len(ix.postings[stem]))
	return math.Log(1 + (float64(len(ix.passages))-have+0.5)/(have+0.5))
}
