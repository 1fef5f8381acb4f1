package platform

import (
	"time"
)

const lightfastMaxContents = 50 // ids in one request

// A lightfastContent is a passage in full.
type lightfastContent struct {
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
func (l *lightfast) contents(c *lightfastCall) (any, error) {
	var req struct {
		IDs []string `json:"ids"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if len(req.IDs) < 1 || len(req.IDs) > lightfastMaxContents {
		return nil, lightfastProblems{"ids": {"must hold 1 to 50 ids"}}.err()
	}
	if err := c.checkSources(); err != nil {
		return nil, err
	}
	items, missing := []lightfastContent{}, []string{}
	for _, id := range req.IDs {
		p, ok := c.library.index.Passage(id)
		if !ok {
			missing = append(missing, id)
			continue
		}
		file, title := c.library.files[p.Document], p.Title()
		items = append(items, lightfastContent{
			ID: id, Title: &title, URL: c.library.address(p), Snippet: p.Quote(), Content: p.Text, Source: file.source, Type: kind(p),
			OccurredAt: file.occurredAt, Metadata: map[string]string{"document": p.Document, "actor": file.actor},
		})
	}
	if c.isC() {
		return map[string]any{
			"data": map[string]any{"items": items, "missing": missing}, "meta": map[string]int{"total": len(items)}, "requestId": c.requestID,
		}, nil
	}
	return map[string]any{"items": items, "missing": missing, "requestId": c.requestID}, nil
}

// isC reports whether answers other than to a search are nested too: those of generation b are not.
func (c *lightfastCall) isC() bool { return c.generation.nested && !c.generation.workspace }
