package lamatic

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/jsontext"
)

// readPayload returns the payload of one run as a JSON object: the inputs of a file, if one is named, overridden by those of the
// command line.
func readPayload(ctx context.Context, env *cmdutil.Env, pairs []string, file string) (json.RawMessage, error) {
	values := map[string]any{}
	if file != "" {
		var err error
		if values, err = env.ReadObject(ctx, file); err != nil {
			return nil, err
		}
	}
	if err := cmdutil.MergeInputs(values, pairs, "lamina lamatic run WORKFLOW --input text=\"Hello\""); err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, fail.Usage("give the workflow an input: --input NAME=VALUE, or --file inputs.json",
			"a run needs at least one input, because Lamatic refuses an empty payload; a workflow without inputs accepts any, such as --input run=1")
	}
	return json.Marshal(values)
}

// A payload is the input of one run of a batch, with its workflow.
type payload struct {
	Workflow string          `json:"workflow"`
	Payload  json.RawMessage `json:"payload"`
}

// readPayloads reads the payloads of a batch: a JSON array of objects, or one object after the other. If workflow is empty, each
// object names its own. One invalid payload is an error for the whole file.
func readPayloads(ctx context.Context, env *cmdutil.Env, workflow, file string) ([]payload, error) {
	raw, err := env.ReadFile(ctx, file)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage("name a JSON or NDJSON file, or - for stdin", "could not read the payloads: %v", err))
	}
	values, err := jsontext.Split(raw)
	if err != nil {
		return nil, fail.Usage(`it should hold objects such as {"text": "Hello"}, one on each line`,
			"%s is neither a JSON array nor lines of JSON%s; nothing was sent", file, cmdutil.Place(err))
	}
	if len(values) == 0 {
		return nil, fail.Usage("", "%s holds no payloads", file)
	}
	var payloads []payload
	for i, value := range values {
		p := payload{Workflow: workflow, Payload: value}
		if workflow == "" {
			p = payload{}
			if json.Unmarshal(value, &p) != nil || p.Workflow == "" {
				return nil, fail.Usage("lamina lamatic batch WORKFLOW FILE",
					"payload %d of %s (the first is 0) names no workflow, as in {\"workflow\": ID, \"payload\": {…}}; nothing was sent", i, file)
			}
		}
		var inputs map[string]json.RawMessage
		if json.Unmarshal(p.Payload, &inputs) != nil || len(inputs) == 0 {
			return nil, fail.Usage("", "payload %d of %s (the first is 0) is not a JSON object with at least one input; nothing was sent", i, file)
		}
		payloads = append(payloads, p)
	}
	return payloads, nil
}
