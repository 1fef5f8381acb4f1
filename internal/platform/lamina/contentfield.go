package lamina

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/planner"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// messageOf returns the words of an error for a client: a refusal with its problems.
func messageOf(err error) string {
	var refused *wire.Error
	if !errors.As(err, &refused) {
		return wire.InternalMessage
	}
	message := refused.Message
	for _, problem := range refused.Details {
		message += "; " + problem.Field + " " + problem.Message
	}
	return message
}

// decideField reads a request for a field of a document and returns the decision of the planner.
func decideField(w http.ResponseWriter, r *http.Request) (api.FieldRequest, planner.Request, error) {
	var req api.FieldRequest
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return req, planner.Request{}, err
	}
	var problems []wire.Problem
	if strings.TrimSpace(req.Brief) == "" {
		problems = append(problems, wire.Problem{Field: "brief", Message: "is missing: describe the content in a few words"})
	}
	if req.Document == nil {
		problems = append(problems, wire.Problem{Field: "document", Message: "is missing: send the document, at least {}"})
	}
	if len(problems) > 0 {
		return req, planner.Request{}, wire.Invalid("Invalid body", problems...)
	}
	asked := planner.Request{Brief: req.Brief, Document: req.Document}
	if req.Constraints != nil {
		asked.Modality, asked.AspectRatio = req.Constraints.Modality, req.Constraints.AspectRatio
	}
	return req, asked, resolve(&asked, req.AppID, "")
}

func (s *Server) autoGenerate(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	req, asked, err := decideField(w, r)
	if err != nil {
		return err
	}
	if req.WebhookURL != "" {
		if err := checkWebhookURL(req.WebhookURL); err != nil {
			return err
		}
	}
	d := planner.Decide(asked)
	if d.App == nil || len(d.Questions) > 0 {
		reason := d.Reason
		if d.App != nil {
			reason = fmt.Sprintf("%s needs the input %s, which neither the brief nor the document has", d.App.Name, d.Questions[0].Name)
		}
		return wire.WriteData(w, http.StatusOK, outcome{Status: "needs_choice", Reason: reason, Candidates: d.Candidates(asked)})
	}
	started, err := s.startContent(d, req.NumVariants, req.WebhookURL, false, p)
	if err != nil {
		return err
	}
	out := newOutcome("started", d)
	out.RunID, out.Reason, out.AskUser, out.Warnings, out.SelectedOutputs = started[0], d.Rationale, nil, nil, nil
	out.variants = countVariants(req.NumVariants, started)
	return wire.WriteData(w, http.StatusOK, out)
}

// A preview is what auto-generate would run.
type preview struct {
	Mode          string             `json:"mode"`
	SelectedApp   *selectedApp       `json:"selectedApp,omitempty"`
	DraftedInputs map[string]sourced `json:"draftedInputs,omitzero"`
	Form          []formField        `json:"form,omitzero"`
	Warnings      []planner.Warning  `json:"warnings,omitempty"`
	FreestylePlan *recipe            `json:"freestylePlan,omitempty"`
	Estimate      *contentEstimate   `json:"estimate,omitempty"`
	Reason        string             `json:"reason,omitempty"`
	Errors        []string           `json:"errors,omitempty"`
}

// sourced is a value and where it comes from.
type sourced struct {
	Value  any    `json:"value"`
	Source string `json:"source"`
}

// A formField is an input that a user may change before the run.
type formField struct {
	Kind             string          `json:"kind"`
	Name             string          `json:"name"`
	Question         string          `json:"question"`
	Options          []string        `json:"options,omitempty"`
	Max              int             `json:"max,omitempty"`
	Placeholder      string          `json:"placeholder,omitempty"`
	SuggestedDefault json.RawMessage `json:"suggestedDefault,omitempty"`
}

// A contentEstimate is the price of a run.
type contentEstimate struct {
	Credits   *float64 `json:"credits"`
	ManageURL string   `json:"manageUrl"`
}

// A recipe is a run without an app.
type recipe struct {
	Modality  string          `json:"modality"`
	Rationale string          `json:"rationale,omitempty"`
	Variants  []recipeVariant `json:"variants"`
}

// A recipeVariant is one variant of a recipe.
type recipeVariant struct {
	Prompt string `json:"prompt"`
}

func (s *Server) previewRun(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	_, asked, err := decideField(w, r)
	if err != nil {
		return err
	}
	d := planner.Decide(asked)
	if len(d.Tied) > 0 {
		asked.App = &d.Tied[0]
		reason := d.Reason
		d = planner.Decide(asked)
		d.Rationale = reason + ". This is the first of them"
	}
	standIn, hasStandIn := standIns[cmp.Or(asked.Modality, "image")]
	switch {
	case d.App != nil:
		return wire.WriteData(w, http.StatusOK, s.previewApp(d))
	case hasStandIn:
		app, _ := apps.Find(standIn.app)
		return wire.WriteData(w, http.StatusOK, preview{
			Mode: "freestyle", Estimate: s.contentEstimate(app),
			FreestylePlan: &recipe{Modality: cmp.Or(asked.Modality, "image"), Rationale: d.Reason, Variants: []recipeVariant{{Prompt: asked.Brief}}},
		})
	}
	return wire.WriteData(w, http.StatusOK, preview{Mode: "agent_failed", Reason: d.Reason, Errors: []string{"There is no sample app for " + asked.Modality}})
}

func (s *Server) contentEstimate(app apps.App) *contentEstimate {
	credits := app.Credits(apps.Everything)
	return &contentEstimate{Credits: &credits, ManageURL: s.BaseURL + "/"}
}

func (s *Server) previewApp(d planner.Decision) preview {
	out := preview{
		Mode: "app", SelectedApp: &selectedApp{AppID: d.App.ID, Name: d.App.Name, Rationale: d.Rationale},
		DraftedInputs: map[string]sourced{}, Form: []formField{}, Warnings: d.Warnings, Estimate: s.contentEstimate(*d.App),
	}
	for name, value := range d.Inputs {
		out.DraftedInputs[name] = sourced{Value: value, Source: d.Sources[name]}
	}
	for _, p := range d.App.Parameters {
		field := formField{Kind: "text", Name: p.Key, Question: p.Description, Options: p.Options, Placeholder: p.Name, SuggestedDefault: p.Default}
		switch p.Type {
		case "options":
			field.Kind = "select"
		case "url":
			field.Kind, field.Max = "image", 1
			if p.Multiple {
				field.Max = maxImages
			}
		}
		out.Form = append(out.Form, field)
	}
	return out
}

// maxImages is the largest number of pictures of an input that takes several.
const maxImages = 20

// A standIn is the sample app that carries out a recipe for a modality, and its input for the prompt.
type standIn struct{ app, input string }

// standIns are the sample apps that carry out recipes, by modality.
var standIns = map[string]standIn{"image": {"poster", "text"}, "text": {"countdown", ""}}

func (s *Server) runContent(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req struct {
		api.ContentRun
		FreestyleRecipe *recipe `json:"freestyleRecipe"`
	}
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	if req.WebhookURL != "" {
		if err := checkWebhookURL(req.WebhookURL); err != nil {
			return err
		}
	}
	switch {
	case req.Mode == "app":
		return s.runContentApp(w, req.ContentRun, p)
	case req.Mode != "freestyle":
		return wire.Invalid("Invalid body", wire.Problem{Field: "mode", Message: "is none of the known values", Allowed: []string{"app", "freestyle"}})
	case req.FreestyleRecipe == nil || len(req.FreestyleRecipe.Variants) == 0:
		return wire.Invalid("Invalid body", wire.Problem{Field: "freestyleRecipe", Message: "is missing, or has no variants"})
	}
	return s.runRecipe(w, req.ContentRun, *req.FreestyleRecipe, p)
}

func (s *Server) runContentApp(w http.ResponseWriter, req api.ContentRun, p wire.Principal) error {
	if req.AppID == "" {
		return wire.Invalid("Invalid body", wire.Problem{Field: "appId", Message: "is missing"})
	}
	app, ok := apps.Find(req.AppID)
	if !ok {
		return wire.NotFound("App not found")
	}
	started, err := s.startContent(planner.Decision{App: &app, Inputs: req.Inputs, Outputs: req.Outputs}, 1, req.WebhookURL, false, p)
	if err != nil {
		return err
	}
	drafted := req.Inputs
	if drafted == nil {
		drafted = map[string]any{}
	}
	return wire.WriteData(w, http.StatusOK, outcome{
		Mode: "app", RunID: started[0], DraftedInputs: drafted,
		SelectedApp: &selectedApp{AppID: app.ID, Name: app.Name, Rationale: cmp.Or(req.Rationale, "The request names "+app.Name)},
	})
}

// A recipeStarted is the answer to a recipe.
type recipeStarted struct {
	Mode      string         `json:"mode"`
	RunID     string         `json:"runId"`
	MediaType string         `json:"mediaType"`
	Picks     []planner.Pick `json:"picks"`
	variants
	Reason string `json:"reason"`
}

// runRecipe carries out a recipe with the sample app that makes its modality: the platform has no model behind this address.
func (s *Server) runRecipe(w http.ResponseWriter, req api.ContentRun, rec recipe, p wire.Principal) error {
	stand, ok := standIns[rec.Modality]
	if !ok {
		return wire.Invalid("Invalid body", wire.Problem{
			Field: "freestyleRecipe.modality", Message: "has no sample app", Allowed: []string{"image", "text"},
		})
	}
	app, _ := apps.Find(stand.app)
	d := planner.Decision{App: &app, Inputs: map[string]any{}}
	if stand.input != "" {
		d.Inputs[stand.input] = cmp.Or(rec.Variants[0].Prompt, req.Intent)
	}
	count := cmp.Or(req.NumVariants, len(rec.Variants))
	started, err := s.startContent(d, count, req.WebhookURL, true, p)
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, recipeStarted{
		Mode: "freestyle", RunID: started[0], MediaType: rec.Modality, Picks: []planner.Pick{{AppID: app.ID, Name: app.Name}},
		variants: *countVariants(count, started), Reason: "The sample app " + app.Name + " stands in for a model",
	})
}
