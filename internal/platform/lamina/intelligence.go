package lamina

import (
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/planner"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// hasBrand reports whether a workspace has a brand and published items. The second sample workspace is new and has none.
func hasBrand(p wire.Principal) bool { return p.WorkspaceID == wire.SampleWorkspaces()[0].ID }

func (s *Server) listTemplates(w http.ResponseWriter, _ *http.Request, _ wire.Principal) error {
	return wire.WriteData(w, http.StatusOK, planner.Templates())
}

func (s *Server) getTemplate(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	t, ok := planner.FindTemplate(r.PathValue("templateId"))
	if !ok {
		return wire.NotFound("Template not found")
	}
	return wire.WriteData(w, http.StatusOK, t)
}

// filterOf returns the filter of a query.
func filterOf(r *http.Request, limit int) planner.Filter {
	q := r.URL.Query()
	return planner.Filter{
		Platform: q.Get("platform"), Modality: q.Get("modality"), BrandProfileID: q.Get("brandProfileId"), CampaignID: q.Get("campaignId"), Limit: limit,
	}
}

func (s *Server) getBrandContext(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	topK := q.Number("topK", 10, 1, 100)
	if err := q.Err(); err != nil {
		return err
	}
	if !hasBrand(p) {
		return wire.WriteData(w, http.StatusOK, planner.BrandContext{})
	}
	return wire.WriteData(w, http.StatusOK, planner.Brand(filterOf(r, topK)))
}

func (s *Server) predict(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req api.PredictRequest
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	var problems []wire.Problem
	for _, field := range [][2]string{{"concept", req.Concept}, {"platform", req.Platform}, {"modality", req.Modality}} {
		if strings.TrimSpace(field[1]) == "" {
			problems = append(problems, wire.Problem{Field: field[0], Message: "is missing"})
		}
	}
	if len(problems) > 0 {
		return wire.Invalid("Invalid body", problems...)
	}
	f := planner.Filter{Platform: req.Platform, Modality: req.Modality, BrandProfileID: req.BrandProfileID, CampaignID: req.CampaignID}
	return wire.WriteData(w, http.StatusOK, planner.Predict(req.Concept, f, hasBrand(p)))
}

func (s *Server) listRecommendations(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	limit := q.Number("limit", 25, 1, 100)
	if err := q.Err(); err != nil {
		return err
	}
	if !hasBrand(p) {
		return wire.WriteData(w, http.StatusOK, []planner.Recommendation{})
	}
	return wire.WriteData(w, http.StatusOK, planner.Recommendations(filterOf(r, limit), s.Clock.Now()))
}

func (s *Server) getTrends(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	days, limit := q.Number("windowDays", 7, 1, 365), q.Number("limit", 20, 1, 100)
	if err := q.Err(); err != nil {
		return err
	}
	if !hasBrand(p) {
		limit = 0
	}
	trends := planner.CurrentTrends(limit)
	for name, field := range map[string]**string{"category": &trends.Category, "platform": &trends.Platform} {
		if value := r.URL.Query().Get(name); value != "" {
			*field = &value
		}
	}
	trends.WindowEnd = s.Clock.Now().UTC()
	trends.WindowStart = trends.WindowEnd.Add(-time.Duration(days) * 24 * time.Hour)
	return wire.WriteData(w, http.StatusOK, trends)
}

// A contentScore is the score of a published item.
type contentScore struct {
	ContentItemID string  `json:"contentItemId"`
	Score         float64 `json:"score"`
	Label         string  `json:"label"`
}

// scoreContent scores the published items. The score of an item is how well it performed.
func (s *Server) scoreContent(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req api.ScoreRequest
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	if req.Limit < 0 {
		return wire.Invalid("Invalid body", wire.Problem{Field: "limit", Message: "must be 1 or more"})
	}
	if req.Limit == 0 {
		req.Limit = 25
	}
	reply := struct {
		WorkspaceID    string         `json:"workspaceId"`
		ItemsScanned   int            `json:"itemsScanned"`
		ScoresCreated  int            `json:"scoresCreated"`
		ContentItemIDs []string       `json:"contentItemIds"`
		Scores         []contentScore `json:"scores"`
	}{WorkspaceID: p.WorkspaceID, ContentItemIDs: []string{}, Scores: []contentScore{}}
	if hasBrand(p) {
		for _, item := range planner.Items(planner.Filter{Platform: req.Platform, Modality: req.Modality, IDs: req.ContentItemIDs, Limit: req.Limit}) {
			reply.ContentItemIDs = append(reply.ContentItemIDs, item.ID)
			reply.Scores = append(reply.Scores, contentScore{ContentItemID: item.ID, Score: item.PerformanceScore, Label: planner.Label(item.PerformanceScore)})
		}
	}
	reply.ItemsScanned, reply.ScoresCreated = len(reply.Scores), len(reply.Scores)
	return wire.WriteData(w, http.StatusOK, reply)
}
