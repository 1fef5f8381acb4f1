// Package lightfast holds the commands of Lightfast, which search the tools of an organization and print the documents found.
package lightfast

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/lightfast"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// olderGenerations is the part of the help texts about commands that Lightfast documents only for old generations of its API.
const olderGenerations = "Lightfast documents this for generations a to c of its API. If yours responds differently, call it with\n" +
	"'lamina api --provider lightfast PATH'."

// New returns the command lightfast.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("lightfast", "Search the tools of an organization with Lightfast", newSearch(env), newContents(env), newSimilar(env))
}

// newClient returns the client of Lightfast for the generation of the API that the credential names.
func newClient(env *cmdutil.Env) (*lightfast.Client, error) {
	s, err := env.Sessions.OpenFor(provider.Lightfast())
	if err != nil {
		return nil, err
	}
	return &lightfast.Client{API: s.Client(), Generation: lightfast.Generation(s.Settings["generation"])}, nil
}

// explainUnsupported returns a usage error for what the generation of the API lacks; any other error as it is.
func explainUnsupported(env *cmdutil.Env, err error) error {
	var unsupported *lightfast.UnsupportedError
	if !errors.As(err, &unsupported) {
		return err
	}
	other, message := lightfast.C, unsupported.Error()
	if unsupported.Generation == lightfast.E {
		other = lightfast.D
		message += ": it can only check a key"
	}
	return &fail.Error{
		Code: fail.InvalidArgument, Message: message + "; nothing was sent", Err: err,
		Hint: env.Sessions.FailContext().ChangeSettings([]string{"generation=" + string(other)}),
	}
}

// writeResult shows a result: title and score, address, snippet, and what identifies the document.
func writeResult(p *output.Page, number int, r lightfast.Result) {
	p.Wrapped("%d. %s  %s", number, p.Bold(cmp.Or(r.Title, r.ID)), p.Faint(fmt.Sprintf("%.2f", r.Score)))
	if r.URL != "" {
		p.Line("%s", p.Command(r.URL))
	}
	if r.Snippet != "" {
		p.Paragraphs(strings.ReplaceAll(r.Snippet, "\n", " "))
	}
	p.Wrapped("%s", p.Faint(identify(r.ID, r.Source, r.Type, r.OccurredAt)))
	p.Line("")
}

// identify returns the known ones of a document's id, source, type and day.
func identify(id, source, kind, occurredAt string) string {
	day, _, _ := strings.Cut(occurredAt, "T")
	var known []string
	for _, text := range []string{id, source, kind, day} {
		if text != "" {
			known = append(known, text)
		}
	}
	return strings.Join(known, ", ")
}

// writeLines prints each item as a line of JSON.
func writeLines(env *cmdutil.Env, items []json.RawMessage) error {
	for _, item := range items {
		if err := env.Printer.Line(item); err != nil {
			return err
		}
	}
	return nil
}
