// Package report writes a page with the outputs of a batch. The page is one file without scripts; it shows what was downloaded, also
// without a network.
//
// Pages are functions, as those of the local platform are. What is not a constant goes through g.Text or an attribute, which escape it.
package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/results"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/disk"
)

//go:embed style.css
var style string

// maxItems is how many items a page shows, unless Options say otherwise: with more, browsers become slow.
const maxItems = 5000

// Options say how a report is written.
type Options struct {
	Now time.Time
	// Clean removes from a text what acts on a terminal or hides other text. It keeps line breaks.
	Clean    func(string) string
	MaxItems int // how many items the page shows; 0 means 5000
}

// WriteFile replaces the report of a batch.
func WriteFile(p *plan.Plan, t *state.Table, o Options) error {
	return disk.Replace(p.ReportPath(), func(w io.Writer) error { return Write(w, p, t, o) })
}

// Write writes the report of a batch. The files that it shows are named relative to the folder of the batch.
func Write(w io.Writer, p *plan.Plan, t *state.Table, o Options) error {
	o.MaxItems = cmp.Or(o.MaxItems, maxItems)
	r := &report{Options: o, plan: p, table: t, players: maxPlayers}
	return r.page().Render(w)
}

// A report is a page that is being written.
type report struct {
	Options
	plan    *plan.Plan
	table   *state.Table
	players int // how many more players the page may have
}

// line returns a text as one line.
func (r *report) line(text string) string { return strings.Join(strings.Fields(r.Clean(text)), " ") }

// policy is the Content-Security-Policy of the page: no scripts, no style but its own, nothing loaded but pictures, videos and sounds.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src file: http: https:; " +
		"media-src file: http: https:; base-uri 'none'; form-action 'none'"
}

func (r *report) page() g.Node {
	app := cmp.Or(r.line(r.plan.App.Name), r.line(r.plan.App.ID))
	return h.Doctype(h.HTML(
		h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(g.Attr("http-equiv", "Content-Security-Policy"), h.Content(policy())),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(h.Name("color-scheme"), h.Content("light dark")),
			h.Meta(h.Name("referrer"), h.Content("no-referrer")),
			h.TitleEl(g.Text(app+", "+r.plan.Batch)),
			h.StyleEl(g.Raw(style)),
		),
		h.Body(
			h.Header(h.H1(g.Text(app)), r.facts(), r.filters()),
			h.Main(g.NodeFunc(r.cards)),
			h.Footer(g.Text("Written by lamina. All results, also those that are not shown here, are in results.ndjson.")),
		),
	))
}

// facts are what the header says of the batch.
func (r *report) facts() g.Node {
	counts := r.table.Counts()
	spent := number(counts.Credits) + " credits"
	if each := r.plan.CreditsPerItem; each != nil {
		spent += " of an estimated " + number(*each*float64(r.plan.Items))
	}
	facts := []string{
		fmt.Sprintf("%d of %d done", counts.Done(), counts.Total()), spent,
		"planned " + moment(r.plan.CreatedAt), "report of " + moment(r.Now), r.plan.Batch,
	}
	return h.P(h.Class("facts"), g.Text(strings.Join(facts, " · ")))
}

// filters choose the state of the items that are shown: a rule of the style hides all others.
func (r *report) filters() g.Node {
	shown, counts := r.shares(), r.table.Counts()
	choice := func(name, text string, isChecked bool) g.Node {
		return h.Label(h.Class(name), h.Input(h.Type("radio"), h.Name("show"), h.ID("show-"+name), g.If(isChecked, h.Checked())), g.Text(text))
	}
	total := 0
	var choices g.Group
	for s, name := range state.Names() {
		n := *counts.Of(state.Status(s))
		if total += shown[s]; n > 0 {
			choices = append(choices, choice(name, share(name, shown[s], n), false))
		}
	}
	all := choice("all", share("all", total, counts.Total()), true)
	return h.FieldSet(h.Legend(g.Text("Show the items that are")), all, choices)
}

// share names a group of items, and how many of them the page has.
func share(name string, shown, n int) string {
	if shown < n {
		return fmt.Sprintf("%s %d (%d of them here)", name, n, shown)
	}
	return fmt.Sprintf("%s %d", name, n)
}

// importance is the order in which items get a place on the page, if there are too many: those to look at first, then the outputs.
var importance = []state.Status{state.Held, state.Failed, state.Cancelled, state.Completed, state.Running, state.Starting, state.Skipped, state.Pending}

// shares returns how many items of each state the page shows. Those without outputs leave half of the page to the completed ones.
func (r *report) shares() map[int]int {
	counts := r.table.Counts()
	left := r.MaxItems
	shares := map[int]int{}
	for _, s := range importance {
		room := left
		if s != state.Completed {
			room -= min(counts.Completed-shares[int(state.Completed)], r.MaxItems/2)
		}
		shares[int(s)] = max(min(*counts.Of(s), room), 0)
		left -= shares[int(s)]
	}
	return shares
}

// cards writes the items in their order.
func (r *report) cards(w io.Writer) error {
	left := r.shares()
	for i := range r.table.Len() {
		s := r.table.Status(i)
		if left[int(s)] == 0 {
			continue
		}
		left[int(s)]--
		line, err := results.At(r.table, i)
		if err != nil {
			return err
		}
		item, err := r.table.Item(i)
		if err != nil {
			return err
		}
		if err := r.card(line, item.Inputs).Render(w); err != nil {
			return err
		}
	}
	return nil
}

func moment(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 UTC") }
