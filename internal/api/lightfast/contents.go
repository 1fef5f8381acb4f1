package lightfast

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/uselamina/lamina/internal/api/loose"
)

// maxContents is how many documents one request may ask for.
const maxContents = 50

// A Content is a document in full.
type Content struct {
	ID         string `json:"id"`
	Title      string `json:"title"` // may be empty
	URL        string `json:"url"`
	Snippet    string `json:"snippet"`
	Content    string `json:"content"`
	Source     string `json:"source"`
	Type       string `json:"type"`
	OccurredAt string `json:"occurredAt"`
}

// Contents are documents, and the ids that no document has.
type Contents struct {
	Items    []Content
	RawItems []json.RawMessage // the items as they came
	Missing  []string
	Raw      json.RawMessage // the answer as it came; nil if it took several
}

// Contents fetches documents by their ids, in as many requests as that takes.
func (c *Client) Contents(ctx context.Context, ids []string) (*Contents, error) {
	if err := c.searches(); err != nil {
		return nil, err
	}
	all := &Contents{}
	for some := range slices.Chunk(ids, maxContents) {
		part, err := post(ctx, c, "/contents", map[string][]string{"ids": some}, readContents)
		if err != nil {
			return nil, err
		}
		all.Items, all.RawItems = append(all.Items, part.Items...), append(all.RawItems, part.RawItems...)
		all.Raw = part.Raw
	}
	if len(ids) > maxContents {
		all.Raw = nil
	}
	all.Missing = missing(ids, all.Items)
	return all, nil
}

// missing are the ids that none of the documents has. Whether the service names them too depends on the generation.
func missing(ids []string, items []Content) []string {
	var none []string
	for _, id := range ids {
		if !slices.ContainsFunc(items, func(c Content) bool { return c.ID == id }) && !slices.Contains(none, id) {
			none = append(none, id)
		}
	}
	return none
}

// readContents reads documents in any shape: items, or those in data.
func readContents(raw json.RawMessage) (*Contents, error) {
	list, err := listOf(raw, "items", "results", "data", "documents")
	if err != nil {
		return nil, err
	}
	items, err := loose.Items[Content](list)
	return &Contents{Items: items, RawItems: list, Raw: raw}, err
}
