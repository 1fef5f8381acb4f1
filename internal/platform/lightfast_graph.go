package platform

import (
	"slices"

	"github.com/uselamina/lamina/internal/platform/search"
)

// A lightfastEdge joins two passages: one links to the other (references), or belongs to the guide that it opens (part_of).
type lightfastEdge struct {
	Source     string  `json:"source"`
	Target     string  `json:"target"`
	Type       string  `json:"type"`
	LinkingKey string  `json:"linkingKey"`
	Confidence float64 `json:"confidence"`

	from, to *search.Passage
}

// edges returns all that joins passages. What is joined stands in the guides, so that each is certain.
func (lib *lightfastLibrary) edges() []lightfastEdge {
	var all []lightfastEdge
	join := func(from, to *search.Passage, kind, key string) {
		all = append(all, lightfastEdge{Source: from.ID, Target: to.ID, Type: kind, LinkingKey: key, Confidence: 1, from: from, to: to})
	}
	for _, p := range lib.index.Passages() {
		for _, link := range p.Links {
			if to, ok := lib.index.Linked(link); ok && to != p {
				join(p, to, "references", link.Label)
			}
		}
		if opening, ok := lib.index.Linked(search.Link{Document: p.Document}); ok && opening != p {
			join(p, opening, "part_of", p.Document)
		}
	}
	return all
}

// A lightfastRelated is a passage that is joined with another.
type lightfastRelated struct {
	lightfastResult
	RelationshipType string `json:"relationshipType"`
	Direction        string `json:"direction"`
}

// related answers POST /related.
func (l *lightfast) related(c *lightfastCall) (any, error) {
	var req struct {
		ID string `json:"id"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.ID == "" {
		return nil, lightfastProblems{"id": {"must not be empty"}}.err()
	}
	origin, err := c.passage(req.ID, "")
	if err != nil {
		return nil, err
	}
	all, bySource := []lightfastRelated{}, map[string][]lightfastRelated{}
	for _, e := range c.library.edges() {
		other, direction := e.to, "outgoing"
		if e.to == origin {
			other, direction = e.from, "incoming"
		}
		if e.from != origin && e.to != origin {
			continue
		}
		r := lightfastRelated{c.library.result(other, other.Quote(), e.Confidence), e.Type, direction}
		all, bySource[r.Source] = append(all, r), append(bySource[r.Source], r)
	}
	return map[string]any{
		"data":      map[string]any{"source": c.library.origin(origin), "related": all, "bySource": bySource},
		"meta":      map[string]any{"total": len(all), "took": c.took()},
		"requestId": c.requestID,
	}, nil
}

// A lightfastNode is a passage in a graph.
type lightfastNode struct {
	lightfastResult
	IsRoot bool `json:"isRoot"`
}

// graph answers POST /graph.
func (l *lightfast) graph(c *lightfastCall) (any, error) {
	var req struct {
		ID    string   `json:"id"`
		Depth *int     `json:"depth"`
		Types []string `json:"types"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	problems := lightfastProblems{}
	if req.ID == "" {
		problems.add("id", "must not be empty")
	}
	depth := problems.within("depth", req.Depth, 2, 1, 3)
	if err := problems.err(); err != nil {
		return nil, err
	}
	root, err := c.passage(req.ID, "")
	if err != nil {
		return nil, err
	}
	passages, edges := c.library.reach(root, depth, req.Types)
	nodes := []lightfastNode{}
	for _, p := range passages {
		nodes = append(nodes, lightfastNode{c.library.result(p, p.Quote(), 1), p == root})
	}
	return map[string]any{
		"data":      map[string]any{"root": c.library.origin(root), "nodes": nodes, "edges": edges},
		"meta":      map[string]any{"depth": depth, "nodeCount": len(nodes), "edgeCount": len(edges), "took": c.took()},
		"requestId": c.requestID,
	}, nil
}

// reach returns the passages that are at most depth edges away from root, and the edges between them.
func (lib *lightfastLibrary) reach(root *search.Passage, depth int, types []string) ([]*search.Passage, []lightfastEdge) {
	all := slices.DeleteFunc(lib.edges(), func(e lightfastEdge) bool { return len(types) > 0 && !slices.Contains(types, e.Type) })
	reached := []*search.Passage{root}
	for range depth {
		next := reached
		for _, e := range all {
			if slices.Contains(reached, e.from) && !slices.Contains(next, e.to) {
				next = append(next, e.to)
			} else if slices.Contains(reached, e.to) && !slices.Contains(next, e.from) {
				next = append(next, e.from)
			}
		}
		reached = next
	}
	between := []lightfastEdge{}
	for _, e := range all {
		if slices.Contains(reached, e.from) && slices.Contains(reached, e.to) {
			between = append(between, e)
		}
	}
	return reached, between
}
