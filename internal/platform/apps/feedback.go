package apps

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
)

// quotedText matches a text in quotation marks.
var quotedText = regexp.MustCompile(`"([^"]+)"|“([^”]+)”`)

// Refine returns the inputs after feedback on a run, and the steps that have to run again. Feedback is not understood as language:
// the name of an option chooses the option, and a text in quotation marks replaces the first input that is a text. The steps are
// those that create the outputs, because any of them may depend on any input.
func (a App) Refine(inputs Inputs, feedback string) (Inputs, []api.RefinedNode) {
	refined := maps.Clone(inputs)
	reason := "The feedback names no option of this app, and quotes no text: the step runs again as it was"
	var changes []string
	words := strings.ToLower(feedback)
	for _, p := range a.Parameters {
		option := namedOption(p.Options, words)
		if option != "" && !slices.Equal(refined[p.Key], []string{option}) {
			refined[p.Key] = []string{option}
			changes = append(changes, p.Name+" is now "+option)
		}
	}
	quote := quotedText.FindStringSubmatch(feedback)
	i := slices.IndexFunc(a.Parameters, func(p api.Parameter) bool { return p.Type == "text" })
	if quote != nil && i >= 0 {
		refined[a.Parameters[i].Key] = []string{quote[1] + quote[2]}
		changes = append(changes, a.Parameters[i].Name+" is now the quoted text")
	}
	if len(changes) > 0 {
		reason = strings.Join(changes, "; ")
	}
	var nodes []api.RefinedNode
	for _, s := range a.Steps {
		if s.Credits > 0 {
			nodes = append(nodes, api.RefinedNode{NodeID: s.ID, Reason: reason})
		}
	}
	return refined, nodes
}

// namedOption returns the last option that a text in lower case has as a word; "" if it has none.
func namedOption(options []string, text string) (named string) {
	last := -1
	for _, o := range options {
		word := regexp.MustCompile(`(^|[^\pL\pN:])` + regexp.QuoteMeta(strings.ToLower(o)) + `($|[^\pL\pN:])`)
		found := word.FindAllStringIndex(text, -1)
		if len(found) > 0 && found[len(found)-1][0] > last {
			last, named = found[len(found)-1][0], o
		}
	}
	return named
}
