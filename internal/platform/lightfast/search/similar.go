package search

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// A vector is the weight of each stem of a passage; its length is 1.
type vector map[string]float64

// makeVectors weighs the stems of each passage: more the more often one occurs there, and the fewer other passages have it.
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

// dot is the cosine of the angle between two vectors of length 1.
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

// A Neighbour is a passage that is like another.
type Neighbour struct {
	Passage *Passage
	// Cosine is of the angle between the two vectors: 0 for nothing in common, 1 for the same words.
	Cosine float64
	// Shared is the share of the code that both name, 0 to 1.
	Shared float64
}

// Score is 0 to 1. Cosines of texts that have much to do with each other are small, so they are stretched.
func (n Neighbour) Score() float64 { return min(1, 0.9*math.Sqrt(n.Cosine)+0.1*n.Shared) }

// Similar returns all passages but p, which must be one of the index, the most similar first.
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

// overlap is the share that two sets have in common.
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

// Keywords returns the most telling stems of some passages together.
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
