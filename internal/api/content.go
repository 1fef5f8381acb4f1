package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// A ContentRequest is the body of POST /v1/content/create and of POST /v1/content/plan, and an item of a batch.
type ContentRequest struct {
	Brief          string         `json:"brief"`
	Platform       string         `json:"platform,omitempty"`
	Modality       string         `json:"modality,omitempty"`
	AppID          string         `json:"appId,omitempty"`
	Inputs         map[string]any `json:"inputs,omitempty"`
	TemplateID     string         `json:"templateId,omitempty"`
	AspectRatio    string         `json:"aspectRatio,omitempty"`
	BrandProfileID string         `json:"brandProfileId,omitempty"`
	CampaignID     string         `json:"campaignId,omitempty"`
	AutoQuality    *AutoQuality   `json:"autoQuality,omitempty"`
	Metadata       map[string]any `json:"metadata,omitempty"`
	NumVariants    int            `json:"numVariants,omitempty"`
	WebhookURL     string         `json:"webhookUrl,omitempty"`
}

// An AutoQuality repeats a generation until its quality reaches MinScore.
type AutoQuality struct {
	Enabled    bool    `json:"enabled"`
	MinScore   float64 `json:"minScore,omitempty"`
	MaxRetries int     `json:"maxRetries,omitempty"`
}

// A ConceptsRequest is the body of POST /v1/content/brief.
type ConceptsRequest struct {
	Goal           string         `json:"goal"`
	Platform       string         `json:"platform,omitempty"`
	Modality       string         `json:"modality,omitempty"`
	Count          int            `json:"count,omitempty"`
	BrandProfileID string         `json:"brandProfileId,omitempty"`
	Metadata       map[string]any `json:"metadata,omitempty"`
}

// A ScoreRequest is the body of POST /v1/content/score. Without ids, the service chooses the items.
type ScoreRequest struct {
	ContentItemIDs []string `json:"contentItemIds,omitempty"`
	Platform       string   `json:"platform,omitempty"`
	Modality       string   `json:"modality,omitempty"`
	Limit          int      `json:"limit,omitempty"`
}

// A BatchRequest is the body of POST /v1/content/batch. Items are ContentRequests; those of a user are sent as they are.
type BatchRequest struct {
	Items          []json.RawMessage `json:"items"`
	BrandProfileID string            `json:"brandProfileId,omitempty"`
	CampaignID     string            `json:"campaignId,omitempty"`
}

// A FieldRequest is the body of POST /v1/content/auto-generate and of POST /v1/content/preview-run: content for one field of a
// document. Preview ignores WebhookURL and AgentSessionID, which must be empty there.
type FieldRequest struct {
	Brief            string            `json:"brief"`
	Document         map[string]any    `json:"document"`
	FieldName        string            `json:"fieldName,omitempty"`
	FieldDescription string            `json:"fieldDescription,omitempty"`
	Constraints      *FieldConstraints `json:"constraints,omitempty"`
	AppID            string            `json:"appId,omitempty"`
	WebhookURL       string            `json:"webhookUrl,omitempty"`
	AgentSessionID   string            `json:"agentSessionId,omitempty"`
	NumVariants      int               `json:"numVariants,omitempty"` // 1 to 8
}

// FieldConstraints restrict the content for a field.
type FieldConstraints struct {
	Modality      string   `json:"modality,omitempty"`
	AspectRatio   string   `json:"aspectRatio,omitempty"`
	OutputFormats []string `json:"outputFormats,omitempty"`
}

// A ContentRun is the body of POST /v1/content/run. Mode is app, which needs AppID, or freestyle, which needs FreestyleRecipe.
type ContentRun struct {
	Mode            string          `json:"mode"`
	AppID           string          `json:"appId,omitempty"`
	Inputs          map[string]any  `json:"inputs,omitempty"`
	Rationale       string          `json:"rationale,omitempty"`
	Outputs         []string        `json:"outputs,omitempty"`
	FreestyleRecipe json.RawMessage `json:"freestyleRecipe,omitempty"`
	Intent          string          `json:"intent,omitempty"`
	Metadata        map[string]any  `json:"metadata,omitempty"`
	NumVariants     int             `json:"numVariants,omitempty"`
	WebhookURL      string          `json:"webhookUrl,omitempty"`
}

// content sends a request for which the service plans. It is not repeated after a failure, because it may cost credits.
func content[T any](ctx context.Context, c *Client, path string, body any) (*Reply[T], error) {
	return call[T](ctx, c, Call{Method: http.MethodPost, Path: path, Body: body})
}

// CreateContent chooses an app for a brief, drafts its inputs and starts a run, or says what is missing.
func (c *Client) CreateContent(ctx context.Context, req ContentRequest) (*Reply[ContentOutcome], error) {
	return content[ContentOutcome](ctx, c, "/v1/content/create", req)
}

// PlanContent is CreateContent without the run.
func (c *Client) PlanContent(ctx context.Context, req ContentRequest) (*Reply[ContentOutcome], error) {
	return content[ContentOutcome](ctx, c, "/v1/content/plan", req)
}

// Concepts returns concepts for a goal.
func (c *Client) Concepts(ctx context.Context, req ConceptsRequest) (*Reply[Concepts], error) {
	return content[Concepts](ctx, c, "/v1/content/brief", req)
}

// ScoreContent scores content items of the workspace.
func (c *Client) ScoreContent(ctx context.Context, req ScoreRequest) (*Reply[Scores], error) {
	return content[Scores](ctx, c, "/v1/content/score", req)
}

// CreateBatch is CreateContent for 1 to 10 items. An item that fails does not stop the others.
func (c *Client) CreateBatch(ctx context.Context, req BatchRequest) (*Reply[Batch], error) {
	return content[Batch](ctx, c, "/v1/content/batch", req)
}

// AutoGenerate starts a run that fills a field of a document, or returns the apps to choose from.
func (c *Client) AutoGenerate(ctx context.Context, req FieldRequest) (*Reply[ContentOutcome], error) {
	return content[ContentOutcome](ctx, c, "/v1/content/auto-generate", req)
}

// PreviewRun returns what AutoGenerate would run. It starts nothing.
func (c *Client) PreviewRun(ctx context.Context, req FieldRequest) (*Reply[ContentOutcome], error) {
	return content[ContentOutcome](ctx, c, "/v1/content/preview-run", req)
}

// RunContent starts what PreviewRun returned.
func (c *Client) RunContent(ctx context.Context, req ContentRun) (*Reply[ContentOutcome], error) {
	return content[ContentOutcome](ctx, c, "/v1/content/run", req)
}
