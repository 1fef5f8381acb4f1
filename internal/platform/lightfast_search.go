package platform

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/search"
)

// A lightfastSearch is the body of a search. Which of the filters count depends on the generation.
type lightfastSearch struct {
	Query             string  `json:"query"`
	Limit             *int    `json:"limit"`
	Offset            *int    `json:"offset"`
	Mode              *string `json:"mode"`
	IncludeContext    *bool   `json:"includeContext"`
	IncludeHighlights *bool   `json:"includeHighlights"`
	IncludeRationale  bool    `json:"includeRationale"`
	lightfastFlatFilters
	Filters lightfastNestedFilters `json:"filters"`
}

// lightfastFlatFilters are those of generation d.
type lightfastFlatFilters struct {
	Sources []string `json:"sources"`
	Types   []string `json:"types"`
	After   string   `json:"after"`
	Before  string   `json:"before"`
}

// lightfastNestedFilters are those of generations b and c.
type lightfastNestedFilters struct {
	SourceTypes      []string `json:"sourceTypes"`
	ObservationTypes []string `json:"observationTypes"`
	ActorNames       []string `json:"actorNames"`
	DateRange        struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"dateRange"`
}

func (f lightfastFlatFilters) filter(problems lightfastProblems) lightfastFilter {
	return lightfastFilter{
		sources: f.Sources, types: f.Types,
		after: lightfastTime(problems, "after", f.After, false), before: lightfastTime(problems, "before", f.Before, true),
	}
}

func (f lightfastNestedFilters) filter(problems lightfastProblems) lightfastFilter {
	return lightfastFilter{
		sources: f.SourceTypes, types: f.ObservationTypes, actors: f.ActorNames,
		after:  lightfastTime(problems, "filters.dateRange.start", f.DateRange.Start, false),
		before: lightfastTime(problems, "filters.dateRange.end", f.DateRange.End, true),
	}
}

// lightfastTime reads a time in ISO 8601. A day alone is its first moment, or its last one where it ends something.
func lightfastTime(problems lightfastProblems, field, text string, end bool) time.Time {
	if text == "" {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		problems.add(field, "must be a time in ISO 8601, as 2026-01-31T12:00:00Z")
	}
	if end {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	return day
}

// A lightfastQuery is a search that was understood.
type lightfastQuery struct {
	lightfastSearch
	limit, offset int
	mode          search.Mode
	filter        lightfastFilter
}

// understand checks a search, and tells everything that is wrong with it.
func (c *lightfastCall) understand() (lightfastQuery, error) {
	var q lightfastQuery
	if err := c.decode(&q.lightfastSearch); err != nil {
		return q, err
	}
	problems := lightfastProblems{}
	if strings.TrimSpace(q.Query) == "" {
		problems.add("query", "must not be empty")
	}
	q.limit = problems.within("limit", q.Limit, 10, 1, 100)
	q.mode = search.Balanced
	if c.generation.limit == 0 { // generation a knows neither pages nor modes nor filters
		q.offset = problems.within("offset", q.Offset, 0, 0, math.MaxInt32)
		q.mode = c.mode(problems, q.Mode)
		if c.generation.nested {
			q.filter = q.Filters.filter(problems)
		} else {
			q.filter = q.lightfastFlatFilters.filter(problems)
		}
	}
	return q, problems.err()
}

func (c *lightfastCall) mode(problems lightfastProblems, name *string) search.Mode {
	if name == nil {
		return search.Balanced
	}
	switch mode := search.Mode(*name); {
	case mode == search.Fast, mode == search.Balanced, mode == search.Thorough:
		return mode
	case c.generation.nested && mode == "quality": // what a client of that time calls it
		return search.Thorough
	}
	problems.add("mode", "must be fast, balanced or thorough")
	return search.Balanced
}

// A lightfastResult is one result of a search.
type lightfastResult struct {
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	Snippet    string    `json:"snippet"`
	Score      float64   `json:"score"`
	Source     string    `json:"source"`
	Type       string    `json:"type"`
	URL        string    `json:"url"`
	OccurredAt time.Time `json:"occurredAt"`
	Rationale  string    `json:"rationale,omitempty"` // generation a
}

func (lib *lightfastLibrary) result(p *search.Passage, snippet string, score float64) lightfastResult {
	file := lib.files[p.Document]
	return lightfastResult{
		ID: p.ID, Title: p.Title(), Snippet: snippet, Score: rounded(score), Source: file.source, Type: kind(p), URL: lib.address(p),
		OccurredAt: file.occurredAt,
	}
}

// rounded keeps four digits, which is more than a score is worth.
func rounded(score float64) float64 { return math.Round(score*1e4) / 1e4 }

// search answers POST /search.
func (l *lightfast) search(c *lightfastCall) (any, error) {
	q, err := c.understand()
	if err != nil {
		return nil, err
	}
	if err := c.checkSources(); err != nil {
		return nil, err
	}
	hits := c.library.index.Search(q.Query, q.mode, func(p *search.Passage) bool { return q.filter.allows(c.library, p) })
	page := hits[min(q.offset, len(hits)):min(q.offset+q.limit, len(hits))]
	if c.generation.nested {
		return c.nestedResults(q, page, len(hits)), nil
	}
	results := []lightfastResult{}
	for _, h := range page {
		r := c.library.result(h.Passage, h.Snippet(), h.Score)
		if c.generation.limit > 0 && q.IncludeRationale {
			r.Rationale = "It has the words: " + strings.Join(h.Found(), ", ")
		}
		results = append(results, r)
	}
	return map[string]any{"results": results, "total": len(hits), "requestId": c.requestID}, nil
}

// A lightfastObservation is one result of a search of generations b and c.
type lightfastObservation struct {
	lightfastResult
	Entities          []lightfastEntity    `json:"entities"`
	References        []lightfastReference `json:"references"`
	Highlights        *lightfastHighlights `json:"highlights,omitempty"`
	LatestAction      string               `json:"latestAction"`
	TotalEvents       int                  `json:"totalEvents"`
	SignificanceScore float64              `json:"significanceScore"`
}

// A lightfastEntity is something that a passage names: here, a piece of code.
type lightfastEntity struct {
	Key      string `json:"key"`
	Category string `json:"category"`
}

// A lightfastReference leads from a passage to another.
type lightfastReference struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	URL   string `json:"url"`
	Label string `json:"label"`
}

type lightfastHighlights struct {
	Title   string `json:"title"`
	Snippet string `json:"snippet"`
}

// A lightfastCluster is a guide that some results are of.
type lightfastCluster struct {
	Topic    string   `json:"topic"`
	Summary  string   `json:"summary"`
	Keywords []string `json:"keywords"`
}

// asked reads a switch that is on unless it was turned off.
func asked(on *bool) bool { return on == nil || *on }

func (c *lightfastCall) nestedResults(q lightfastQuery, page []search.Hit, total int) any {
	found := c.took()
	data := []lightfastObservation{}
	for _, h := range page {
		data = append(data, c.library.observation(h, asked(q.IncludeHighlights)))
	}
	reply := map[string]any{
		"data": data,
		"meta": map[string]any{
			"total": total, "limit": q.limit, "offset": q.offset, "took": c.took(), "mode": q.mode,
			"paths": map[string]bool{"vector": true, "entity": false, "cluster": asked(q.IncludeContext)},
		},
		"latency":   map[string]float64{"total": c.took(), "search": found},
		"requestId": c.requestID,
	}
	if asked(q.IncludeContext) {
		reply["context"] = map[string]any{"clusters": c.library.clusters(page)}
	}
	return reply
}

func (lib *lightfastLibrary) observation(h search.Hit, highlights bool) lightfastObservation {
	o := lightfastObservation{
		lightfastResult: lib.result(h.Passage, h.Snippet(), h.Score),
		Entities:        []lightfastEntity{}, References: []lightfastReference{},
		LatestAction: "written", TotalEvents: 1, SignificanceScore: rounded(h.Score),
	}
	for _, code := range h.Passage.Code() {
		o.Entities = append(o.Entities, lightfastEntity{Key: code, Category: "code"})
	}
	for _, link := range h.Passage.Links {
		if p, ok := lib.index.Linked(link); ok {
			o.References = append(o.References, lightfastReference{Type: kind(p), ID: p.ID, URL: lib.address(p), Label: link.Label})
		}
	}
	if highlights {
		o.Highlights = &lightfastHighlights{Title: h.HighlightTitle("<mark>", "</mark>"), Snippet: h.Highlight("<mark>", "</mark>")}
	}
	return o
}

// clusters are the guides of some results, in their order.
func (lib *lightfastLibrary) clusters(page []search.Hit) []lightfastCluster {
	clusters := []lightfastCluster{}
	var seen []string
	for _, h := range page {
		if slices.Contains(seen, h.Passage.Document) {
			continue
		}
		seen = append(seen, h.Passage.Document)
		passages := lib.guide(h.Passage.Document)
		clusters = append(clusters, lightfastCluster{
			Topic: h.Passage.Guide, Summary: passages[0].Quote(), Keywords: lib.index.Keywords(passages, 5),
		})
	}
	return clusters
}
