package appinfo

import (
	"fmt"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
)

// WriteEstimate shows what a run of an app costs, and which steps cost it.
func WriteEstimate(p *output.Page, e api.CostEstimate) {
	p.Line("%s", p.Bold(e.Name))
	p.Fields("cost", cost(e.EstimatedCredits), "credits left", output.Number(e.CurrentBalance))
	if !e.Affordable {
		p.Line("%s", p.Bad("The workspace has not enough credits."))
	}
	if len(e.Breakdown) == 0 {
		return
	}
	var rows [][]string
	for _, step := range e.Breakdown {
		rows = append(rows, []string{step.NodeType, output.Number(step.Credits), step.NodeID})
	}
	p.Line("")
	p.Table([]string{"STEP", "CREDITS", "ID"}, rows)
}

func cost(c api.CreditRange) string {
	most, isKnown := c.Most()
	switch {
	case !isKnown:
		return "unknown"
	case c.Min == most:
		return output.Number(most) + " credits"
	}
	return fmt.Sprintf("%s credits (%s to %s)", output.Number(c.Expected), output.Number(c.Min), output.Number(most))
}
