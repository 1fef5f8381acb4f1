package api

import (
	"cmp"

	"github.com/uselamina/lamina/internal/api/loose"
)

// Concepts are the response of POST /v1/content/brief.
type Concepts struct {
	Concepts []Concept `json:"concepts"`
}

// A Concept is an idea for content, with the prompt that produces it.
type Concept struct {
	Title                string     `json:"title"`
	Concept              string     `json:"concept"`
	Prompt               string     `json:"prompt"`
	Platform             string     `json:"platform"`
	Modality             string     `json:"modality"`
	Format               string     `json:"format"`
	PredictedPerformance anyText    `json:"predictedPerformance"`
	Rationale            loose.Text `json:"rationale"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (c *Concept) UnmarshalJSON(raw []byte) error {
	type plain Concept
	*c = Concept{}
	_ = loose.Unmarshal(raw, (*plain)(c)) // any other shape is empty
	return nil
}

// Scores are the response of POST /v1/content/score.
type Scores struct {
	ItemsScanned  loose.Number `json:"itemsScanned"`
	ScoresCreated loose.Number `json:"scoresCreated"`
	Scores        []Score      `json:"scores"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (s *Scores) UnmarshalJSON(raw []byte) error {
	type plain Scores
	*s = Scores{}
	return loose.Unmarshal(raw, (*plain)(s))
}

// A Score is the score of a content item. Older services send it as 0 to 100, with feedback instead of a label.
type Score struct {
	ContentItemID loose.Text
	Score         loose.Number
	Label         loose.Text
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Score) UnmarshalJSON(raw []byte) error {
	var o struct {
		ContentItemID       loose.Text
		Score, OverallScore loose.Number
		Label, Feedback     loose.Text
	}
	_ = loose.Unmarshal(raw, &o) // any other shape is empty
	*s = Score{ContentItemID: o.ContentItemID, Score: cmp.Or(o.Score, o.OverallScore), Label: cmp.Or(o.Label, o.Feedback)}
	return nil
}

// A Batch is the response of POST /v1/content/batch.
type Batch struct {
	BatchID loose.Text   `json:"batchId"`
	Total   loose.Number `json:"total"`
	Queued  loose.Number `json:"queued"`
	Failed  loose.Number `json:"failed"`
	Items   []BatchItem  `json:"items"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (b *Batch) UnmarshalJSON(raw []byte) error {
	type plain Batch
	*b = Batch{}
	return loose.Unmarshal(raw, (*plain)(b))
}

// A BatchItem is the result of one item. Status is queued or failed.
type BatchItem struct {
	Index        loose.Number `json:"index"`
	Status       loose.Text   `json:"status"`
	RunID        loose.Text   `json:"runId"`
	WorkflowName loose.Text   `json:"workflowName"`
	Error        Remark       `json:"error"`
}

// UnmarshalJSON implements json.Unmarshaler. Fields of an unexpected type are ignored.
func (i *BatchItem) UnmarshalJSON(raw []byte) error {
	type plain BatchItem
	*i = BatchItem{}
	_ = loose.Unmarshal(raw, (*plain)(i)) // any other shape is empty
	return nil
}

// IsFailed reports whether the item started no run.
func (i BatchItem) IsFailed() bool { return i.RunID == "" }
