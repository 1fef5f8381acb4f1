package lightfast

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/uselamina/lamina/internal/api/loose"
)

// MaxLimit is the largest number of results on one page.
const MaxLimit = 100

// A Query is a search.
type Query struct {
	Text   string
	Limit  int    // of a page, 1 to MaxLimit
	Offset int    // number of results to skip
	Mode   string // fast, balanced or thorough; empty means the default of the service
	Filters
}

// Filters restrict a search. An empty field does not.
type Filters struct {
	Sources []string // such as github
	Types   []string // such as pull_request
	Actors  []string // names of people
	After   string   // ISO 8601
	Before  string
}

// A Result is a document that was found.
type Result struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	Snippet    string  `json:"snippet"`
	Score      float64 `json:"score"` // 0 to 1
	Source     string  `json:"source"`
	Type       string  `json:"type"`
	URL        string  `json:"url"`
	OccurredAt string  `json:"occurredAt"` // ISO 8601
}

// A Page is a page of results.
type Page struct {
	Results []Result
	Items   []json.RawMessage // the results as JSON
	Total   int               // number of all results; -1 if unknown
	Raw     json.RawMessage   // the response
}

// flatQuery is the body for generation d. Generation a has its first two fields.
type flatQuery struct {
	Query   string   `json:"query"`
	Limit   int      `json:"limit,omitempty"`
	Offset  int      `json:"offset,omitempty"`
	Mode    string   `json:"mode,omitempty"`
	Sources []string `json:"sources,omitempty"`
	Types   []string `json:"types,omitempty"`
	After   string   `json:"after,omitempty"`
	Before  string   `json:"before,omitempty"`
}

// nestedQuery is the body for generations b and c.
type nestedQuery struct {
	Query   string         `json:"query"`
	Limit   int            `json:"limit,omitempty"`
	Offset  int            `json:"offset,omitempty"`
	Mode    string         `json:"mode,omitempty"`
	Filters *nestedFilters `json:"filters,omitempty"`
}

type nestedFilters struct {
	SourceTypes      []string   `json:"sourceTypes,omitempty"`
	ObservationTypes []string   `json:"observationTypes,omitempty"`
	ActorNames       []string   `json:"actorNames,omitempty"`
	DateRange        *dateRange `json:"dateRange,omitempty"`
}

type dateRange struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

func (f Filters) nested() *nestedFilters {
	n := &nestedFilters{SourceTypes: f.Sources, ObservationTypes: f.Types, ActorNames: f.Actors}
	if f.After != "" || f.Before != "" {
		n.DateRange = &dateRange{Start: f.After, End: f.Before}
	}
	if len(f.Sources)+len(f.Types)+len(f.Actors) == 0 && n.DateRange == nil {
		return nil
	}
	return n
}

// Check returns an *UnsupportedError if the generation does not support the query.
func (c *Client) Check(q Query) error {
	if err := c.checkSearch(); err != nil {
		return err
	}
	g := c.generation()
	filtered := len(q.Sources)+len(q.Types) > 0 || q.After != "" || q.Before != ""
	switch {
	case len(q.Actors) > 0 && (g == A || g == D):
		return &UnsupportedError{g, "filter by actor"}
	case g == A && q.Offset > 0:
		return &UnsupportedError{g, "offset"}
	case g == A && q.Mode != "":
		return &UnsupportedError{g, "choice of mode"}
	case g == A && filtered:
		return &UnsupportedError{g, "filter"}
	}
	return nil
}

func (c *Client) body(q Query) any {
	if g := c.generation(); g == B || g == C {
		return nestedQuery{Query: q.Text, Limit: q.Limit, Offset: q.Offset, Mode: q.Mode, Filters: q.nested()}
	}
	return flatQuery{
		Query: q.Text, Limit: q.Limit, Offset: q.Offset, Mode: q.Mode, Sources: q.Sources, Types: q.Types, After: q.After, Before: q.Before,
	}
}

// Search returns one page of results. The errors are those of api.Client.Do, and *UnsupportedError.
func (c *Client) Search(ctx context.Context, q Query) (*Page, error) {
	if err := c.Check(q); err != nil {
		return nil, err
	}
	return post(ctx, c, "/search", c.body(q), readPage)
}

// Pages returns the pages from q.Offset on, up to the last one or to limit results. If the number of all results is unknown, a page
// that is not full is the last one.
func (c *Client) Pages(ctx context.Context, q Query, limit int) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		size := q.Limit
		for seen := 0; seen < limit; {
			q.Limit = min(size, limit-seen)
			page, err := c.Search(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			n := len(page.Results)
			seen, q.Offset = seen+n, q.Offset+n
			atEnd := n == 0 || page.Total >= 0 && q.Offset >= page.Total || page.Total < 0 && n < q.Limit
			if !yield(page, nil) || atEnd || c.generation() == A { // generation a has one page only
				return
			}
		}
	}
}

// readPage decodes a page: results and total, or data and meta.total, or these in data.
func readPage(raw json.RawMessage) (*Page, error) {
	list, err := listOf(raw, "results", "data", "items")
	if err != nil {
		return nil, err
	}
	return &Page{Results: loose.Items[Result](list), Items: list, Total: totalOf(raw), Raw: raw}, nil
}

// totals are the places of the number of all results.
type totals struct {
	Total loose.Number `json:"total"`
	Meta  struct {
		Total loose.Number `json:"total"`
	} `json:"meta"`
}

// totalOf returns the number of all results, -1 if the response does not contain it.
func totalOf(raw json.RawMessage) int {
	var w struct {
		totals
		Data totals `json:"data"`
	}
	_ = loose.Unmarshal(raw, &w) // listOf has checked raw
	for _, n := range []loose.Number{w.Total, w.Meta.Total, w.Data.Total, w.Data.Meta.Total} {
		if total, ok := n.Count(); ok {
			return int(total)
		}
	}
	return -1
}

// listOf returns the first list with one of the names. The response must be an object.
func listOf(raw json.RawMessage, names ...string) ([]json.RawMessage, error) {
	object, err := loose.Object(raw)
	if err != nil {
		return nil, err
	}
	return loose.List(object, names...)
}
