package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/batch/results"
)

// Limits of a page: its players, the outputs of an item, and the characters of a text and of the inputs of an item.
const (
	maxPlayers = 100
	maxOutputs = 12
	maxText    = 1000
	maxInputs  = 200
)

// card draws an item: its outputs, its id, what became of it, and its inputs. It has few elements, because a page has thousands of
// cards.
func (r *report) card(line results.Line, inputs json.RawMessage) g.Node {
	facts := []string{line.State}
	if line.Credits != nil {
		facts = append(facts, number(*line.Credits)+" credits")
	}
	if line.Run != "" {
		facts = append(facts, r.line(line.Run))
	}
	problem := ""
	if line.State != "completed" {
		problem = cut(r.line(line.Error), maxText)
	}
	asked := cut(r.inputs(inputs), maxInputs)
	media := mediaOf(r.plan.Dir(), line)
	class := line.State
	if pictures(media) > 1 {
		class += " several"
	}
	return h.Article(
		h.Class(class),
		r.outputs(media),
		h.B(g.Text(r.line(line.ID))),
		h.P(h.Class("meta"), g.Text(strings.Join(facts, " · "))),
		g.If(problem != "", h.P(h.Class("error"), g.Text(problem))),
		g.If(asked != "", h.P(h.Class("inputs"), g.Text(asked))),
	)
}

// inputs returns the inputs of an item as a line.
func (r *report) inputs(raw json.RawMessage) string {
	var values map[string]json.RawMessage
	_ = json.Unmarshal(raw, &values) // what is no object shows no inputs
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := string(values[name])
		_ = json.Unmarshal(values[name], &text) // what is no string stays JSON
		parts = append(parts, r.line(name)+": "+r.line(text))
	}
	return strings.Join(parts, " · ")
}

// outputs draws the outputs of an item.
func (r *report) outputs(media []medium) g.Node {
	var nodes g.Group
	for _, m := range media[:min(len(media), maxOutputs)] {
		nodes = append(nodes, r.medium(m))
	}
	if more := len(media) - maxOutputs; more > 0 {
		nodes = append(nodes, h.P(g.Text(fmt.Sprintf("and %d more, in results.ndjson", more))))
	}
	return nodes
}

// pictures returns the number of pictures among the outputs of an item that the page shows.
func pictures(media []medium) (n int) {
	for _, m := range media[:min(len(media), maxOutputs)] {
		if m.kind == picture {
			n++
		}
	}
	return n
}

func (r *report) medium(m medium) g.Node {
	label := r.line(m.label)
	if m.kind == video || m.kind == audio {
		if r.players == 0 {
			m.kind = other
		} else {
			r.players--
		}
	}
	switch {
	case m.address == "" && m.kind == text:
		return h.P(h.Class("text"), g.Text(cut(r.Clean(m.text), maxText)))
	case m.address == "":
		return h.P(g.Text(strings.TrimSpace(label + " " + r.line(m.text))))
	case m.kind == picture:
		return link(m, h.Class("picture"), h.Img(h.Src(m.address), h.Alt(label), h.Loading("lazy"), g.Attr("decoding", "async")))
	case m.kind == video:
		return h.Video(h.Src(m.address), h.Controls(), h.Preload("none"), h.Aria("label", label))
	case m.kind == audio:
		return h.Audio(h.Src(m.address), h.Controls(), h.Preload("none"), h.Aria("label", label))
	}
	return link(m, g.Text(label))
}

// link draws a link to an output. The page that it opens learns nothing of this one.
func link(m medium, content ...g.Node) g.Node {
	return h.A(h.Href(m.address), h.Target("_blank"), h.Rel("noopener noreferrer"), g.Group(content))
}

// cut returns a text of at most n characters.
func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
