package lightfast

import (
	"context"
	"encoding/json"
)

// MaxSimilar is the most results that a search for similar documents can have.
const MaxSimilar = 50

// A Likeness is what to find similar documents of: ID or URL.
type Likeness struct {
	ID             string   `json:"id,omitempty"`
	URL            string   `json:"url,omitempty"`
	Limit          int      `json:"limit,omitempty"`     // 1 to MaxSimilar
	Threshold      *float64 `json:"threshold,omitempty"` // the least score, 0 to 1; nil for the service's choice
	SameSourceOnly bool     `json:"sameSourceOnly,omitempty"`
	ExcludeIDs     []string `json:"excludeIds,omitempty"`
}

// A Similar is what is similar to something.
type Similar struct {
	Title   string // of what the others are similar to; may be empty
	Results []Result
	Raw     json.RawMessage
}

// Similar finds documents that are similar to one.
func (c *Client) Similar(ctx context.Context, l Likeness) (*Similar, error) {
	if err := c.searches(); err != nil {
		return nil, err
	}
	path := "/findsimilar"
	if c.generation() == A {
		path = "/similar"
	}
	return post(ctx, c, path, l, readSimilar)
}

// readSimilar reads similar documents in any shape: similar, or that in data.
func readSimilar(raw json.RawMessage) (*Similar, error) {
	e, err := open(raw)
	if err != nil {
		return nil, err
	}
	items, ok := e.list("similar", "results", "data", "items")
	if !ok {
		return nil, errShape
	}
	got := &Similar{Raw: raw}
	for _, level := range e {
		var source struct{ Title string }
		if json.Unmarshal(level["source"], &source) == nil && source.Title != "" {
			got.Title = source.Title
		}
	}
	got.Results, err = decode[Result](items)
	return got, err
}
