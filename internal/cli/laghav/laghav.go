// Package laghav holds the commands of Laghav, which shortens prompts: complete, playground, and those that manage keys,
// applications and budgets.
package laghav

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// New returns the command laghav.
func New(env *cmdutil.Env) *cobra.Command {
	cmd := cmdutil.NewNoun("laghav", "Use Laghav: shorter prompts, its keys, applications and budgets",
		newComplete(env),
		newPlayground(env),
		cmdutil.NewNoun("keys", "Use the API keys: list, create and revoke them", newKeysList(env), newKeysCreate(env), newKeysRevoke(env)),
		cmdutil.ListByDefault(cmdutil.NewNoun("apps", "Use the applications: list and create them", newAppsList(env), newAppsCreate(env))),
		cmdutil.ListByDefault(cmdutil.NewNoun("budgets", "Use the budgets of teams: list and create them", newBudgetsList(env), newBudgetsCreate(env))),
	)
	cmd.Long = "Laghav shortens prompts before a model reads them, and chooses the cheapest suitable model.\n\n" +
		"Sign in with 'lamina login --provider laghav', or set LAGHAV_API_KEY. For requests without a command, use\n" +
		"'lamina api --provider laghav PATH'."
	return cmd
}

// newClient opens the credential of Laghav and returns its client.
func newClient(env *cmdutil.Env) (*laghav.Client, *session.Session, error) {
	s, err := env.Sessions.OpenFor(provider.Laghav())
	if err != nil {
		return nil, nil, err
	}
	return laghav.New(s.Client()), s, nil
}

// list prints what a method of the client lists.
func list[T any](
	ctx context.Context, env *cmdutil.Env, fetch func(*laghav.Client, context.Context) ([]T, json.RawMessage, error), write func(*output.Page, []T),
) error {
	client, _, err := newClient(env)
	if err != nil {
		return err
	}
	items, raw, err := fetch(client, ctx)
	if err != nil {
		return err
	}
	return env.Printer.Data(raw, func(p *output.Page) { write(p, items) })
}

// describeFigures returns the savings of a call on one line.
func describeFigures(f laghav.Figures) string {
	parts := []string{fmt.Sprintf("%d -> %d tokens (%.0f%% saved)", f.Original, f.Compressed, f.SavedPct())}
	if f.Quality != nil {
		parts = append(parts, fmt.Sprintf("quality %.0f", *f.Quality))
	}
	if f.CostOriginal > 0 {
		parts = append(parts, fmt.Sprintf("%s instead of %s", dollars(f.CostActual), dollars(f.CostOriginal)))
	}
	if f.CacheHit {
		parts = append(parts, "from the cache")
	}
	if len(f.Rules) > 0 {
		parts = append(parts, "rules: "+strings.Join(f.Rules, ", "))
	}
	return strings.Join(parts, "; ")
}

// dollars formats an amount of US dollars. Small amounts have up to six decimals.
func dollars(usd float64) string {
	if usd == 0 || usd >= 1 {
		return fmt.Sprintf("$%.2f", usd)
	}
	return "$" + strings.TrimRight(fmt.Sprintf("%.6f", usd), "0")
}

// writeText writes a whole text to stdout, which then ends with one line break.
func writeText(env *cmdutil.Env, text string) error {
	return env.Printer.Text(strings.TrimRight(text, "\n") + "\n")
}
