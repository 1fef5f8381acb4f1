package planner

import (
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// A Request is what a brief and the fields beside it ask for.
type Request struct {
	Brief                      string
	Document                   map[string]any // texts and addresses that the brief may lack
	Platform                   string
	Modality                   string
	AspectRatio                string
	App                        *apps.App // the app that the request names
	Template                   *Template // the template that the request names
	BrandProfileID, CampaignID string
	Inputs                     map[string]any
}

// A Decision is what to do with a request. If App is nil, Tied holds the apps that fit equally well; without any, none fits.
type Decision struct {
	App       *apps.App
	Tied      []apps.App
	Rationale string
	Reason    string // why there is no app
	Inputs    map[string]any
	Sources   map[string]string // of each input: request, template, brief, document, platform, brand
	Questions []Question        // for required inputs that are missing
	Outputs   []string          // the labels that the brief names; none means all
	Warnings  []Warning
}

// A Question asks for an input. Name is AskOutputs for the labels of outputs.
type Question struct {
	Name     string `json:"name"`
	Question string `json:"question"`
}

// AskOutputs is the name of the question for the labels of outputs.
const AskOutputs = "__outputs"

// A Warning is about something that was left out.
type Warning struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Decide chooses the app for a request and drafts its inputs.
func Decide(r Request) Decision {
	if r.Template != nil && r.App == nil {
		app, _ := apps.Find(r.Template.app)
		r.App = &app
	}
	if r.App != nil {
		d := draft(r, *r.App)
		d.Rationale = "The request names " + r.App.Name
		if r.Template != nil {
			d.Rationale = fmt.Sprintf("The template %s uses %s", r.Template.Name, r.App.Name)
		}
		return d
	}
	found, rationale := best(r.Brief, r.Modality)
	switch {
	case len(found) == 0 && r.Modality != "":
		return Decision{Reason: fmt.Sprintf("No app that makes %s has a word of the brief in its name or keywords", r.Modality)}
	case len(found) == 0:
		return Decision{Reason: "No app has a word of the brief in its name or keywords"}
	case len(found) > 1:
		return Decision{Tied: found, Reason: "Several apps fit the brief equally well: " + appNames(found)}
	}
	d := draft(r, found[0])
	d.Rationale = rationale
	return d
}

// appNames returns the names of apps as a list of choices.
func appNames(all []apps.App) string {
	var names []string
	for _, app := range all {
		names = append(names, app.Name)
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return strings.Join(names, "")
}

// Clarifications returns the question that decides between the tied apps.
func (d Decision) Clarifications() []Clarification {
	return []Clarification{{Question: "Which app do you mean: " + appNames(d.Tied) + "?"}}
}

// A Clarification is a question about the brief.
type Clarification struct {
	Question string `json:"question"`
}

// A Candidate is an app that a user may choose for a field of a document.
type Candidate struct {
	AppID                 string   `json:"appId"`
	Name                  string   `json:"name"`
	Description           string   `json:"description"`
	MissingRequiredInputs []string `json:"missingRequiredInputs"`
	DraftableInputs       []string `json:"draftableInputs"`
}

// Candidates returns the apps to choose from: the chosen one that lacks inputs, the tied ones, or all of the modality.
func (d Decision) Candidates(r Request) []Candidate {
	choices := d.Tied
	if d.App != nil {
		choices = []apps.App{*d.App}
	}
	if len(choices) == 0 {
		for _, app := range apps.All() {
			if makes(app, r.Modality) {
				choices = append(choices, app)
			}
		}
	}
	candidates := []Candidate{}
	for _, app := range choices {
		c := Candidate{
			AppID: app.ID, Name: app.Name, Description: app.Description, MissingRequiredInputs: []string{}, DraftableInputs: []string{},
		}
		drafted := draft(r, app)
		for _, q := range drafted.Questions {
			if q.Name != AskOutputs {
				c.MissingRequiredInputs = append(c.MissingRequiredInputs, q.Name)
			}
		}
		for _, p := range app.Parameters {
			if _, isDrafted := drafted.Inputs[p.Key]; isDrafted {
				c.DraftableInputs = append(c.DraftableInputs, p.Key)
			}
		}
		candidates = append(candidates, c)
	}
	return candidates
}

// A Pick is what carries out a run without an app.
type Pick struct {
	AppID string `json:"appId"`
	Name  string `json:"name"`
}
