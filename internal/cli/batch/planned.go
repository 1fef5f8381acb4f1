package batch

import (
	"fmt"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/output"
)

// What the command plan did.
const (
	statePlanned   = "planned"
	stateUnchanged = "unchanged"
	stateChanged   = "changed"
	stateRestored  = "restored"
	stateEstimated = "estimated"
)

// A result is what the command plan says.
type result struct {
	State          string        `json:"state"`
	Dir            string        `json:"dir,omitempty"`
	Batch          string        `json:"batch,omitempty"`
	App            resultApp     `json:"app"`
	Items          int           `json:"items"`
	Duplicates     int           `json:"duplicates"`
	Shards         int           `json:"shards"`
	Files          int           `json:"files"`
	Uploaded       int           `json:"uploaded"`
	CreditsPerItem *float64      `json:"creditsPerItem"`
	Credits        *float64      `json:"credits"`
	CreditsLeft    *float64      `json:"creditsLeft"`
	Changes        *plan.Changes `json:"changes,omitempty"`
	Next           string        `json:"next"`

	g       *gathering
	balance *float64
}

type resultApp struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// complete sets what the plan and the items say.
func (r *result) complete(app plan.App, n, shards int, perItem *float64) {
	r.App = resultApp{ID: app.ID, Name: app.Name}
	r.Items, r.Shards, r.CreditsPerItem, r.CreditsLeft = n, shards, perItem, r.balance
	r.Duplicates, r.Files, r.Uploaded = r.g.ids.Duplicates, len(r.g.files), r.g.uploaded
	if perItem != nil {
		all := *perItem * float64(n)
		r.Credits = &all
	}
}

// show prints what was planned.
func (o *planOptions) show(p *plan.Plan, r result) error {
	r.Dir, r.Batch, r.Next = o.dir, p.Batch, o.env.Command("batch", "run", o.dir)
	r.complete(p.App, p.Items, p.Shards, p.CreditsPerItem)
	return o.env.Print(r, r.write)
}

// showEstimate prints what the batch would cost.
func (o *planOptions) showEstimate(g *gathering, perItem, balance *float64) error {
	r := result{g: g, balance: balance, State: stateEstimated, Next: o.again(o.app)}
	if o.dir == "" {
		r.Next = o.env.Command("batch", "plan", o.app, o.items, "--out", "DIR")
	}
	r.complete(plan.App{ID: g.app.AppID, Name: g.app.Name}, g.draft.Items(), o.shards, perItem)
	return o.env.Print(r, r.write)
}

// write shows the result.
func (r *result) write(p *output.Page) {
	switch r.State {
	case stateUnchanged:
		p.Line("%s", p.Bold("The batch in "+r.Dir+" is planned already; nothing was changed."))
	case stateRestored:
		p.Line("%s", p.Bold("The items of the batch in "+r.Dir+" are restored."))
	case stateEstimated:
		p.Line("%s", p.Bold("A batch of "+r.App.Name+" (nothing was written)"))
	default:
		p.Line("%s", p.Bold("Planned a batch of "+r.App.Name+" in "+r.Dir))
	}
	fields := []string{"items", fmt.Sprint(r.Items)}
	if r.Duplicates > 0 {
		fields = append(fields, "duplicates", fmt.Sprintf("%d, %s", r.Duplicates, r.kept()))
	}
	if c := r.Changes; c != nil {
		fields = append(fields, "changes", fmt.Sprintf("%d changed, %d new, %d gone", c.Changed, c.New, c.Gone))
	}
	if r.Files > 0 {
		fields = append(fields, "files", r.files())
	}
	fields = append(fields, "shards", fmt.Sprint(r.Shards), "cost", r.cost())
	if r.CreditsLeft != nil {
		fields = append(fields, "credits left", output.Number(*r.CreditsLeft))
	}
	p.Fields(fields...)
	if r.Credits != nil && r.CreditsLeft != nil && *r.Credits > *r.CreditsLeft {
		p.Wrapped("%s", p.Bad("The workspace has not enough credits for all items."))
	}
	p.Line("\nNext: %s", p.Command(r.Next))
}

// kept says what became of duplicates.
func (r *result) kept() string {
	if r.g.ids.KeepDuplicates {
		return "kept"
	}
	return "left out"
}

// files says how many files were uploaded.
func (r *result) files() string {
	if r.State == stateEstimated {
		return fmt.Sprintf("%d to upload", r.Files)
	}
	return fmt.Sprintf("%d, %d uploaded now", r.Files, r.Uploaded)
}

// cost says what the batch costs.
func (r *result) cost() string {
	if r.Credits == nil {
		return "unknown"
	}
	return fmt.Sprintf("up to %s credits, %s an item", output.Number(*r.Credits), output.Number(*r.CreditsPerItem))
}
