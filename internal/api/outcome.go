package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A ContentKind says what the service made of a brief.
type ContentKind string

// The kinds of a ContentOutcome. Their values are those of the field status, where it has one.
const (
	ContentRan                ContentKind = "ran" // a run was started
	ContentPlanned            ContentKind = "plan"
	ContentPreviewed          ContentKind = "preview"
	ContentNeedsInput         ContentKind = "needs_input"
	ContentNeedsClarification ContentKind = "needs_clarification"
	ContentNeedsChoice        ContentKind = "needs_choice"
	ContentUnmatched          ContentKind = "unmatched"
	ContentAgentFailed        ContentKind = "agent_failed"
	ContentUnknown            ContentKind = "" // none of these
)

// A ContentOutcome is the response of create, plan, auto-generate, preview-run and run below /v1/content. Services of several
// generations send different fields; the rest are zero. Decoding ignores fields of an unexpected type.
type ContentOutcome struct {
	Kind         ContentKind
	Status, Mode string // as the service sent them
	RunID        string
	AppID        string
	AppName      string
	Rationale    string
	Inputs       []DraftedInput // by name
	Questions    []Question     // inputs to ask for, or clarifications
	Form         []FormField
	Outputs      []string // labels
	Warnings     []Remark
	Errors       []Remark
	Reason       string
	Candidates   []Candidate
	Variants     int
	Submitted    int
	Failed       int
	Credits      loose.Number
	ManageURL    string
	Freestyle    json.RawMessage // the plan of a run without an app
}

// A DraftedInput is an input that the service filled in. Source says from what, if the service says it.
type DraftedInput struct {
	Name   string
	Value  json.RawMessage
	Source string
}

// AskOutputs is the name of a question that asks for labels of outputs, not for an input.
const AskOutputs = "__outputs"

// A Question is what the service asks before it can start a run. Name is the input, or AskOutputs; empty for a clarification.
type Question struct{ Name, Text string }

// UnmarshalJSON implements json.Unmarshaler. A question is an object of one of two generations, or its text.
func (q *Question) UnmarshalJSON(raw []byte) error {
	*q = Question{}
	if json.Unmarshal(raw, &q.Text) == nil {
		return nil
	}
	var o struct{ Name, Key, ID, Question, AskUser, Purpose loose.Text }
	_ = loose.Unmarshal(raw, &o) // any other shape has no text
	q.Name = string(cmp.Or(o.Name, o.Key, o.ID))
	q.Text = string(cmp.Or(o.Question, o.AskUser, o.Purpose))
	return nil
}

// A Remark is a warning or an error of the service, about a field if it names one.
type Remark struct{ Field, Message string }

// UnmarshalJSON implements json.Unmarshaler. A remark is an object or its text.
func (r *Remark) UnmarshalJSON(raw []byte) error {
	var d wireDetail
	_ = d.UnmarshalJSON(raw) // never fails
	*r = Remark{Field: d.Field, Message: d.Message}
	return nil
}

// A Candidate is an app that fits a brief.
type Candidate struct {
	AppID       string
	Name        string
	Description string
	Missing     []string // names of required inputs that the brief does not have
	Draftable   []string // names of inputs that can be drafted
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Candidate) UnmarshalJSON(raw []byte) error {
	var o struct {
		AppID, Name, Description               loose.Text
		MissingRequiredInputs, DraftableInputs []Question // names, or objects with a name
	}
	_ = loose.Unmarshal(raw, &o) // any other shape is empty
	*c = Candidate{AppID: string(o.AppID), Name: string(o.Name), Description: string(o.Description)}
	for _, q := range o.MissingRequiredInputs {
		c.Missing = append(c.Missing, cmp.Or(q.Name, q.Text))
	}
	for _, q := range o.DraftableInputs {
		c.Draftable = append(c.Draftable, cmp.Or(q.Name, q.Text))
	}
	return nil
}

// A FormField is an input that a preview offers to change. Kind is text, select, image, video, audio or multiSelect.
type FormField struct {
	Kind, Name, Question, Placeholder string
	Options                           []string
	Default                           json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *FormField) UnmarshalJSON(raw []byte) error {
	var o struct {
		Kind, Name, Question, Placeholder loose.Text
		Options                           []optionText
		SuggestedDefault                  json.RawMessage
	}
	_ = loose.Unmarshal(raw, &o) // any other shape is empty
	*f = FormField{
		Kind: string(o.Kind), Name: string(o.Name), Question: string(o.Question), Placeholder: string(o.Placeholder),
		Default: o.SuggestedDefault,
	}
	for _, option := range o.Options {
		f.Options = append(f.Options, string(option))
	}
	return nil
}

// An optionText is an option: a string, or an object with a value or a label.
type optionText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *optionText) UnmarshalJSON(raw []byte) error {
	var text loose.Text
	_ = text.UnmarshalJSON(raw) // never fails
	if text == "" {
		var o struct{ Value, Label loose.Text }
		_ = loose.Unmarshal(raw, &o) // any other shape is empty
		text = cmp.Or(o.Label, o.Value)
	}
	*t = optionText(text)
	return nil
}

// wireOutcome has every field of a ContentOutcome that a source documents.
type wireOutcome struct {
	Status, Mode, RunID, ExecutionID, WorkflowID, WorkflowName, Reason, Rationale loose.Text

	SelectedApp             struct{ AppID, ID, Name, AppName, Rationale loose.Text }
	DraftedInputs, Drafted  map[string]json.RawMessage
	AskUser, Clarifications []Question
	SelectedOutputs         []optionText
	Form                    []FormField
	Warnings, Errors        []Remark
	Candidates              []Candidate
	Estimate                struct {
		Credits   loose.Number
		ManageURL loose.Text
	}
	FreestylePlan                            json.RawMessage
	NumVariants, SubmittedCount, FailedCount loose.Number
}

// UnmarshalJSON implements json.Unmarshaler. It returns an error if raw is not an object.
func (o *ContentOutcome) UnmarshalJSON(raw []byte) error {
	var w wireOutcome
	if err := loose.Unmarshal(raw, &w); err != nil {
		return err
	}
	*o = ContentOutcome{
		Status: string(w.Status), Mode: string(w.Mode), RunID: string(cmp.Or(w.RunID, w.ExecutionID)),
		AppID:     string(cmp.Or(w.SelectedApp.AppID, w.SelectedApp.ID, w.WorkflowID)),
		AppName:   string(cmp.Or(w.SelectedApp.Name, w.SelectedApp.AppName, w.WorkflowName)),
		Rationale: string(cmp.Or(w.SelectedApp.Rationale, w.Rationale)), Inputs: drafts(w.Drafted, w.DraftedInputs),
		Questions: slices.Concat(w.AskUser, w.Clarifications), Form: w.Form, Warnings: w.Warnings, Errors: w.Errors,
		Reason: string(w.Reason), Candidates: usable(w.Candidates), Variants: count(w.NumVariants), Submitted: count(w.SubmittedCount),
		Failed: count(w.FailedCount), Credits: w.Estimate.Credits, ManageURL: string(w.Estimate.ManageURL), Freestyle: w.FreestylePlan,
	}
	for _, label := range w.SelectedOutputs {
		o.Outputs = append(o.Outputs, string(label))
	}
	o.Kind = o.kind()
	return nil
}

// usable returns the candidates that can be chosen: those with an app.
func usable(all []Candidate) []Candidate {
	return slices.DeleteFunc(all, func(c Candidate) bool { return c.AppID == "" })
}

func count(n loose.Number) int {
	whole, _ := n.Count()
	return int(whole)
}

// kind derives the kind from status, mode and run id. An older service sends the status of the run.
func (o *ContentOutcome) kind() ContentKind {
	known := []ContentKind{ContentPlanned, ContentNeedsInput, ContentNeedsClarification, ContentNeedsChoice, ContentUnmatched, ContentAgentFailed}
	switch {
	case slices.Contains(known, ContentKind(o.Status)):
		return ContentKind(o.Status)
	case o.Mode == string(ContentAgentFailed):
		return ContentAgentFailed
	case o.RunID != "":
		return ContentRan
	case o.Status == string(ContentRan):
		return ContentUnknown
	case o.Mode == "app" && o.AppID != "", o.Mode == "freestyle" && len(o.Freestyle) > 0:
		return ContentPreviewed
	}
	return ContentUnknown
}

// drafts returns drafted inputs by name. A value is plain, or an object of the value and its source.
func drafts(all ...map[string]json.RawMessage) []DraftedInput {
	values := map[string]json.RawMessage{}
	for _, m := range all {
		maps.Copy(values, m)
	}
	var drafted []DraftedInput
	for _, name := range slices.Sorted(maps.Keys(values)) {
		d := DraftedInput{Name: name, Value: values[name]}
		var fields map[string]json.RawMessage
		_ = json.Unmarshal(values[name], &fields) // a plain value has none
		if value, hasValue := fields["value"]; hasValue && (len(fields) == 1 || fields["source"] != nil) {
			var source loose.Text
			_ = json.Unmarshal(fields["source"], &source)
			d.Value, d.Source = value, string(source)
		}
		drafted = append(drafted, d)
	}
	return drafted
}
