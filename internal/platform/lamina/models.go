package lamina

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/models"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// A family is a kind of run with an address of its own.
type family string

// The families of runs. The runs of apps are in the list of runs.
const (
	familyApps      family = ""
	familyGenerate  family = "generate"
	familyFreestyle family = "freestyle"
)

// getModels answers an address below /v1/models with one element: the models of a modality, or a model.
func (s *Server) getModels(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	name := r.PathValue("model")
	if summaries := models.Summaries(name); len(summaries) > 0 {
		return wire.WriteData(w, http.StatusOK, summaries)
	}
	return writeModel(w, name, "")
}

func (s *Server) getModel(w http.ResponseWriter, r *http.Request, _ wire.Principal) error {
	return writeModel(w, r.PathValue("modelId"), r.PathValue("model"))
}

func writeModel(w http.ResponseWriter, id, modality string) error {
	m, ok := models.Find(id)
	if !ok || modality != "" && m.Modality != modality {
		return wire.NotFound("Model not found")
	}
	return wire.WriteData(w, http.StatusOK, m.Model)
}

// generate returns a handler that starts a generation of a modality.
func (s *Server) generate(modality string) handler {
	return func(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
		return s.startGeneration(w, r, p, modality)
	}
}

func (s *Server) startGeneration(w http.ResponseWriter, r *http.Request, p wire.Principal, modality string) error {
	var req api.Generate
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	m, ok := models.Find(req.Model)
	if !ok || m.Modality != modality {
		return invalidParams(models.UnknownModel(modality, req.Model))
	}
	given := map[string]any{}
	maps.Copy(given, req.Params)
	if req.Prompt != "" {
		given["prompt"] = req.Prompt
	}
	params, problems := m.Resolve(given)
	if len(problems) > 0 {
		return invalidParams(problems...)
	}
	if req.WebhookURL != "" {
		if err := checkWebhookURL(req.WebhookURL); err != nil {
			return err
		}
	}
	started := newRun(m.App(params), p, nil, []int{0})
	started.Family, started.Params, started.WebhookURL = familyGenerate, params, req.WebhookURL
	if err := s.enqueue(started); err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusAccepted, map[string]any{
		"runId": started.RunID, "status": started.Status, "model": m.ID, "resolvedParams": params,
	})
}

// invalidParams returns the refusal of a generation, whose details have a form of their own.
func invalidParams(problems ...models.Problem) error {
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.Message)
	}
	inner := map[string]any{"code": "INVALID_PARAMS", "message": strings.Join(messages, "; "), "details": map[string]any{"errors": problems}}
	return &wire.Error{Status: http.StatusBadRequest, Code: "VALIDATION_ERROR", Message: "Invalid params", Nested: inner}
}

// getFamily returns a handler that answers with a run of a family.
func (s *Server) getFamily(f family) handler {
	return func(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
		found, err := s.findAnyRun(r, p)
		if err != nil {
			return err
		}
		if found.Family != f && !(f == familyFreestyle && found.IsRecipe) {
			return wire.NotFound("Run not found")
		}
		return wire.WriteData(w, http.StatusOK, found.wire())
	}
}

// wire returns the run in the form of its family.
func (r *run) wire() any {
	if r.Family != familyGenerate {
		return r.Run
	}
	g := api.Generation{
		RunID: r.RunID, Status: r.Status, Model: &r.WorkflowID, ResolvedParams: r.Params.JSON(), ErrorMessage: r.ErrorMessage,
		StartedAt: r.StartedAt, CompletedAt: r.CompletedAt, CreatedAt: r.CreatedAt,
	}
	if r.Status == api.Completed {
		var address string
		_ = json.Unmarshal(r.Outputs[0].Value, &address) // the value of a picture or a video is a string
		g.Output = &api.GenerationOutput{Type: r.Outputs[0].Type, URL: &address}
	}
	return g
}
