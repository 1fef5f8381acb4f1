package lamina

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/planner"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// addContentRoutes adds the addresses of briefs, templates and intelligence. The rules of their answers are in package planner.
func (s *Server) addContentRoutes(mux *http.ServeMux) {
	read := func(h handler) handler { return requireScope(wire.ScopeRead, h) }
	write := func(h handler) handler { return requireScope(wire.ScopeWrite, h) }
	for pattern, methods := range map[string]map[string]handler{
		"/v1/content/create":               {"POST": write(s.createContent)},
		"/v1/content/plan":                 {"POST": read(s.planContent)},
		"/v1/content/brief":                {"POST": read(s.listConcepts)},
		"/v1/content/score":                {"POST": write(s.scoreContent)},
		"/v1/content/batch":                {"POST": write(s.createBatch)},
		"/v1/content/auto-generate":        {"POST": write(s.autoGenerate)},
		"/v1/content/preview-run":          {"POST": read(s.previewRun)},
		"/v1/content/run":                  {"POST": write(s.runContent)},
		"/v1/templates":                    {"GET": read(s.listTemplates)},
		"/v1/templates/{templateId}":       {"GET": read(s.getTemplate)},
		"/v1/intelligence/brand-context":   {"GET": read(s.getBrandContext)},
		"/v1/intelligence/predict":         {"POST": read(s.predict)},
		"/v1/intelligence/recommendations": {"GET": read(s.listRecommendations)},
		"/v1/intelligence/trends":          {"GET": read(s.getTrends)},
	} {
		mux.HandleFunc(pattern, s.authorized(methods))
	}
}

// maxVariants is the largest number of variants; more are treated as this number.
const maxVariants = 8

// An outcome is the answer to a brief. Status says which of the fields it has.
type outcome struct {
	Status          string                  `json:"status,omitempty"`
	Mode            string                  `json:"mode,omitempty"`
	RunID           string                  `json:"runId,omitempty"`
	SelectedApp     *selectedApp            `json:"selectedApp,omitempty"`
	DraftedInputs   map[string]any          `json:"draftedInputs,omitzero"`
	AskUser         []planner.Question      `json:"askUser,omitzero"`
	Warnings        []planner.Warning       `json:"warnings,omitzero"`
	SelectedOutputs []string                `json:"selectedOutputs,omitempty"`
	Clarifications  []planner.Clarification `json:"clarifications,omitempty"`
	Reason          string                  `json:"reason,omitempty"`
	Candidates      []planner.Candidate     `json:"candidates,omitempty"`
	*variants
}

// A selectedApp is the app that fits a brief.
type selectedApp struct {
	AppID     string `json:"appId"`
	Name      string `json:"name"`
	Rationale string `json:"rationale"`
}

// variants counts the runs of a request that asked for several.
type variants struct {
	NumVariants    int `json:"numVariants"`
	SubmittedCount int `json:"submittedCount"`
	FailedCount    int `json:"failedCount"`
}

// newOutcome returns the answer for a decision. status is the one of a decision for an app.
func newOutcome(status string, d planner.Decision) outcome {
	switch {
	case len(d.Tied) > 0:
		return outcome{Status: "needs_clarification", Clarifications: d.Clarifications()}
	case d.App == nil:
		return outcome{Status: "unmatched", Reason: d.Reason}
	}
	return outcome{
		Status: status, Mode: "app", SelectedApp: &selectedApp{AppID: d.App.ID, Name: d.App.Name, Rationale: d.Rationale},
		DraftedInputs: d.Inputs, AskUser: d.Questions, Warnings: d.Warnings, SelectedOutputs: d.Outputs,
	}
}

// A contentRequest is the body of create and plan, and an item of a batch. contentType is documented in one place only.
type contentRequest struct {
	api.ContentRequest
	ContentType string `json:"contentType"`
}

// decide validates a request and returns the decision of the planner. A batch item with inputs for its own app needs no brief.
func decide(req contentRequest) (planner.Decision, error) {
	if strings.TrimSpace(req.Brief) == "" && req.AppID == "" {
		return planner.Decision{}, wire.Invalid("Invalid body", wire.Problem{Field: "brief", Message: "is missing: describe the content in a few words"})
	}
	if req.NumVariants < 0 {
		return planner.Decision{}, wire.Invalid("Invalid body", wire.Problem{Field: "numVariants", Message: "must be 1 or more"})
	}
	r := planner.Request{
		Brief: req.Brief, Platform: req.Platform, Modality: req.Modality, AspectRatio: req.AspectRatio, Inputs: req.Inputs,
		BrandProfileID: req.BrandProfileID, CampaignID: req.CampaignID,
	}
	if err := resolve(&r, req.AppID, req.TemplateID); err != nil {
		return planner.Decision{}, err
	}
	return planner.Decide(r), nil
}

// resolve sets the app and the template that a request names.
func resolve(r *planner.Request, appID, templateID string) error {
	if appID != "" {
		app, ok := apps.Find(appID)
		if !ok {
			return wire.NotFound("App not found")
		}
		r.App = &app
	}
	if templateID != "" {
		template, ok := planner.FindTemplate(templateID)
		if !ok {
			return wire.NotFound("Template not found")
		}
		r.Template = &template
	}
	return nil
}

func (s *Server) planContent(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	var req contentRequest
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	if strings.TrimSpace(req.Brief) == "" {
		req.AppID = "" // a plan always needs a brief
	}
	d, err := decide(req)
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, newOutcome("plan", d))
}

func (s *Server) createContent(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req contentRequest
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	if strings.TrimSpace(req.Brief) == "" {
		req.AppID = "" // it always needs a brief
	}
	// One page of the documentation has the address in the query, the newer clients send it in the body.
	req.WebhookURL = cmp.Or(req.WebhookURL, r.URL.Query().Get("webhook"))
	out, err := s.create(req, p)
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, out)
}

// create carries out a brief: it starts the run if nothing is missing.
func (s *Server) create(req contentRequest, p wire.Principal) (outcome, error) {
	if req.WebhookURL != "" {
		if err := checkWebhookURL(req.WebhookURL); err != nil {
			return outcome{}, err
		}
	}
	d, err := decide(req)
	if err != nil {
		return outcome{}, err
	}
	if d.App == nil || len(d.Questions) > 0 {
		return newOutcome("needs_input", d), nil
	}
	started, err := s.startContent(d, req.NumVariants, run{WebhookURL: req.WebhookURL}, p)
	if err != nil {
		return outcome{}, err
	}
	out := newOutcome("ran", d)
	out.RunID, out.AskUser, out.SelectedOutputs = started[0], nil, nil
	return out, nil
}

// startContent starts the runs of a decision, one for each variant, and returns their ids. like has the webhook and the kind of each.
func (s *Server) startContent(d planner.Decision, count int, like run, p wire.Principal) ([]string, error) {
	inputs, problems := resolveInputs(*d.App, d.Inputs)
	indexes, more := selectOutputs(*d.App, d.Outputs)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, wire.Invalid("Invalid inputs", problems...)
	}
	var ids []string
	for range max(1, min(count, maxVariants)) {
		started := newRun(*d.App, p, inputs, indexes)
		started.WebhookURL, started.IsRecipe = like.WebhookURL, like.IsRecipe
		if err := s.enqueue(started); err != nil {
			if len(ids) > 0 {
				break // the queue is full: the rest counts as failed
			}
			return nil, err
		}
		ids = append(ids, started.RunID)
	}
	return ids, nil
}

// countVariants returns how many of the requested variants were started.
func countVariants(count int, started []string) *variants {
	count = max(1, min(count, maxVariants))
	return &variants{NumVariants: count, SubmittedCount: len(started), FailedCount: count - len(started)}
}

// The number of items in a batch, and of concepts for a goal.
const (
	maxBatch     = 10
	fewConcepts  = 3
	mostConcepts = 10
)

// A batchItem is the result of one item of a batch.
type batchItem struct {
	Index        int    `json:"index"`
	Status       string `json:"status"`
	RunID        string `json:"runId,omitempty"`
	WorkflowID   string `json:"workflowId,omitempty"`
	WorkflowName string `json:"workflowName,omitempty"`
	Error        string `json:"error,omitempty"`
}

func (s *Server) createBatch(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req struct {
		Items          []contentRequest `json:"items"`
		BrandProfileID string           `json:"brandProfileId"`
		CampaignID     string           `json:"campaignId"`
	}
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	if len(req.Items) < 1 || len(req.Items) > maxBatch {
		return wire.Invalid("Invalid body", wire.Problem{Field: "items", Message: fmt.Sprintf("must be 1 to %d items", maxBatch)})
	}
	reply := struct {
		BatchID string      `json:"batchId"`
		Total   int         `json:"total"`
		Queued  int         `json:"queued"`
		Failed  int         `json:"failed"`
		Items   []batchItem `json:"items"`
	}{BatchID: wire.NewUUID(), Total: len(req.Items)}
	for i, item := range req.Items {
		item.BrandProfileID, item.CampaignID = cmp.Or(item.BrandProfileID, req.BrandProfileID), cmp.Or(item.CampaignID, req.CampaignID)
		result := s.createItem(item, p)
		result.Index = i
		if result.RunID == "" {
			reply.Failed++
		} else {
			reply.Queued++
		}
		reply.Items = append(reply.Items, result)
	}
	return wire.WriteData(w, http.StatusOK, reply)
}

// createItem carries out one item of a batch. What needs an answer has failed: nobody can give it.
func (s *Server) createItem(req contentRequest, p wire.Principal) batchItem {
	out, err := s.create(req, p)
	switch {
	case err != nil:
		return batchItem{Status: "failed", Error: messageOf(err)}
	case out.Status == "ran":
		return batchItem{Status: "queued", RunID: out.RunID, WorkflowID: out.SelectedApp.AppID, WorkflowName: out.SelectedApp.Name}
	case out.Status == "needs_input":
		return batchItem{Status: "failed", Error: fmt.Sprintf("%s is missing: %s", out.AskUser[0].Name, out.AskUser[0].Question)}
	case out.Status == "needs_clarification":
		return batchItem{Status: "failed", Error: out.Clarifications[0].Question}
	}
	return batchItem{Status: "failed", Error: out.Reason}
}

func (s *Server) listConcepts(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	var req api.ConceptsRequest
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	var problems []wire.Problem
	if strings.TrimSpace(req.Goal) == "" {
		problems = append(problems, wire.Problem{Field: "goal", Message: "is missing: say what the content is for"})
	}
	if req.Count < 0 || req.Count > mostConcepts {
		problems = append(problems, wire.Problem{Field: "count", Message: fmt.Sprintf("must be 1 to %d", mostConcepts)})
	}
	if len(problems) > 0 {
		return wire.Invalid("Invalid body", problems...)
	}
	f := planner.Filter{
		Platform: cmp.Or(req.Platform, "instagram"), Modality: cmp.Or(req.Modality, "image"), BrandProfileID: req.BrandProfileID,
	}
	concepts := planner.Concepts(req.Goal, f, cmp.Or(req.Count, fewConcepts))
	return wire.WriteData(w, http.StatusOK, struct {
		Concepts []planner.Concept `json:"concepts"`
	}{concepts})
}
