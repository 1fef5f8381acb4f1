package lightfast

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/uselamina/lamina/internal/api/loose"
)

// MaxSimilar is the largest number of similar documents.
const MaxSimilar = 50

// A SimilarQuery is a search for documents that are similar to the one with ID or URL.
type SimilarQuery struct {
	ID             string   `json:"id,omitempty"`
	URL            string   `json:"url,omitempty"`
	Limit          int      `json:"limit,omitempty"`     // 1 to MaxSimilar
	Threshold      *float64 `json:"threshold,omitempty"` // the lowest score, 0 to 1; nil means the default of the service
	SameSourceOnly bool     `json:"sameSourceOnly,omitempty"`
	ExcludeIDs     []string `json:"excludeIds,omitempty"`
}

// A Similar is the result of a search for similar documents.
type Similar struct {
	Title   string // of the document that the results are similar to; may be empty
	Results []Result
	Raw     json.RawMessage
}

// Similar returns similar documents.
func (c *Client) Similar(ctx context.Context, q SimilarQuery) (*Similar, error) {
	if err := c.checkSearch(); err != nil {
		return nil, err
	}
	path := "/findsimilar"
	if c.generation() == A {
		path = "/similar"
	}
	return post(ctx, c, path, q, readSimilar)
}

// readSimilar decodes similar documents: in similar, or in data.similar.
func readSimilar(raw json.RawMessage) (*Similar, error) {
	list, err := listOf(raw, "similar", "results", "data", "items")
	if err != nil {
		return nil, err
	}
	type source struct {
		Source struct {
			Title string `json:"title"`
		} `json:"source"`
	}
	var w struct {
		source
		Data source `json:"data"`
	}
	_ = loose.Unmarshal(raw, &w) // listOf has checked raw
	return &Similar{Title: cmp.Or(w.Data.Source.Title, w.Source.Title), Results: loose.Items[Result](list), Raw: raw}, nil
}
