// Package lamatic holds the commands of Lamatic, which run the workflows of a project.
package lamatic

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lamatic"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// New returns the command lamatic.
func New(env *cmdutil.Env) *cobra.Command {
	cmd := cmdutil.NewNoun("lamatic", "Run workflows of a Lamatic project and follow them", newRun(env), newStatus(env), newBatch(env))
	cmd.Long = "Run workflows of a project of Lamatic (lamatic.ai). Sign in with 'lamina login --provider lamatic', or set\n" +
		"LAMATIC_API_KEY, LAMATIC_PROJECT_ID and LAMATIC_ENDPOINT (the Project URL).\n\n" +
		"Lamatic documents no runtime requests other than running workflows: it has no list of workflows and no keys. To send any\n" +
		"GraphQL, use lamina api --provider lamatic . -f query='{ __typename }'"
	return cmd
}

// newClient returns the client of the project in use.
func newClient(env *cmdutil.Env) (*lamatic.Client, error) {
	s, err := env.Sessions.OpenFor(provider.Lamatic())
	if err != nil {
		return nil, err
	}
	return lamatic.New(s.Client()), nil
}

// printResult prints a result. A failed workflow is an error, and nothing is written to stdout.
func printResult(env *cmdutil.Env, r *lamatic.Result) error {
	if r.State() == lamatic.Failed {
		return failedError(r)
	}
	return env.Printer.Data(r.Raw, func(p *output.Page) { writeResult(p, r, waitCommand(env, r.RunID)) })
}

// writeResult shows a result. next is the command that waits for a run that continues.
func writeResult(p *output.Page, r *lamatic.Result, next string) {
	switch r.State() {
	case lamatic.Failed:
		p.Line("%s", p.Bad(cmp.Or(r.Status, "failed")))
		p.Fields("request", r.RunID, "reason", r.Message)
	case lamatic.Running:
		p.Line("%s", p.Busy(cmp.Or(r.Status, "processing")))
		p.Fields("request", r.RunID)
		if r.RunID != "" {
			p.Line("\n%s", p.Command(next))
		}
	default:
		p.Line("%s", p.Good(cmp.Or(r.Status, "success")))
		writeOutput(p, r.Output)
	}
}

// waitCommand returns the command that waits for a run.
func waitCommand(env *cmdutil.Env, runID string) string {
	return env.Command("lamatic", "status", runID, "--wait")
}

// writeOutput shows the output of a workflow: an object as fields, any other JSON as it is.
func writeOutput(p *output.Page, raw json.RawMessage) {
	pairs, isObject := members(raw)
	if !isObject && raw != nil {
		p.Verbatim("", output.PlainJSON(raw))
	}
	var short []string
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(pair[1], "\n") {
			short = append(short, pair...)
			continue
		}
		p.Fields(short...)
		short = nil
		p.Line("%s", p.Faint(pair[0]))
		p.Verbatim("  ", pair[1])
	}
	p.Fields(short...)
}

// members returns the names and values of a JSON object in their order, and whether raw is an object.
func members(raw json.RawMessage) (pairs []string, isObject bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if opening, err := d.Token(); err != nil || opening != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		pairs = append(pairs, fmt.Sprint(name), output.PlainJSON(value))
	}
	return pairs, true
}
