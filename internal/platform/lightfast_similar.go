package platform

import (
	"math"
	"net/http"
	"slices"

	"github.com/uselamina/lamina/internal/platform/search"
)

// A lightfastLikeness is the body of a search for what is similar to something.
type lightfastLikeness struct {
	ID             string   `json:"id"`
	URL            string   `json:"url"`
	Limit          *int     `json:"limit"`
	Threshold      *float64 `json:"threshold"`
	SameSourceOnly bool     `json:"sameSourceOnly"`
	ExcludeIDs     []string `json:"excludeIds"`
	lightfastFlatFilters
	Filters lightfastNestedFilters `json:"filters"`
}

// A lightfastSimilar is a passage that is similar to another. The name of the likeness has changed over time.
type lightfastSimilar struct {
	lightfastResult
	VectorSimilarity *float64 `json:"vectorSimilarity,omitempty"`
	Similarity       *float64 `json:"similarity,omitempty"`
	EntityOverlap    float64  `json:"entityOverlap"`
	SameCluster      bool     `json:"sameCluster"`
}

// A lightfastOrigin is what others are similar or related to.
type lightfastOrigin struct {
	ID      string              `json:"id"`
	Title   string              `json:"title"`
	Type    string              `json:"type"`
	Cluster *lightfastInCluster `json:"cluster,omitempty"`
}

type lightfastInCluster struct {
	Topic       string `json:"topic"`
	MemberCount int    `json:"memberCount"`
}

func (lib *lightfastLibrary) origin(p *search.Passage) lightfastOrigin {
	return lightfastOrigin{
		ID: p.ID, Title: p.Title(), Type: kind(p),
		Cluster: &lightfastInCluster{Topic: p.Guide, MemberCount: len(lib.guide(p.Document))},
	}
}

// findSimilar answers POST /findsimilar.
func (l *lightfast) findSimilar(c *lightfastCall) (any, error) {
	var req lightfastLikeness
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	problems := lightfastProblems{}
	if (req.ID == "") == (req.URL == "") {
		problems.add("id", "give either id or url")
	}
	limit := problems.within("limit", req.Limit, 10, 1, 50)
	threshold := 0.5
	if req.Threshold != nil {
		threshold = *req.Threshold
	}
	if threshold < 0 || threshold > 1 || math.IsNaN(threshold) {
		problems.add("threshold", "must be between 0 and 1")
	}
	filter := req.lightfastFlatFilters.filter(problems)
	if c.generation.nested {
		filter = req.Filters.filter(problems)
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	origin, err := c.passage(req.ID, req.URL)
	if err != nil {
		return nil, err
	}
	similar := []lightfastSimilar{}
	for _, n := range c.library.index.Similar(origin) {
		other := c.library.files[n.Passage.Document]
		if n.Score() < threshold || len(similar) == limit || slices.Contains(req.ExcludeIDs, n.Passage.ID) ||
			req.SameSourceOnly && other.source != c.library.files[origin.Document].source || !filter.allows(c.library, n.Passage) {
			continue
		}
		similar = append(similar, c.similar(origin, n))
	}
	return c.similarReply(origin, similar), nil
}

// passage returns the one with an id or an address.
func (c *lightfastCall) passage(id, address string) (*search.Passage, error) {
	if err := c.checkSources(); err != nil {
		return nil, err
	}
	p, ok := c.library.index.Passage(id)
	if id == "" {
		p, ok = c.library.at(address)
	}
	if !ok {
		return nil, &lightfastError{status: http.StatusNotFound, code: "NOT_FOUND", message: "There is no such document in this organization"}
	}
	return p, nil
}

func (c *lightfastCall) similar(origin *search.Passage, n search.Neighbour) lightfastSimilar {
	likeness := rounded(n.Cosine)
	found := lightfastSimilar{
		lightfastResult: c.library.result(n.Passage, n.Passage.Quote(), n.Score()),
		EntityOverlap:   rounded(n.Shared), SameCluster: n.Passage.Document == origin.Document,
	}
	if c.isC() {
		found.Similarity = &likeness
	} else {
		found.VectorSimilarity = &likeness
	}
	return found
}

func (c *lightfastCall) similarReply(origin *search.Passage, similar []lightfastSimilar) any {
	meta := map[string]any{
		"total": len(similar), "took": c.took(), "inputEmbedding": map[string]bool{"found": true, "generated": false},
	}
	if c.isC() {
		return map[string]any{
			"data": map[string]any{"source": c.library.origin(origin), "similar": similar}, "meta": meta, "requestId": c.requestID,
		}
	}
	return map[string]any{"source": c.library.origin(origin), "similar": similar, "meta": meta, "requestId": c.requestID}
}
