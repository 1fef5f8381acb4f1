package api

import (
	"encoding/json"
	"time"
)

// Account is who a credential belongs to, from GET /v1/account.
type Account struct {
	User        User         `json:"user"`
	Workspace   *Workspace   `json:"workspace"`
	Memberships []Membership `json:"memberships"`
}

// User is a person with an account.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Workspace is the workspace that a credential is bound to, with the person's role in it.
type Workspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
	Role string `json:"role"`
}

// Membership is one workspace a person belongs to.
type Membership struct {
	WorkspaceID string `json:"workspaceId"`
	Name        string `json:"name"`
	Slug        string `json:"slug"`
	Role        string `json:"role"`
}

// Pagination is the sibling of data in list replies.
type Pagination struct {
	Total  int `json:"total"`
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// AppSummary is one entry of GET /v1/apps. Older servers send only the first four fields.
type AppSummary struct {
	AppID         string        `json:"appId"`
	Name          string        `json:"name"`
	Description   *string       `json:"description"`
	IsPublic      bool          `json:"isPublic"`
	Capabilities  *Capabilities `json:"capabilities"`
	Icon          string        `json:"icon,omitempty"`
	Modality      string        `json:"modality,omitempty"`
	OutputFormats []string      `json:"outputFormats,omitempty"`
	InputSummary  *InputSummary `json:"inputSummary,omitempty"`
	Thumbnail     *Thumbnail    `json:"thumbnail,omitempty"`
}

// Capabilities says what an app is good for.
type Capabilities struct {
	Produces            []string `json:"produces"`
	Strengths           []string `json:"strengths"`
	BestFor             []string `json:"bestFor"`
	Limitations         []string `json:"limitations"`
	OutputFormats       []string `json:"outputFormats"`
	HasQualityControl   bool     `json:"hasQualityControl"`
	HasHumanApproval    bool     `json:"hasHumanApproval"`
	GenerationStepCount int      `json:"generationStepCount"`
	NodeTypes           []string `json:"nodeTypes"`
}

// InputSummary lists an app's inputs by name and type.
type InputSummary struct {
	Required []NamedType `json:"required"`
	Optional []NamedType `json:"optional"`
	Total    int         `json:"total"`
}

// NamedType is an input's name and type.
type NamedType struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Thumbnail is a preview of what an app makes; Type is image or video.
type Thumbnail struct {
	URL  string `json:"url"`
	Type string `json:"type"`
}

// App is an app with its inputs and outputs, from GET /v1/apps/{appId}.
type App struct {
	AppID       string             `json:"appId"`
	Name        string             `json:"name"`
	Description *string            `json:"description"`
	Parameters  []Parameter        `json:"parameters"`
	Outputs     []OutputDescriptor `json:"outputs,omitempty"`
}

// Parameter is one input of an app. Type is text, options or url. Required is unreliable: what must be supplied is
// a parameter without a default.
type Parameter struct {
	ID          string          `json:"id"`
	Key         string          `json:"key,omitempty"`
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Required    bool            `json:"required"`
	Description string          `json:"description,omitempty"`
	Options     []string        `json:"options,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`
	Accept      []string        `json:"accept,omitempty"`
	Multiple    bool            `json:"multiple,omitempty"`
}

// OutputDescriptor is one output that an app declares; Type is image, video, audio or text.
type OutputDescriptor struct {
	Index int    `json:"index"`
	Label string `json:"label"`
	Type  string `json:"type"`
}

// Workflow is the graph behind an app.
type Workflow struct {
	AppID string         `json:"appId"`
	Name  string         `json:"name"`
	Nodes []WorkflowNode `json:"nodes"`
	Edges []WorkflowEdge `json:"edges"`
}

// WorkflowNode is a step of a workflow.
type WorkflowNode struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Label string `json:"label"`
}

// WorkflowEdge joins two steps of a workflow by their ids.
type WorkflowEdge struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// CostEstimate is what a run of an app is expected to cost, in credits.
type CostEstimate struct {
	AppID            string      `json:"appId"`
	Name             string      `json:"name"`
	EstimatedCredits CreditRange `json:"estimatedCredits"`
	Breakdown        []NodeCost  `json:"breakdown"`
	CurrentBalance   float64     `json:"currentBalance"`
	Affordable       bool        `json:"affordable"`
}

// CreditRange is an expected number of credits with its bounds.
type CreditRange struct {
	Expected float64 `json:"expected"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
}

// NodeCost is the part of a cost that one step has.
type NodeCost struct {
	NodeID   string  `json:"nodeId"`
	NodeType string  `json:"nodeType"`
	Credits  float64 `json:"credits"`
}

// DiscoverRequest asks POST /v1/apps/discover for apps that serve an intent.
type DiscoverRequest struct {
	Intent      string               `json:"intent"`
	Constraints *DiscoverConstraints `json:"constraints,omitempty"`
	Limit       int                  `json:"limit,omitempty"`
}

// DiscoverConstraints narrows a discovery.
type DiscoverConstraints struct {
	MaxCredits   float64 `json:"maxCredits,omitempty"`
	OutputFormat string  `json:"outputFormat,omitempty"`
}

// Discovery is the reply of POST /v1/apps/discover.
type Discovery struct {
	Matches []DiscoveredApp `json:"matches"`
	Intent  Intent          `json:"intent"`
}

// DiscoveredApp is one app that matches an intent.
type DiscoveredApp struct {
	AppID            string        `json:"appId"`
	Name             string        `json:"name"`
	Description      *string       `json:"description"`
	RelevanceScore   float64       `json:"relevanceScore"`
	Capabilities     *Capabilities `json:"capabilities"`
	EstimatedCredits *float64      `json:"estimatedCredits"`
	WhyMatch         string        `json:"whyMatch"`
	Thumbnail        *Thumbnail    `json:"thumbnail,omitempty"`
}

// Intent is how the service understood the words of a discovery.
type Intent struct {
	Medium  string `json:"medium"`
	Summary string `json:"summary"`
}

// StartRun is the body of POST /v1/apps/{appId}/runs. Outputs selects output labels; empty means all.
type StartRun struct {
	Inputs  map[string]any `json:"inputs"`
	Outputs []string       `json:"outputs,omitempty"`
}

// RunStarted is the reply (202) of starting a run.
type RunStarted struct {
	RunID        string   `json:"runId"`
	ExecutionID  string   `json:"executionId,omitempty"` // the id in replies of older servers; moved to RunID
	WorkflowID   string   `json:"workflowId"`
	WorkflowName string   `json:"workflowName"`
	Status       Status   `json:"status"`
	WebhookURL   string   `json:"webhookUrl,omitempty"`
	Outputs      []Output `json:"outputs,omitempty"`
}

// Status is where a run is in its life.
type Status string

// The states of a run. The last three are final.
const (
	Queued    Status = "queued"
	Running   Status = "running"
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Final reports whether a run in this state will not change any more.
func (s Status) Final() bool { return s == Completed || s == Failed || s == Cancelled }

// Run is the state of a run, from GET /v1/runs/{runId} and in every event about it.
type Run struct {
	RunID        string     `json:"runId"`
	ExecutionID  string     `json:"executionId,omitempty"` // the id in replies of older servers; moved to RunID
	WorkflowID   string     `json:"workflowId"`
	Status       Status     `json:"status"`
	Outputs      []Output   `json:"outputs"`
	ErrorMessage *string    `json:"errorMessage"`
	StartedAt    *time.Time `json:"startedAt"`
	CompletedAt  *time.Time `json:"completedAt"`
	CreatedAt    time.Time  `json:"createdAt"`
	Quality      *Quality   `json:"quality,omitempty"`
	Progress     *Progress  `json:"progress,omitempty"`
}

// Quality is the verdict of an app's quality control.
type Quality struct {
	Score     *float64 `json:"score"`
	Threshold float64  `json:"threshold"`
	Passed    bool     `json:"passed"`
	Attempts  int      `json:"attempts"`
}

// Progress counts the outputs of a run.
type Progress struct {
	TotalOutputs     int      `json:"totalOutputs"`
	CompletedOutputs int      `json:"completedOutputs"`
	FailedOutputs    int      `json:"failedOutputs"`
	PercentComplete  *float64 `json:"percentComplete"`
}

// Output is one result of a run. Value is a URL string for media, the text itself for text, null while pending.
type Output struct {
	ID                   string            `json:"id"`
	Label                string            `json:"label"`
	Type                 string            `json:"type"`
	Value                json.RawMessage   `json:"value"`
	Status               string            `json:"status"`
	Error                *string           `json:"error"`
	MimeType             string            `json:"mimeType,omitempty"`
	ContentDescription   string            `json:"contentDescription,omitempty"`
	CompatibleInputTypes []string          `json:"compatibleInputTypes,omitempty"`
	SuggestedNextSteps   []json.RawMessage `json:"suggestedNextSteps,omitempty"`
	CanChainAs           []string          `json:"canChainAs,omitempty"`
	PlatformsOptimized   []string          `json:"platformsOptimized,omitempty"`
	Dimensions           *Dimensions       `json:"dimensions,omitempty"`
	DurationSeconds      float64           `json:"durationSeconds,omitempty"`
}

// Dimensions are a picture's width and height in pixels.
type Dimensions struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// RunSummary is one entry of GET /v1/runs.
type RunSummary struct {
	RunID        string     `json:"runId"`
	ExecutionID  string     `json:"executionId,omitempty"` // the id in replies of older servers; moved to RunID
	WorkflowID   string     `json:"workflowId"`
	Status       Status     `json:"status"`
	Source       string     `json:"source"`
	ErrorMessage *string    `json:"errorMessage"`
	StartedAt    *time.Time `json:"startedAt"`
	CompletedAt  *time.Time `json:"completedAt"`
	CreatedAt    time.Time  `json:"createdAt"`
}

// CancelledRun is the reply of POST /v1/runs/{runId}/cancel.
type CancelledRun struct {
	RunID  string `json:"runId"`
	Status Status `json:"status"`
}

// UploadFiles is the body of POST /v1/assets/upload-urls.
type UploadFiles struct {
	Files []UploadFile `json:"files"`
}

// UploadFile names a file to be uploaded; MediaType is image, video or audio.
type UploadFile struct {
	Filename  string `json:"filename"`
	MediaType string `json:"mediaType"`
}

// UploadURLs is the reply of POST /v1/assets/upload-urls.
type UploadURLs struct {
	Uploads []Upload `json:"uploads"`
}

// Upload says where to PUT the bytes of a file (with ContentTypeHint and without a credential) and where the file can
// be read afterwards.
type Upload struct {
	Filename        string     `json:"filename"`
	MediaType       string     `json:"mediaType"`
	ContentTypeHint string     `json:"contentTypeHint"`
	UploadURL       string     `json:"uploadUrl"`
	AssetURL        string     `json:"assetUrl"`
	AssetID         *string    `json:"assetId"`
	ExpiresAt       *time.Time `json:"expiresAt"`
}

// SigningKeys is the reply of GET /v1/webhooks/signing-key, which has no data envelope.
type SigningKeys struct {
	Keys []SigningKey `json:"keys"`
}

// SigningKey is an Ed25519 public key as a JWK (RFC 8037): X is the raw 32-byte key in unpadded base64url.
type SigningKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// ErrorBody is the error envelope of the API. Details is an array of strings or objects, or an object, depending on
// the age of the endpoint.
type ErrorBody struct {
	Error      string          `json:"error"`
	Code       string          `json:"code"`
	Retryable  bool            `json:"retryable"`
	RetryAfter int             `json:"retryAfter,omitempty"`
	Details    json.RawMessage `json:"details,omitempty"`
	RequestID  string          `json:"requestId"`
}
