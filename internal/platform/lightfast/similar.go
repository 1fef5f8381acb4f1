package lightfast

import (
	"math"

	"slices"

	"github.com/uselamina/lamina/internal/platform/lightfast/search"
)

// A similarRequest is the body of a search for similar passages.
type similarRequest struct {
	ID             string   `json:"id"`
	URL            string   `json:"url"`
	Limit          *int     `json:"limit"`
	Threshold      *float64 `json:"threshold"`
	SameSourceOnly bool     `json:"sameSourceOnly"`
	ExcludeIDs     []string `json:"excludeIds"`
	flatFilters
	Filters nestedFilters `json:"filters"`
}

// A similarPassage is a passage that is similar to another. Generations differ in the name of the similarity.
type similarPassage struct {
	result
	VectorSimilarity *float64 `json:"vectorSimilarity,omitempty"`
	Similarity       *float64 `json:"similarity,omitempty"`
	EntityOverlap    float64  `json:"entityOverlap"`
	SameCluster      bool     `json:"sameCluster"`
}

// An originPassage is the passage that others are similar or related to.
type originPassage struct {
	ID      string         `json:"id"`
	Title   string         `json:"title"`
	Type    string         `json:"type"`
	Cluster *originCluster `json:"cluster,omitempty"`
}

type originCluster struct {
	Topic       string `json:"topic"`
	MemberCount int    `json:"memberCount"`
}

func (lib *library) origin(p *search.Passage) originPassage {
	return originPassage{
		ID: p.ID, Title: p.Title(), Type: kind(p),
		Cluster: &originCluster{Topic: p.Guide, MemberCount: len(lib.guide(p.Document))},
	}
}

// findSimilar answers POST /findsimilar.
func (s *server) findSimilar(c *call) (any, error) {
	var req similarRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	problems := fieldErrors{}
	if (req.ID == "") == (req.URL == "") {
		problems.add("id", "give either id or url")
	}
	limit := problems.bounded("limit", req.Limit, 10, 1, 50)
	threshold := 0.5
	if req.Threshold != nil {
		threshold = *req.Threshold
	}
	if threshold < 0 || threshold > 1 || math.IsNaN(threshold) {
		problems.add("threshold", "must be between 0 and 1")
	}
	filter := req.flatFilters.filter(problems)
	if c.generation.isNested {
		filter = req.Filters.filter(problems)
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	origin, err := c.passage(req.ID, req.URL)
	if err != nil {
		return nil, err
	}
	similar := []similarPassage{}
	for _, n := range c.library.index.Similar(origin) {
		other := c.library.documents[n.Passage.Document]
		if n.Score() < threshold || len(similar) == limit || slices.Contains(req.ExcludeIDs, n.Passage.ID) ||
			req.SameSourceOnly && other.source != c.library.documents[origin.Document].source || !filter.allows(c.library, n.Passage) {
			continue
		}
		similar = append(similar, c.similar(origin, n))
	}
	return c.similarReply(origin, similar), nil
}

// passage returns the passage with an id or an address.
func (c *call) passage(id, address string) (*search.Passage, error) {
	if err := c.checkSources(); err != nil {
		return nil, err
	}
	p, ok := c.library.index.Passage(id)
	if id == "" {
		p, ok = c.library.at(address)
	}
	if !ok {
		return nil, notFound("There is no such document in this organization")
	}
	return p, nil
}

func (c *call) similar(origin *search.Passage, n search.Neighbour) similarPassage {
	likeness := rounded(n.Cosine)
	found := similarPassage{
		result:        c.library.result(n.Passage, n.Passage.Quote(), n.Score()),
		EntityOverlap: rounded(n.Shared), SameCluster: n.Passage.Document == origin.Document,
	}
	if c.generation.hasNestedReplies() {
		found.Similarity = &likeness
	} else {
		found.VectorSimilarity = &likeness
	}
	return found
}

func (c *call) similarReply(origin *search.Passage, similar []similarPassage) any {
	meta := map[string]any{
		"total": len(similar), "took": c.took(), "inputEmbedding": map[string]bool{"found": true, "generated": false},
	}
	if c.generation.hasNestedReplies() {
		return map[string]any{
			"data": map[string]any{"source": c.library.origin(origin), "similar": similar}, "meta": meta, "requestId": c.requestID,
		}
	}
	return map[string]any{"source": c.library.origin(origin), "similar": similar, "meta": meta, "requestId": c.requestID}
}
