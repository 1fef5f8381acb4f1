package lightfast

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lightfast"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newContents(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "contents ID…",
		Short: "Print documents in full",
		Long: "Print documents in full, by the ids that a search shows. Unknown ids are named on stderr. If all are unknown, the exit\n" +
			"status is 5.\n\n" + olderGenerations,
		Example: "id=$(lamina lightfast search refreshing --jq '.results[0].id')\nlamina lightfast contents \"$id\"",
		Args:    cmdutil.NeedArgs("ID…"),
		RunE:    func(cmd *cobra.Command, args []string) error { return printContents(cmd.Context(), env, unique(args)) },
	}
}

// unique returns words without repetitions, in their order.
func unique(words []string) []string {
	var kept []string
	for _, word := range words {
		if !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return kept
}

func printContents(ctx context.Context, env *cmdutil.Env, ids []string) error {
	client, err := newClient(env)
	if err != nil {
		return err
	}
	found, err := client.Contents(ctx, ids)
	if err != nil {
		return explainUnsupported(env, err)
	}
	missing := strings.Join(found.Missing, ", ")
	if len(found.Items) == 0 {
		return &fail.Error{
			Code: fail.NotFound, Message: "Lightfast has no document " + missing, Hint: fail.CommandLine("lightfast", "search", "QUERY"),
		}
	}
	if missing != "" {
		env.Printer.Warn("%s Lightfast has no document %s", env.Styles().Busy("note:"), output.Cut(missing, 1000))
	}
	if env.Printer.Lines() {
		return writeLines(env, found.RawItems)
	}
	raw, err := rawContents(found)
	if err != nil {
		return err
	}
	return env.Printer.Data(raw, func(p *output.Page) {
		for _, c := range found.Items {
			writeContent(p, c)
		}
	})
}

// rawContents returns the response as it came, or one that joins the responses if there were several.
func rawContents(found *lightfast.Contents) (json.RawMessage, error) {
	if found.Raw != nil {
		return found.Raw, nil
	}
	joined := map[string]any{"items": found.RawItems, "missing": append([]string{}, found.Missing...)}
	raw, err := json.Marshal(joined)
	if err != nil {
		return nil, fmt.Errorf("could not join the responses: %w", err)
	}
	return raw, nil
}

func writeContent(p *output.Page, c lightfast.Content) {
	p.Line("%s", p.Bold(cmp.Or(c.Title, c.ID)))
	if c.URL != "" {
		p.Line("%s", p.Command(c.URL))
	}
	p.Line("%s\n", p.Faint(identify(c.ID, c.Source, c.Type, c.OccurredAt)))
	p.Verbatim("", cmp.Or(c.Content, c.Snippet))
	p.Line("")
}
