package webhook

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// received is what this program knows of a delivery, besides its body. It is part of JSON output.
type received struct {
	RunID      string            `json:"runId"`
	Status     string            `json:"status"`
	Source     string            `json:"source"`
	ReceivedAt time.Time         `json:"receivedAt"`
	Headers    map[string]string `json:"headers,omitempty"`
}

func receivedOf(d inbox.Delivery) received {
	return received{d.ID, d.Status, d.Source, d.ReceivedAt, d.Headers}
}

// run returns the member data of the body of a delivery.
func run(d inbox.Delivery) json.RawMessage {
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(d.Body, &envelope) != nil || envelope.Data == nil {
		return json.RawMessage("null")
	}
	return envelope.Data
}

// appOf returns the short name of the app of a delivery, if this machine knows it, and otherwise its id.
func appOf(env *cmdutil.Env, d inbox.Delivery) string {
	var fields struct {
		WorkflowID string `json:"workflowId"`
	}
	if json.Unmarshal(run(d), &fields) != nil || fields.WorkflowID == "" {
		return "run"
	}
	return cmp.Or(complete.AppName(env, fields.WorkflowID), fields.WorkflowID)
}

// printDelivery writes a delivery as one line: of text, or of JSON with the run as data.
func printDelivery(env *cmdutil.Env, d inbox.Delivery) error {
	if env.Printer.Machine() {
		about, err := json.Marshal(receivedOf(d))
		if err != nil {
			return err
		}
		return env.Printer.Line(slices.Concat([]byte(`{"data":`), run(d), []byte(`,"delivery":`), about, []byte("}")))
	}
	return env.Printer.Data(nil, func(p *output.Page) {
		p.Line("%s  %s  %s  %s", p.Faint(d.ReceivedAt.Local().Format(time.TimeOnly)), appOf(env, d), cmp.Or(d.Status, "ended"), d.ID)
	})
}
