package api

import (
	"encoding/json"
	"time"
)

// An Account is the user and the workspace of a credential, from GET /v1/account.
type Account struct {
	User        User         `json:"user"`
	Workspace   *Workspace   `json:"workspace"`
	Memberships []Membership `json:"memberships"`
}

// A User is a user of Lamina.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// A Workspace is the workspace of a credential, with the role of the user.
type Workspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
	Role string `json:"role"`
}

// A Membership is one workspace of a user.
type Membership struct {
	WorkspaceID string `json:"workspaceId"`
	Name        string `json:"name"`
	Slug        string `json:"slug"`
	Role        string `json:"role"`
}

// Pagination is the position of a page in a list.
type Pagination struct {
	Total  int `json:"total"`
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// An AppSummary is one item of GET /v1/apps. Older servers send only the first four fields.
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

// Capabilities describe what an app produces and how.
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

// An InputSummary lists the inputs of an app by name and type.
type InputSummary struct {
	Required []NamedType `json:"required"`
	Optional []NamedType `json:"optional"`
	Total    int         `json:"total"`
}

// A NamedType is the name and type of an input.
type NamedType struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// A Thumbnail is a sample output of an app. Type is image or video.
type Thumbnail struct {
	URL  string `json:"url"`
	Type string `json:"type"`
}

// An App is an app with its inputs and outputs, from GET /v1/apps/{appId}.
type App struct {
	AppID       string             `json:"appId"`
	Name        string             `json:"name"`
	Description *string            `json:"description"`
	Parameters  []Parameter        `json:"parameters"`
	Outputs     []OutputDescriptor `json:"outputs,omitempty"`
}

// A Parameter is one input of an app. Type is text, options or url. Required is unreliable; see MustSupply.
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

// An OutputDescriptor is one output of an app. Type is image, video, audio or text.
type OutputDescriptor struct {
	Index int    `json:"index"`
	Label string `json:"label"`
	Type  string `json:"type"`
}

// A Workflow is the graph of an app.
type Workflow struct {
	AppID string         `json:"appId"`
	Name  string         `json:"name"`
	Nodes []WorkflowNode `json:"nodes"`
	Edges []WorkflowEdge `json:"edges"`
}

// A WorkflowNode is a step of a workflow.
type WorkflowNode struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Label string `json:"label"`
}

// A WorkflowEdge connects two steps of a workflow by id.
type WorkflowEdge struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// A CostEstimate is the expected cost of a run, in credits.
type CostEstimate struct {
	AppID            string      `json:"appId"`
	Name             string      `json:"name"`
	EstimatedCredits CreditRange `json:"estimatedCredits"`
	Breakdown        []NodeCost  `json:"breakdown"`
	CurrentBalance   float64     `json:"currentBalance"`
	Affordable       bool        `json:"affordable"`
}

// A CreditRange is an expected number of credits with its bounds.
type CreditRange struct {
	Expected float64 `json:"expected"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`

	isKnown bool // in a response: it has a number
}

// A NodeCost is the cost of one step.
type NodeCost struct {
	NodeID   string  `json:"nodeId"`
	NodeType string  `json:"nodeType"`
	Credits  float64 `json:"credits"`
}

// A DiscoverRequest is the body of POST /v1/apps/discover.
type DiscoverRequest struct {
	Intent      string               `json:"intent"`
	Constraints *DiscoverConstraints `json:"constraints,omitempty"`
	Limit       int                  `json:"limit,omitempty"`
}

// DiscoverConstraints restrict a discovery.
type DiscoverConstraints struct {
	MaxCredits   float64 `json:"maxCredits,omitempty"`
	OutputFormat string  `json:"outputFormat,omitempty"`
}

// A Discovery is the result of POST /v1/apps/discover.
type Discovery struct {
	Matches []DiscoveredApp `json:"matches"`
	Intent  Intent          `json:"intent"`
}

// A DiscoveredApp is one app that matches an intent.
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

// An Intent is the interpretation of the words of a discovery.
type Intent struct {
	Medium  string `json:"medium"`
	Summary string `json:"summary"`
}

// A StartRun is the body of POST /v1/apps/{appId}/runs. Outputs are labels of outputs; empty means all.
type StartRun struct {
	Inputs  map[string]any `json:"inputs"`
	Outputs []string       `json:"outputs,omitempty"`
}

// A RunStarted is the response (202) to the start of a run.
type RunStarted struct {
	RunID        string   `json:"runId"`
	ExecutionID  string   `json:"executionId,omitempty"` // the id in responses of older servers; copied to RunID
	WorkflowID   string   `json:"workflowId"`
	WorkflowName string   `json:"workflowName"`
	Status       Status   `json:"status"`
	WebhookURL   string   `json:"webhookUrl,omitempty"`
	Outputs      []Output `json:"outputs,omitempty"`
}

// A Status is the state of a run.
type Status string

// The states of a run. The last three are final.
const (
	Queued    Status = "queued"
	Running   Status = "running"
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Final reports whether a run in this state has ended.
func (s Status) Final() bool { return s == Completed || s == Failed || s == Cancelled }

// A Run is a run with its state, from GET /v1/runs/{runId} and events.
type Run struct {
	RunID        string     `json:"runId"`
	ExecutionID  string     `json:"executionId,omitempty"` // the id in responses of older servers; copied to RunID
	WorkflowID   string     `json:"workflowId"`
	Status       Status     `json:"status"`
	Outputs      []Output   `json:"outputs"`
	ErrorMessage *string    `json:"errorMessage"`
	StartedAt    *time.Time `json:"startedAt"`
	CompletedAt  *time.Time `json:"completedAt"`
	CreatedAt    time.Time  `json:"createdAt"`
	Quality      *Quality   `json:"quality,omitempty"`
	Progress     *Progress  `json:"progress,omitempty"`
	Model        string     `json:"-"` // the model of a Generation; empty for a run of an app
}

// A Quality is the result of the quality control of an app.
type Quality struct {
	Score     *float64 `json:"score"`
	Threshold float64  `json:"threshold"`
	Passed    bool     `json:"passed"`
	Attempts  int      `json:"attempts"`
}

// Progress is the number of outputs of a run by state.
type Progress struct {
	TotalOutputs     int      `json:"totalOutputs"`
	CompletedOutputs int      `json:"completedOutputs"`
	FailedOutputs    int      `json:"failedOutputs"`
	PercentComplete  *float64 `json:"percentComplete"`
}

// An Output is one output of a run. Value is a string, the URL of media or the text, and null while the output is pending.
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

// Dimensions are the width and height of an image in pixels.
type Dimensions struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// A RunSummary is one item of GET /v1/runs.
type RunSummary struct {
	RunID        string     `json:"runId"`
	ExecutionID  string     `json:"executionId,omitempty"` // the id in responses of older servers; copied to RunID
	WorkflowID   string     `json:"workflowId"`
	Status       Status     `json:"status"`
	Source       string     `json:"source"`
	ErrorMessage *string    `json:"errorMessage"`
	StartedAt    *time.Time `json:"startedAt"`
	CompletedAt  *time.Time `json:"completedAt"`
	CreatedAt    time.Time  `json:"createdAt"`
}

// A CancelledRun is the response of POST /v1/runs/{runId}/cancel.
type CancelledRun struct {
	RunID  string `json:"runId"`
	Status Status `json:"status"`
}

// An UploadFiles is the body of POST /v1/assets/upload-urls.
type UploadFiles struct {
	Files []UploadFile `json:"files"`
}

// An UploadFile is a file to upload. MediaType is image, video or audio.
type UploadFile struct {
	Filename  string `json:"filename"`
	MediaType string `json:"mediaType"`
}

// An UploadURLs is the response of POST /v1/assets/upload-urls.
type UploadURLs struct {
	Uploads []Upload `json:"uploads"`
}

// An Upload has the URL for the bytes of a file (PUT with ContentTypeHint and without a credential) and the URL of the file
// after the upload.
type Upload struct {
	Filename        string     `json:"filename"`
	MediaType       string     `json:"mediaType"`
	ContentTypeHint string     `json:"contentTypeHint"`
	UploadURL       string     `json:"uploadUrl"`
	AssetURL        string     `json:"assetUrl"`
	AssetID         *string    `json:"assetId"`
	ExpiresAt       *time.Time `json:"expiresAt"`
}

// A SigningKeys is the response of GET /v1/webhooks/signing-key, which has no envelope.
type SigningKeys struct {
	Keys []SigningKey `json:"keys"`
}

// A SigningKey is an Ed25519 public key as a JWK (RFC 8037). X is the key of 32 bytes in unpadded base64url.
type SigningKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// An ErrorBody is the error envelope of the API. Details has several shapes; see ParseDetails.
type ErrorBody struct {
	Error      string          `json:"error"`
	Code       string          `json:"code"`
	Retryable  bool            `json:"retryable"`
	RetryAfter int             `json:"retryAfter,omitempty"`
	Details    json.RawMessage `json:"details,omitempty"`
	RequestID  string          `json:"requestId"`
}

// String returns the value of an optional string; empty if it is absent.
func String(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
