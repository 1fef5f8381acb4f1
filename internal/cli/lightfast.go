package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lightfast"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

func newLightfastCmd(env *Env) *cobra.Command {
	return newNoun(env, "lightfast", "Search an organization's tools with Lightfast", nil, func() []*cobra.Command {
		return []*cobra.Command{newLightfastSearchCmd(env), newLightfastContentsCmd(env), newLightfastSimilarCmd(env)}
	})
}

// lightfast returns the client of Lightfast, which speaks the generation that the sign-in names.
func (e *Env) lightfast() (*lightfast.Client, error) {
	client, s, err := e.service(provider.Lightfast())
	if err != nil {
		return nil, err
	}
	return &lightfast.Client{API: client, Generation: lightfast.Generation(s.settings["generation"])}, nil
}

// notInGeneration makes a mistake in what was typed of what the generation does not have.
func notInGeneration(err error) error {
	var unsupported *lightfast.UnsupportedError
	if !errors.As(err, &unsupported) {
		return err
	}
	other := lightfast.C
	message := unsupported.Error() + "; nothing was sent"
	if unsupported.Generation == lightfast.E {
		other = lightfast.D
		message = unsupported.Error() + ": it can only tell whether a key is good; nothing was sent"
	}
	return &usageError{
		code: codeInvalidArgument, message: message, err: err,
		hint: commandLine("login", "--provider", "lightfast", "--set", "generation="+string(other)),
	}
}

// writeLightfastResult shows a result: what, how good, where; what it says; how to name it.
func writeLightfastResult(p *output.Page, number int, r lightfast.Result) {
	p.Line("%d. %s  %s", number, p.Bold(firstOf(r.Title, r.ID)), p.Faint(fmt.Sprintf("%.2f", r.Score)))
	if r.URL != "" {
		p.Line("%s", p.Command(r.URL))
	}
	if r.Snippet != "" {
		p.Paragraphs(strings.ReplaceAll(r.Snippet, "\n", " "))
	}
	p.Line("%s\n", p.Faint(aboutDocument(r.ID, r.Source, r.Type, r.OccurredAt)))
}

// aboutDocument is what a service says of a document, without what it did not say.
func aboutDocument(id, source, kind, occurredAt string) string {
	day, _, _ := strings.Cut(occurredAt, "T")
	var known []string
	for _, text := range []string{id, source, kind, day} {
		if text != "" {
			known = append(known, text)
		}
	}
	return strings.Join(known, ", ")
}

func newLightfastContentsCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "contents ID…",
		Short: "Print documents in full",
		Long: "Print documents in full, by the ids that a search shows. Ids that no document has are named on stderr; if none\n" +
			"has a document, the exit status is 5.\n\n" +
			"Lightfast documents this for generations a to c of its API. If yours answers differently, call it with\n" +
			"'lamina api --provider lightfast PATH'.",
		Example: "id=$(lamina lightfast search refreshing --jq '.results[0].id')\nlamina lightfast contents \"$id\"",
		Args:    needArgs("ID…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ids []string
			for _, id := range args {
				if !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
			return lightfastContents(cmd, env, ids)
		},
	}
}

func lightfastContents(cmd *cobra.Command, env *Env, ids []string) error {
	client, err := env.lightfast()
	if err != nil {
		return err
	}
	got, err := client.Contents(cmd.Context(), ids)
	if err != nil {
		return notInGeneration(err)
	}
	missing := strings.Join(got.Missing, ", ")
	if len(got.Items) == 0 {
		return &commandError{
			code: codeNotFound, message: "Lightfast has no document " + missing, hint: commandLine("lightfast", "search", "QUERY"),
		}
	}
	if missing != "" {
		env.printer.Warn("%s Lightfast has no document %s", env.styles().Busy("note:"), output.Cut(missing, 1000))
	}
	if env.printer.Lines() {
		for _, item := range got.RawItems {
			if err := env.printer.Line(item); err != nil {
				return err
			}
		}
		return nil
	}
	if got.Raw == nil {
		joined := map[string]any{"items": got.RawItems, "missing": append([]string{}, got.Missing...)}
		if got.Raw, err = json.Marshal(joined); err != nil {
			return fmt.Errorf("could not join the answers: %w", err)
		}
	}
	return env.printer.Data(got.Raw, func(p *output.Page) {
		for _, c := range got.Items {
			writeLightfastContent(p, c)
		}
	})
}

func writeLightfastContent(p *output.Page, c lightfast.Content) {
	p.Line("%s", p.Bold(firstOf(c.Title, c.ID)))
	if c.URL != "" {
		p.Line("%s", p.Command(c.URL))
	}
	p.Line("%s\n", p.Faint(aboutDocument(c.ID, c.Source, c.Type, c.OccurredAt)))
	for line := range strings.Lines(firstOf(c.Content, c.Snippet)) {
		p.Line("%s", strings.TrimRight(line, "\r\n"))
	}
	p.Line("")
}

type lightfastSimilarOptions struct {
	env       *Env
	likeness  lightfast.Likeness
	threshold float64
}

func newLightfastSimilarCmd(env *Env) *cobra.Command {
	o := &lightfastSimilarOptions{env: env}
	cmd := &cobra.Command{
		Use:   "similar ID|URL",
		Short: "Find documents that are similar to one",
		Long: "Find documents that are similar to one, which is named by its id or its address.\n\n" +
			"Lightfast documents this for generations a to c of its API. If yours answers differently, call it with\n" +
			"'lamina api --provider lightfast PATH'.",
		Example: "id=$(lamina lightfast search refreshing --jq '.results[0].id')\n" +
			"lamina lightfast similar \"$id\" --limit 3 --threshold 0.2",
		Args: needArgs("ID|URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd, args[0]); err != nil {
				return err
			}
			return lightfastSimilar(cmd, o, args[0])
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.likeness.Limit, "limit", 10, "show at most `N` documents, up to 50")
	f.Float64Var(&o.threshold, "threshold", 0.5, "leave out what has a lower `SCORE`, 0 to 1 (default: the service's)")
	f.Lookup("threshold").DefValue = ""
	f.BoolVar(&o.likeness.SameSourceOnly, "same-source", false, "only what is from the same source")
	f.StringArrayVar(&o.likeness.ExcludeIDs, "exclude", nil, "leave out the document with this `ID`; may be repeated")
	return cmd
}

func (o *lightfastSimilarOptions) check(cmd *cobra.Command, what string) error {
	if o.likeness.Limit < 1 || o.likeness.Limit > lightfast.MaxSimilar {
		return usage("", "--limit must be between 1 and %d", lightfast.MaxSimilar)
	}
	if !(o.threshold >= 0 && o.threshold <= 1) { // also what is no number
		return usage("", "--threshold must be between 0 and 1")
	}
	if cmd.Flags().Changed("threshold") {
		o.likeness.Threshold = &o.threshold
	}
	if !strings.Contains(what, "://") {
		o.likeness.ID = what
		return nil
	}
	if u, err := url.Parse(what); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return usage("", "%q is neither an id nor an address such as https://example.com/page", what)
	}
	o.likeness.URL = what
	return nil
}

func lightfastSimilar(cmd *cobra.Command, o *lightfastSimilarOptions, what string) error {
	client, err := o.env.lightfast()
	if err != nil {
		return err
	}
	found, err := client.Similar(cmd.Context(), o.likeness)
	if err != nil {
		return notInGeneration(err)
	}
	return o.env.printer.Data(found.Raw, func(p *output.Page) {
		if len(found.Results) == 0 {
			p.Line("Nothing is similar enough to %s. A lower --threshold finds more.", output.Quote(firstOf(found.Title, what)))
			return
		}
		for i, r := range found.Results {
			writeLightfastResult(p, i+1, r)
		}
	})
}
