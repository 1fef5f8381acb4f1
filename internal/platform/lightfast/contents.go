package lightfast

import "time"

const maxContents = 50 // ids in one request

// A content is a passage in full.
type content struct {
	ID         string            `json:"id"`
	Title      *string           `json:"title"`
	URL        string            `json:"url"`
	Snippet    string            `json:"snippet"`
	Content    string            `json:"content"`
	Source     string            `json:"source"`
	Type       string            `json:"type"`
	OccurredAt time.Time         `json:"occurredAt"`
	Metadata   map[string]string `json:"metadata"`
}

// contents answers POST /contents.
func (s *server) contents(c *call) (any, error) {
	var req struct {
		IDs []string `json:"ids"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if len(req.IDs) < 1 || len(req.IDs) > maxContents {
		return nil, fieldErrors{"ids": {"must hold 1 to 50 ids"}}.err()
	}
	if err := c.checkSources(); err != nil {
		return nil, err
	}
	items, missing := []content{}, []string{}
	for _, id := range req.IDs {
		p, ok := c.library.index.Passage(id)
		if !ok {
			missing = append(missing, id)
			continue
		}
		doc, title := c.library.documents[p.Document], p.Title()
		items = append(items, content{
			ID: id, Title: &title, URL: c.library.address(p), Snippet: p.Quote(), Content: p.Text, Source: doc.source, Type: kind(p),
			OccurredAt: doc.occurredAt, Metadata: map[string]string{"document": p.Document, "actor": doc.actor},
		})
	}
	if c.generation.hasNestedReplies() {
		return map[string]any{
			"data": map[string]any{"items": items, "missing": missing}, "meta": map[string]int{"total": len(items)}, "requestId": c.requestID,
		}, nil
	}
	return map[string]any{"items": items, "missing": missing, "requestId": c.requestID}, nil
}
