package lightfast

import (
	"slices"

	"github.com/uselamina/lamina/internal/platform/lightfast/search"
)

// An edge joins two passages: one links to the other (references), or the other opens the guide of the one (part_of).
type edge struct {
	Source     string  `json:"source"`
	Target     string  `json:"target"`
	Type       string  `json:"type"`
	LinkingKey string  `json:"linkingKey"`
	Confidence float64 `json:"confidence"`

	from, to *search.Passage
}

// edges returns all edges. Their confidence is 1, because they follow from links in the guides.
func (lib *library) edges() []edge {
	var all []edge
	join := func(from, to *search.Passage, kind, key string) {
		all = append(all, edge{Source: from.ID, Target: to.ID, Type: kind, LinkingKey: key, Confidence: 1, from: from, to: to})
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

// A relatedPassage is a passage with an edge to another.
type relatedPassage struct {
	result
	RelationshipType string `json:"relationshipType"`
	Direction        string `json:"direction"`
}

// related answers POST /related.
func (s *server) related(c *call) (any, error) {
	var req struct {
		ID string `json:"id"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.ID == "" {
		return nil, fieldErrors{"id": {"must not be empty"}}.err()
	}
	origin, err := c.passage(req.ID, "")
	if err != nil {
		return nil, err
	}
	all, bySource := []relatedPassage{}, map[string][]relatedPassage{}
	for _, e := range c.library.edges() {
		other, direction := e.to, "outgoing"
		if e.to == origin {
			other, direction = e.from, "incoming"
		}
		if e.from != origin && e.to != origin {
			continue
		}
		r := relatedPassage{c.library.result(other, other.Quote(), e.Confidence), e.Type, direction}
		all, bySource[r.Source] = append(all, r), append(bySource[r.Source], r)
	}
	return map[string]any{
		"data":      map[string]any{"source": c.library.origin(origin), "related": all, "bySource": bySource},
		"meta":      map[string]any{"total": len(all), "took": c.took()},
		"requestId": c.requestID,
	}, nil
}

// A node is a passage in a graph.
type node struct {
	result
	IsRoot bool `json:"isRoot"`
}

// graph answers POST /graph.
func (s *server) graph(c *call) (any, error) {
	var req struct {
		ID    string   `json:"id"`
		Depth *int     `json:"depth"`
		Types []string `json:"types"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	problems := fieldErrors{}
	if req.ID == "" {
		problems.add("id", "must not be empty")
	}
	depth := problems.bounded("depth", req.Depth, 2, 1, 3)
	if err := problems.err(); err != nil {
		return nil, err
	}
	root, err := c.passage(req.ID, "")
	if err != nil {
		return nil, err
	}
	passages, edges := c.library.reach(root, depth, req.Types)
	nodes := []node{}
	for _, p := range passages {
		nodes = append(nodes, node{c.library.result(p, p.Quote(), 1), p == root})
	}
	return map[string]any{
		"data":      map[string]any{"root": c.library.origin(root), "nodes": nodes, "edges": edges},
		"meta":      map[string]any{"depth": depth, "nodeCount": len(nodes), "edgeCount": len(edges), "took": c.took()},
		"requestId": c.requestID,
	}, nil
}

// reach returns the passages at a distance of at most depth edges from root, and the edges between them.
func (lib *library) reach(root *search.Passage, depth int, types []string) ([]*search.Passage, []edge) {
	all := slices.DeleteFunc(lib.edges(), func(e edge) bool { return len(types) > 0 && !slices.Contains(types, e.Type) })
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
	between := []edge{}
	for _, e := range all {
		if slices.Contains(reached, e.from) && slices.Contains(reached, e.to) {
			between = append(between, e)
		}
	}
	return reached, between
}
