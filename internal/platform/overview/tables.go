package overview

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/lamina"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// table draws a table that is kept up to date. Without rows, it says so.
func table(id, title string, heads []string, rows g.Group) g.Node {
	columns := g.Group{}
	for _, name := range heads {
		columns = append(columns, h.Th(h.Scope("col"), g.Text(name)))
	}
	name := id + "-title"
	return h.Section(page.Live(id), h.H2(h.ID(name), g.Text(title)),
		g.If(len(rows) > 0, h.Table(h.Class("keys list"), h.Aria("labelledby", name), h.THead(h.Tr(columns)), h.TBody(rows))),
		g.If(len(rows) == 0, h.P(h.Class("none"), g.Text("None yet."))),
	)
}

func cell(label string, content ...g.Node) g.Node {
	return h.Td(h.Data("label", label), g.Group(content))
}

// bdi draws a text of a client, whose direction of writing does not change that of its surroundings. Characters that would change it within the
// text, and control characters, are shown by their numbers, so that <script> is not read as <tpircs>.
func bdi(text string) g.Node {
	var shown strings.Builder
	for _, r := range text {
		if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' && r != '\t' {
			fmt.Fprintf(&shown, "\\u%04x", r)
			continue
		}
		shown.WriteRune(r)
	}
	return g.El("bdi", g.Text(shown.String()))
}

// The numbers of characters of texts that the pages show.
const (
	longestText   = 300
	longestClient = 40
)

// cut returns the beginning of a text.
func cut(text string, most int) string {
	runes := []rune(text[:min(len(text), 4*most+4)]) // a character has at most four bytes
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func drawTime(t time.Time) g.Node {
	return h.Time(h.DateTime(t.Format(time.RFC3339)), g.Text(t.Local().Format("2 Jan, 15:04:05")))
}

// drawDeliveries draws deliveries with their last attempt.
func drawDeliveries(deliveries []lamina.DeliveryRecord) g.Node {
	rows := g.Group{}
	for _, d := range deliveries {
		last := "no attempt yet"
		if n := len(d.Attempts); n > 0 {
			last = cmp.Or(d.Attempts[n-1].Problem, "status "+strconv.Itoa(d.Attempts[n-1].Status))
		}
		rows = append(rows, h.Tr(
			h.Th(h.Scope("row"), bdi(cut(d.Receiver, longestText))),
			cell("State", drawStatus(d.State)), cell("Attempts", g.Text(strconv.Itoa(len(d.Attempts)))), cell("Last", g.Text(last)),
			cell("Run", h.A(h.Href("/runs/"+d.RunID), h.Code(g.Text(d.RunID[:min(8, len(d.RunID))])))),
		))
	}
	return table("deliveries", "Webhook deliveries", []string{"Receiver", "State", "Attempts", "Last", "Run"}, rows)
}

func (s *Server) drawRequests() g.Node {
	rows := g.Group{}
	for _, r := range s.controls.NewestRequests(10 * mostRequests) {
		status, state := strconv.Itoa(r.Status), "good"
		switch {
		case r.Status == 0:
			status, state = "none", "active"
		case r.Status >= 400:
			state = "bad"
		}
		if len(rows) == mostRequests {
			break
		}
		if strings.HasPrefix(r.Path, "/media/") && strings.HasPrefix(r.Client, "Mozilla/") {
			continue // the pictures of these pages
		}
		rows = append(rows, h.Tr(
			h.Th(h.Scope("row"), h.Code(bdi(r.Method+" "+cut(r.Path, longestText)))),
			cell("Status", h.Span(h.Class("status "+state), g.Text(status))), cell("Time", drawTime(r.Time)),
			cell("Took", h.Span(h.Class("nowrap"), g.Text(strconv.FormatFloat(r.DurationMS, 'f', 1, 64)+" ms"))), cell("Client", bdi(cut(r.Client, longestClient))),
		))
	}
	return table("requests", "Requests, newest first", []string{"Request", "Status", "Time", "Took", "Client"}, rows)
}

func (s *Server) drawFaults() g.Node {
	rows := g.Group{}
	for _, f := range s.controls.Faults() {
		if len(rows) == mostFaults {
			break
		}
		rows = append(rows, h.Tr(
			h.Th(h.Scope("row"), h.Code(bdi(strings.TrimSpace(f.Method+" "+cut(f.Path, longestText))))),
			cell("Effect", bdi(f.Effect())), cell("Grant", bdi(cmp.Or(f.GrantType, "any"))),
			cell("Left", g.Text(strconv.Itoa(f.Remaining)+" of "+strconv.Itoa(f.Times))),
		))
	}
	return table("faults", "Planned faults", []string{"Requests", "Effect", "Grant", "Left"}, rows)
}

func drawApps() g.Node {
	rows := g.Group{}
	for _, app := range apps.All() {
		rows = append(rows, h.Tr(
			h.Th(h.Scope("row"), h.A(h.Href("/apps/"+app.ID), g.Text(app.Name))),
			cell("Description", g.Text(app.Description)), cell("Short name", h.Code(g.Text(app.Slug))),
			cell("Credits", g.Text(number(app.Credits(apps.Everything)))),
		))
	}
	return table("apps", "Apps", []string{"Name", "Description", "Short name", "Credits"}, rows)
}

func drawInputs(app apps.App) g.Node {
	rows := g.Group{}
	for _, p := range app.Parameters {
		standard := "must be given"
		var value string
		if json.Unmarshal(p.Default, &value) == nil {
			standard = cmp.Or(value, "empty")
		}
		rows = append(rows, h.Tr(
			h.Th(h.Scope("row"), h.Code(g.Text(p.Key))),
			cell("About", g.Text(p.Description)), cell("Takes", g.Text(cmp.Or(strings.Join(p.Options, ", "), p.Type))), cell("Default", g.Text(standard)),
		))
	}
	return table("inputs", "Inputs", []string{"Name", "About", "Takes", "Default"}, rows)
}

func drawOutputsOf(app apps.App) g.Node {
	rows := g.Group{}
	for i, o := range app.Outputs {
		cost := app.Credits(func(output int) bool { return output == i })
		rows = append(rows, h.Tr(h.Th(h.Scope("row"), g.Text(o.Label)), cell("Type", g.Text(o.MimeType)), cell("Credits", g.Text(number(cost)))))
	}
	return table("outputs", "Outputs", []string{"Label", "Type", "Credits"}, rows)
}
