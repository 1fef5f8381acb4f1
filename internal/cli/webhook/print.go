package webhook

import (
	"cmp"
	"encoding/json"
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
func run(d inbox.Delivery) (raw json.RawMessage, workflowID string) {
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	var fields struct {
		WorkflowID string `json:"workflowId"`
	}
	if json.Unmarshal(d.Body, &envelope) != nil || json.Unmarshal(envelope.Data, &fields) != nil {
		return json.RawMessage("null"), ""
	}
	return envelope.Data, fields.WorkflowID
}

// appName returns the short name of an app that this machine knows, and otherwise its id.
func appName(env *cmdutil.Env, id string) string {
	if id == "" {
		return "run"
	}
	return cmp.Or(complete.AppName(env, id), id)
}

// printDelivery writes a delivery as one line: of text, or of JSON with the run as data.
func printDelivery(env *cmdutil.Env, d inbox.Delivery) error {
	data, app := run(d)
	if env.Printer.Machine() {
		raw, err := json.Marshal(struct {
			Data     json.RawMessage `json:"data"`
			Delivery received        `json:"delivery"`
		}{data, receivedOf(d)})
		if err != nil {
			return err
		}
		return env.Printer.Line(raw)
	}
	return env.Printer.Data(nil, func(p *output.Page) {
		p.Line("%s  %s  %s  %s", p.Faint(d.ReceivedAt.Local().Format(time.TimeOnly)), appName(env, app), cmp.Or(d.Status, "ended"), d.ID)
	})
}
