package prompt

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Quality returns the share of the longer words of a prompt that its short form still has, from 0 to 100.
func Quality(original, short string) int {
	left := map[string]bool{}
	for _, w := range Words(short) {
		left[w] = true
	}
	all, kept := map[string]bool{}, 0
	for _, w := range Words(original) {
		if len(w) < 4 || all[w] {
			continue
		}
		all[w] = true
		if left[w] {
			kept++
		}
	}
	if len(all) == 0 {
		return 100
	}
	return int(math.Round(100 * float64(kept) / float64(len(all))))
}

// Reply returns the reply of the model: the sentences of a prompt with its most frequent words, in their order. It is
// deterministic. whole is false if maxTokens cut the reply.
func Reply(prompt string, maxTokens int) (text string, whole bool) {
	said := []string{"In short:"}
	for _, sentence := range weightiest(sentences(prompt), 3) {
		said = append(said, strings.Fields(sentence)...)
	}
	used := 0
	for i, word := range said {
		if used += Tokens(word); used > maxTokens {
			return strings.Join(said[:i], " "), false
		}
	}
	return strings.Join(said, " "), true
}

// weightiest returns the sentences with the most frequent words, in the order of the text.
func weightiest(all []string, most int) []string {
	weight := map[string]int{}
	for _, sentence := range all {
		for _, w := range Words(sentence) {
			if len(w) >= 4 {
				weight[w]++
			}
		}
	}
	scores, order := make([]float64, len(all)), make([]int, len(all))
	for i, sentence := range all {
		said := Words(sentence)
		for _, w := range said {
			scores[i] += float64(weight[w])
		}
		scores[i] /= float64(len(said) + 3) // otherwise long sentences come first
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	order = order[:min(most, len(order))]
	slices.Sort(order)
	var chosen []string
	for _, i := range order {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// Likeness returns the cosine of the angle between two texts, given as counts of their words.
func Likeness(a, b map[string]int) float64 {
	dot, aa, bb := 0, 0, 0
	for w, n := range a {
		dot += n * b[w]
		aa += n * n
	}
	for _, n := range b {
		bb += n * n
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(dot) / math.Sqrt(float64(aa)*float64(bb))
}
