package lamina

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/planner"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// findApp returns the app of a request.
func findApp(r *http.Request) (apps.App, error) {
	app, ok := apps.Find(r.PathValue("appId"))
	if !ok {
		return app, wire.NotFound("App not found")
	}
	return app, nil
}

func (s *Server) listApps(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	q := wire.NewQuery(r)
	limit := q.Number("limit", 10, 1, 100)
	if err := q.Err(); err != nil {
		return err
	}
	search := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("search")))
	found := []api.AppSummary{}
	for _, app := range apps.All() {
		text := strings.ToLower(strings.Join(append(app.Keywords, app.Name, app.Slug, app.Description), " "))
		if len(found) < limit && strings.Contains(text, search) {
			found = append(found, summarize(app))
		}
	}
	return wire.WriteData(w, http.StatusOK, found)
}

func summarize(app apps.App) api.AppSummary {
	inputs := &api.InputSummary{Required: []api.NamedType{}, Optional: []api.NamedType{}, Total: len(app.Parameters)}
	for _, p := range app.Parameters {
		if p.Default == nil {
			inputs.Required = append(inputs.Required, api.NamedType{Name: p.Name, Type: p.Type})
		} else {
			inputs.Optional = append(inputs.Optional, api.NamedType{Name: p.Name, Type: p.Type})
		}
	}
	return api.AppSummary{
		AppID: app.ID, Name: app.Name, Description: &app.Description, IsPublic: true, Capabilities: &app.Capabilities,
		Icon: app.Icon, Modality: app.Modality, OutputFormats: app.Capabilities.OutputFormats, InputSummary: inputs,
	}
}

func (s *Server) getApp(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	app, err := findApp(r)
	if err != nil {
		return err
	}
	detail := struct {
		api.App
		Outputs []api.OutputDescriptor `json:"outputs"` // also if there are none
	}{api.App{AppID: app.ID, Name: app.Name, Description: &app.Description, Parameters: app.Parameters}, []api.OutputDescriptor{}}
	for i, o := range app.Outputs {
		detail.Outputs = append(detail.Outputs, api.OutputDescriptor{Index: i, Label: o.Label, Type: o.Type})
	}
	return wire.WriteData(w, http.StatusOK, detail)
}

func (s *Server) getWorkflow(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	app, err := findApp(r)
	if err != nil {
		return err
	}
	graph := api.Workflow{AppID: app.ID, Name: app.Name}
	for _, step := range app.Steps {
		graph.Nodes = append(graph.Nodes, api.WorkflowNode{ID: step.ID, Type: step.Type, Label: step.Label})
		for _, before := range step.After {
			graph.Edges = append(graph.Edges, api.WorkflowEdge{Source: before, Target: step.ID})
		}
	}
	return wire.WriteData(w, http.StatusOK, graph)
}

func (s *Server) estimate(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	app, err := findApp(r)
	if err != nil {
		return err
	}
	var balance float64
	s.Store.View(func(tx *wire.Tx) { balance = ledgerOf(tx, p.WorkspaceID).balance() })
	most := app.Credits(apps.Everything)
	least := most
	for i := range app.Outputs {
		least = min(least, app.Credits(func(output int) bool { return output == i }))
	}
	e := api.CostEstimate{
		AppID: app.ID, Name: app.Name, EstimatedCredits: api.CreditRange{Expected: most, Min: least, Max: most},
		CurrentBalance: balance, Affordable: most <= balance,
	}
	for _, step := range app.Steps {
		e.Breakdown = append(e.Breakdown, api.NodeCost{NodeID: step.ID, NodeType: step.Type, Credits: step.Credits})
	}
	return wire.WriteData(w, http.StatusOK, e)
}

// The default and the largest number of apps in a discovery.
const (
	defaultMatches = 5
	mostMatches    = 10
)

func (s *Server) discoverApps(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	var req struct {
		api.DiscoverRequest
		Limit *int `json:"limit"`
	}
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	var problems []wire.Problem
	if strings.TrimSpace(req.Intent) == "" {
		problems = append(problems, wire.Problem{Field: "intent", Message: "is missing: describe the result in a few words"})
	}
	if req.Limit != nil && *req.Limit < 1 {
		problems = append(problems, wire.Problem{Field: "limit", Message: "must be from 1 to 10"})
	}
	if len(problems) > 0 {
		return wire.Invalid("Invalid body", problems...)
	}
	if req.Constraints == nil {
		req.Constraints = &api.DiscoverConstraints{}
	}
	matches := matchApps(req.Intent, *req.Constraints)
	// The Node client asks for 20. It gets the most that there is.
	limit := defaultMatches
	if req.Limit != nil {
		limit = min(*req.Limit, mostMatches)
	}
	matches = matches[:min(len(matches), limit)]
	intent := api.Intent{Medium: "image", Summary: strings.Join(strings.Fields(req.Intent), " ")}
	if len(matches) > 0 {
		app, _ := apps.Find(matches[0].AppID)
		intent.Medium = app.Modality
	}
	return wire.WriteData(w, http.StatusOK, api.Discovery{Matches: matches, Intent: intent})
}

// matchApps returns the apps that have a word of an intent and fulfil the constraints, best match first.
func matchApps(intent string, limits api.DiscoverConstraints) []api.DiscoveredApp {
	matches := []api.DiscoveredApp{}
	wanted := planner.Words(intent)
	for _, app := range apps.All() {
		credits := app.Credits(apps.Everything)
		if limits.MaxCredits > 0 && credits > limits.MaxCredits ||
			limits.OutputFormat != "" && !produces(app, limits.OutputFormat) {
			continue
		}
		score, why := relevance(app, wanted)
		if score == 0 {
			continue
		}
		matches = append(matches, api.DiscoveredApp{
			AppID: app.ID, Name: app.Name, Description: &app.Description, RelevanceScore: score,
			Capabilities: &app.Capabilities, EstimatedCredits: &credits, WhyMatch: why,
		})
	}
	slices.SortStableFunc(matches, func(a, b api.DiscoveredApp) int { return cmp.Compare(b.RelevanceScore, a.RelevanceScore) })
	return matches
}

// produces reports whether an app produces a file format (png) or a medium (image).
func produces(app apps.App, format string) bool {
	same := func(v string) bool { return strings.EqualFold(v, strings.TrimPrefix(format, ".")) }
	return slices.ContainsFunc(app.Capabilities.OutputFormats, same) || slices.ContainsFunc(app.Capabilities.Produces, same)
}

// relevance returns the share of an intent's words that an app has, from 0 to 1. Words of its name count twice.
func relevance(app apps.App, wanted []string) (score float64, why string) {
	points, hits := planner.Match(app, wanted)
	if points == 0 {
		return 0, ""
	}
	return min(1, float64(points)/float64(len(wanted))), planner.Explain(app, hits)
}
