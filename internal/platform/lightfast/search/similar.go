package search

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// A vector has the weight of each stem of a passage. Its length is 1.
type vector map[string]float64

// makeVectors returns the vectors of passages. A stem has more weight if it occurs more often and in fewer other passages.
func (ix *Index) makeVectors() []vector {
	vectors := make([]vector, len(ix.passages))
	for i := range vectors {
		vectors[i] = vector{}
	}
	for stem, postings := range ix.postings {
		if isCommon(stem) {
			continue
		}
		rarity := ix.rarity(stem)
		for _, p := range postings {
			vectors[p.passage][stem] = (1 + math.Log(p.count)) * rarity
		}
	}
	for _, v := range vectors {
		v.normalize()
	}
	return vectors
}

func (v vector) normalize() {
	sum := 0.0
	for _, weight := range v {
		sum += weight * weight
	}
	for stem := range v {
		v[stem] /= math.Sqrt(sum)
	}
}

// dot returns the cosine of the angle between two vectors of length 1.
func (v vector) dot(w vector) float64 {
	if len(w) < len(v) {
		v, w = w, v
	}
	sum := 0.0
	for stem, weight := range v {
		sum += weight * w[stem]
	}
	return sum
}

// A Neighbour is a passage that is similar to another.
type Neighbour struct {
	Passage *Passage
	// Cosine is the cosine of the angle between the two vectors, from 0 to 1.
	Cosine float64
	// Shared is the share of the pieces of code that both have, from 0 to 1.
	Shared float64
}

// Score returns a score from 0 to 1. It stretches the cosine, which is small even for closely related texts.
func (n Neighbour) Score() float64 { return min(1, 0.9*math.Sqrt(n.Cosine)+0.1*n.Shared) }

// Similar returns all passages except p, most similar first. p must be in the index.
func (ix *Index) Similar(p *Passage) []Neighbour {
	at := slices.Index(ix.passages, p)
	var all []Neighbour
	for i, other := range ix.passages {
		if i != at {
			all = append(all, Neighbour{Passage: other, Cosine: min(1, ix.vectors[at].dot(ix.vectors[i])), Shared: overlap(p.code, other.code)})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Score() > all[j].Score() })
	return all
}

// overlap returns the share of the common elements of two sets.
func overlap(a, b []string) float64 {
	common := 0
	for _, x := range a {
		if slices.Contains(b, x) {
			common++
		}
	}
	if common == 0 {
		return 0
	}
	return float64(common) / float64(len(a)+len(b)-common)
}

// Keywords returns the stems with the most weight in some passages.
func (ix *Index) Keywords(passages []*Passage, most int) []string {
	sum := vector{}
	for i, p := range ix.passages {
		if slices.Contains(passages, p) {
			for stem, weight := range ix.vectors[i] {
				sum[stem] += weight
			}
		}
	}
	stems := make([]string, 0, len(sum))
	for stem := range sum {
		stems = append(stems, stem)
	}
	slices.SortFunc(stems, func(a, b string) int { return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b)) })
	return stems[:min(most, len(stems))]
}
