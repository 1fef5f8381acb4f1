package lightfast

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/uselamina/lamina/internal/api/loose"
)

// maxContents is the largest number of documents in one request.
const maxContents = 50

// A Content is a document with its content.
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

// Contents are the documents with the requested ids.
type Contents struct {
	Items    []Content
	RawItems []json.RawMessage // the items as JSON
	Missing  []string          // ids without a document
	Raw      json.RawMessage   // the response; nil if there were several
}

// Contents returns documents by id. It sends several requests for many ids.
func (c *Client) Contents(ctx context.Context, ids []string) (*Contents, error) {
	if err := c.checkSearch(); err != nil {
		return nil, err
	}
	all := &Contents{}
	for chunk := range slices.Chunk(ids, maxContents) {
		part, err := post(ctx, c, "/contents", map[string][]string{"ids": chunk}, readContents)
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

// missing returns the ids without a document. Not every generation of the API returns them.
func missing(ids []string, items []Content) []string {
	var none []string
	for _, id := range ids {
		if !slices.ContainsFunc(items, func(c Content) bool { return c.ID == id }) && !slices.Contains(none, id) {
			none = append(none, id)
		}
	}
	return none
}

// readContents decodes documents: in items, or in data.items.
func readContents(raw json.RawMessage) (*Contents, error) {
	list, err := listOf(raw, "items", "results", "data", "documents")
	if err != nil {
		return nil, err
	}
	return &Contents{Items: loose.Items[Content](list), RawItems: list, Raw: raw}, nil
}
