package lightfast

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/lightfast/search"
)

// A searchRequest is the body of a search. The generation decides which of the filters apply.
type searchRequest struct {
	Query             string  `json:"query"`
	Limit             *int    `json:"limit"`
	Offset            *int    `json:"offset"`
	Mode              *string `json:"mode"`
	IncludeContext    *bool   `json:"includeContext"`
	IncludeHighlights *bool   `json:"includeHighlights"`
	IncludeRationale  bool    `json:"includeRationale"`
	flatFilters
	Filters nestedFilters `json:"filters"`
}

// flatFilters are the filters of generation d.
type flatFilters struct {
	Sources []string `json:"sources"`
	Types   []string `json:"types"`
	After   string   `json:"after"`
	Before  string   `json:"before"`
}

// nestedFilters are the filters of generations b and c.
type nestedFilters struct {
	SourceTypes      []string `json:"sourceTypes"`
	ObservationTypes []string `json:"observationTypes"`
	ActorNames       []string `json:"actorNames"`
	DateRange        struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"dateRange"`
}

func (f flatFilters) filter(problems fieldErrors) filter {
	return filter{
		sources: f.Sources, types: f.Types,
		after: parseTime(problems, "after", f.After, false), before: parseTime(problems, "before", f.Before, true),
	}
}

func (f nestedFilters) filter(problems fieldErrors) filter {
	return filter{
		sources: f.SourceTypes, types: f.ObservationTypes, actors: f.ActorNames,
		after:  parseTime(problems, "filters.dateRange.start", f.DateRange.Start, false),
		before: parseTime(problems, "filters.dateRange.end", f.DateRange.End, true),
	}
}

// parseTime reads a time in ISO 8601. A date without a time is its first moment, or its last moment if end is set.
func parseTime(problems fieldErrors, field, text string, end bool) time.Time {
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

// A query is a validated search.
type query struct {
	searchRequest
	limit, offset int
	mode          search.Mode
	filter        filter
}

// readQuery reads and validates a search. Its error names all mistakes.
func (c *call) readQuery() (query, error) {
	var q query
	if err := c.decode(&q.searchRequest); err != nil {
		return q, err
	}
	problems := fieldErrors{}
	if strings.TrimSpace(q.Query) == "" {
		problems.add("query", "must not be empty")
	}
	q.limit = problems.bounded("limit", q.Limit, 10, 1, 100)
	q.mode = search.Balanced
	if c.generation.limit == 0 { // generation a has no pages, modes or filters
		q.offset = problems.bounded("offset", q.Offset, 0, 0, math.MaxInt32)
		q.mode = c.mode(problems, q.Mode)
		if c.generation.isNested {
			q.filter = q.Filters.filter(problems)
		} else {
			q.filter = q.flatFilters.filter(problems)
		}
	}
	return q, problems.err()
}

func (c *call) mode(problems fieldErrors, name *string) search.Mode {
	if name == nil {
		return search.Balanced
	}
	switch mode := search.Mode(*name); {
	case mode == search.Fast, mode == search.Balanced, mode == search.Thorough:
		return mode
	case c.generation.isNested && mode == "quality": // the name in a client of that generation
		return search.Thorough
	}
	problems.add("mode", "must be fast, balanced or thorough")
	return search.Balanced
}

// A result is one result of a search.
type result struct {
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	Snippet    string    `json:"snippet"`
	Score      float64   `json:"score"`
	Source     string    `json:"source"`
	Type       string    `json:"type"`
	URL        string    `json:"url"`
	OccurredAt time.Time `json:"occurredAt"`
	Rationale  string    `json:"rationale,omitempty"` // only in generation a
}

func (lib *library) result(p *search.Passage, snippet string, score float64) result {
	file := lib.documents[p.Document]
	return result{
		ID: p.ID, Title: p.Title(), Snippet: snippet, Score: rounded(score), Source: file.source, Type: kind(p), URL: lib.address(p),
		OccurredAt: file.occurredAt,
	}
}

// rounded returns a score with four digits.
func rounded(score float64) float64 { return math.Round(score*1e4) / 1e4 }

// search answers POST /search.
func (s *server) search(c *call) (any, error) {
	q, err := c.readQuery()
	if err != nil {
		return nil, err
	}
	if err := c.checkSources(); err != nil {
		return nil, err
	}
	hits := c.library.index.Search(q.Query, q.mode, func(p *search.Passage) bool { return q.filter.allows(c.library, p) })
	page := hits[min(q.offset, len(hits)):min(q.offset+q.limit, len(hits))]
	if c.generation.isNested {
		return c.nestedResults(q, page, len(hits)), nil
	}
	results := []result{}
	for _, h := range page {
		r := c.library.result(h.Passage, h.Snippet(), h.Score)
		if c.generation.limit > 0 && q.IncludeRationale {
			r.Rationale = "It has the words: " + strings.Join(h.Found(), ", ")
		}
		results = append(results, r)
	}
	return map[string]any{"results": results, "total": len(hits), "requestId": c.requestID}, nil
}

// An observation is one result of a search of generations b and c.
type observation struct {
	result
	Entities          []entity    `json:"entities"`
	References        []reference `json:"references"`
	Highlights        *highlights `json:"highlights,omitempty"`
	LatestAction      string      `json:"latestAction"`
	TotalEvents       int         `json:"totalEvents"`
	SignificanceScore float64     `json:"significanceScore"`
}

// An entity is a name in a passage: here, a piece of code.
type entity struct {
	Key      string `json:"key"`
	Category string `json:"category"`
}

// A reference is a link from a passage to another.
type reference struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	URL   string `json:"url"`
	Label string `json:"label"`
}

type highlights struct {
	Title   string `json:"title"`
	Snippet string `json:"snippet"`
}

// A cluster is a guide with some of the results.
type cluster struct {
	Topic    string   `json:"topic"`
	Summary  string   `json:"summary"`
	Keywords []string `json:"keywords"`
}

// isOn returns the value of an option that is on by default.
func isOn(option *bool) bool { return option == nil || *option }

func (c *call) nestedResults(q query, page []search.Hit, total int) any {
	found := c.took()
	data := []observation{}
	for _, h := range page {
		data = append(data, c.library.observation(h, isOn(q.IncludeHighlights)))
	}
	reply := map[string]any{
		"data": data,
		"meta": map[string]any{
			"total": total, "limit": q.limit, "offset": q.offset, "took": c.took(), "mode": q.mode,
			"paths": map[string]bool{"vector": true, "entity": false, "cluster": isOn(q.IncludeContext)},
		},
		"latency":   map[string]float64{"total": c.took(), "search": found},
		"requestId": c.requestID,
	}
	if isOn(q.IncludeContext) {
		reply["context"] = map[string]any{"clusters": c.library.clusters(page)}
	}
	return reply
}

func (lib *library) observation(h search.Hit, withHighlights bool) observation {
	o := observation{
		result:   lib.result(h.Passage, h.Snippet(), h.Score),
		Entities: []entity{}, References: []reference{},
		LatestAction: "written", TotalEvents: 1, SignificanceScore: rounded(h.Score),
	}
	for _, code := range h.Passage.Code() {
		o.Entities = append(o.Entities, entity{Key: code, Category: "code"})
	}
	for _, link := range h.Passage.Links {
		if p, ok := lib.index.Linked(link); ok {
			o.References = append(o.References, reference{Type: kind(p), ID: p.ID, URL: lib.address(p), Label: link.Label})
		}
	}
	if withHighlights {
		o.Highlights = &highlights{Title: h.HighlightTitle("<mark>", "</mark>"), Snippet: h.Highlight("<mark>", "</mark>")}
	}
	return o
}

// clusters returns the guides of some results, in their order.
func (lib *library) clusters(page []search.Hit) []cluster {
	clusters := []cluster{}
	var seen []string
	for _, h := range page {
		if slices.Contains(seen, h.Passage.Document) {
			continue
		}
		seen = append(seen, h.Passage.Document)
		passages := lib.guide(h.Passage.Document)
		clusters = append(clusters, cluster{
			Topic: h.Passage.Guide, Summary: passages[0].Quote(), Keywords: lib.index.Keywords(passages, 5),
		})
	}
	return clusters
}
