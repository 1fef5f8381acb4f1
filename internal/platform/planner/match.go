package planner

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// Words returns the distinct words of a text in lower case, without a plural s.
func Words(text string) []string {
	var all []string
	split := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), split) {
		if len(w) > 3 {
			w = strings.TrimSuffix(w, "s")
		}
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// Match returns the points of an app for the words of a brief, and which words they are for: 2 points for a word of its name, 1 for
// one of its keywords.
func Match(app apps.App, wanted []string) (points int, hits []string) {
	name, known := Words(app.Name+" "+app.Slug), Words(strings.Join(app.Keywords, " "))
	for _, w := range wanted {
		switch {
		case slices.Contains(name, w):
			points += 2
		case slices.Contains(known, w):
			points++
		default:
			continue
		}
		hits = append(hits, w)
	}
	return points, hits
}

// Explain returns why an app matches: the words that it has.
func Explain(app apps.App, hits []string) string {
	return fmt.Sprintf("%s matches: %s", app.Name, strings.Join(hits, ", "))
}

// makes reports whether an app produces a medium. Every app produces "".
func makes(app apps.App, modality string) bool {
	return modality == "" || strings.EqualFold(app.Modality, modality) ||
		slices.ContainsFunc(app.Capabilities.Produces, func(p string) bool { return strings.EqualFold(p, modality) })
}

// best returns the apps with the most points, in the order of the API; none if no app has a point.
func best(brief, modality string) (found []apps.App, rationale string) {
	most := 0
	wanted := Words(brief)
	for _, app := range apps.All() {
		points, hits := Match(app, wanted)
		if points == 0 || points < most || !makes(app, modality) {
			continue
		}
		if points > most {
			most, found, rationale = points, nil, Explain(app, hits)
		}
		found = append(found, app)
	}
	return found, rationale
}
