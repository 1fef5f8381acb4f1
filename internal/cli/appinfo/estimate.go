package appinfo

import (
	"fmt"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
)

// WriteEstimate shows what a run of an app costs, and which steps cost it.
func WriteEstimate(p *output.Page, e api.CostEstimate) {
	p.Line("%s", p.Bold(e.Name))
	p.Fields("cost", cost(e.EstimatedCredits), "credits left", fmt.Sprintf("%g", e.CurrentBalance))
	if !e.Affordable {
		p.Line("%s", p.Bad("The workspace has not enough credits."))
	}
	if len(e.Breakdown) == 0 {
		return
	}
	var rows [][]string
	for _, step := range e.Breakdown {
		rows = append(rows, []string{step.NodeType, fmt.Sprintf("%g", step.Credits), step.NodeID})
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
		return fmt.Sprintf("%g credits", most)
	}
	return fmt.Sprintf("%g credits (%g to %g)", c.Expected, c.Min, most)
}
