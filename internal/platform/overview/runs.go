package overview

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/lamina"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// nameOf returns the name of the app of a run.
func nameOf(run lamina.RunRecord) string {
	if run.AppName == "" {
		return run.WorkflowID
	}
	return run.AppName
}

// drawAppName draws the name of the app of a run as a link to its page. A model has no page.
func drawAppName(run lamina.RunRecord) g.Node {
	name := g.Text(nameOf(run))
	if _, ok := apps.Find(run.WorkflowID); !ok {
		return name
	}
	return h.A(h.Href("/apps/"+run.WorkflowID), name)
}

// drawRuns draws a list of runs with their pictures.
func (s *Server) drawRuns(id, title string, runs []lamina.RunRecord) g.Node {
	items := g.Group{}
	for _, run := range runs {
		items = append(items, h.Li(
			h.A(h.Class("shot"), h.Href("/runs/"+run.RunID), h.Aria("label", "Run of "+nameOf(run)), s.drawThumbnail(run)),
			h.Div(h.Class("about"),
				h.Div(h.Class("line"),
					h.A(h.Class("name"), h.Href("/runs/"+run.RunID), g.Text(nameOf(run))),
					drawStatus(string(run.Status)), drawTime(run.CreatedAt),
				),
				drawProgress(run),
				g.If(firstInput(run) != "", h.P(h.Class("hint"), bdi(firstInput(run)))),
			),
		))
	}
	return h.Section(page.Live(id), h.H2(g.Text(title)),
		g.If(len(runs) > 0, h.Ul(h.Class("runs"), items)),
		g.If(len(runs) == 0, h.P(h.Class("none"), g.Text("None yet."))),
	)
}

// firstInput returns the first text of a run's inputs, which tells one run from another.
func firstInput(run lamina.RunRecord) string {
	for _, name := range slices.Sorted(maps.Keys(run.Inputs)) {
		if text := strings.Join(run.Inputs[name], " "); text != "" && (name == "text" || name == "prompt") {
			return cut(text, longestText)
		}
	}
	return ""
}

// drawThumbnail draws the first picture or film of a run.
func (s *Server) drawThumbnail(run lamina.RunRecord) g.Node {
	for _, o := range run.Outputs {
		if path, ok := s.mediaPath(o); ok && o.Type == "image" {
			return h.Img(h.Src(path), h.Alt(""), h.Loading("lazy"))
		}
		if path, ok := s.mediaPath(o); ok && o.Type == "video" {
			return drawMovie(path, o.MimeType, false)
		}
	}
	return h.Span(h.Class("blank"), h.Aria("hidden", "true"))
}

// drawMovie draws a video; a GIF is one, too.
func drawMovie(path, mimeType string, hasControls bool) g.Node {
	if strings.HasPrefix(mimeType, "image/") {
		return h.Img(h.Src(path), h.Alt(""), h.Loading("lazy"))
	}
	return h.Video(h.Src(path), g.If(hasControls, h.Controls()), h.Muted(), h.Preload("metadata"))
}

// mediaPath returns the path of the file of an output on this platform.
func (s *Server) mediaPath(o api.Output) (path string, ok bool) {
	var address string
	if json.Unmarshal(o.Value, &address) != nil {
		return "", false
	}
	path, ok = strings.CutPrefix(address, s.BaseURL)
	return path, ok && strings.HasPrefix(path, "/media/")
}

func drawStatus(status string) g.Node {
	return h.Span(h.Class("status "+class(status)), g.Text(status))
}

// class returns the class of a state: good, bad, active or over.
func class(state string) string {
	switch state {
	case "completed", "delivered":
		return "good"
	case "failed", "error":
		return "bad"
	case "queued", "running", "pending":
		return "active"
	}
	return "over"
}

// drawProgress draws the progress of a run that has not ended.
func drawProgress(run lamina.RunRecord) g.Node {
	if run.Status.Final() || run.Progress == nil || run.Progress.PercentComplete == nil {
		return nil
	}
	percent := strconv.FormatFloat(*run.Progress.PercentComplete, 'f', 0, 64)
	return h.Progress(h.Max("100"), h.Value(percent), h.Aria("label", "Progress"), g.Text(percent+"%"))
}

// drawState draws the status, the times and the error of a run.
func drawState(run lamina.RunRecord) g.Node {
	var took g.Node
	if run.StartedAt != nil && run.CompletedAt != nil {
		took = h.Span(h.Class("hint"), g.Text("took "+run.CompletedAt.Sub(*run.StartedAt).Round(100*time.Millisecond).String()))
	}
	return g.Group{
		h.Div(h.Class("line"), drawStatus(string(run.Status)), drawTime(run.CreatedAt), took, h.Code(g.Text(run.WorkspaceID))),
		drawProgress(run),
		g.If(run.ErrorMessage != nil, h.P(h.Class("problem"), bdi(cut(api.String(run.ErrorMessage), longestText)))),
	}
}

// drawOutputs draws what a run has made.
func (s *Server) drawOutputs(run lamina.RunRecord) g.Node {
	items := g.Group{}
	for _, o := range run.Outputs {
		items = append(items, h.Li(
			h.Div(h.Class("line"), h.Strong(g.Text(o.Label)), drawStatus(o.Status), h.Span(h.Class("hint"), g.Text(sizeOf(o)))),
			s.drawOutput(o),
		))
	}
	return h.Section(page.Live("outputs"), h.H2(g.Text("Outputs")), h.Ul(h.Class("outputs"), items))
}

func sizeOf(o api.Output) string {
	if o.Dimensions == nil {
		return o.MimeType
	}
	return fmt.Sprintf("%s, %d × %d", o.MimeType, o.Dimensions.Width, o.Dimensions.Height)
}

func (s *Server) drawOutput(o api.Output) g.Node {
	path, isFile := s.mediaPath(o)
	switch {
	case isFile && o.Type == "image":
		return h.A(h.Href(path), h.Img(h.Src(path), h.Alt(o.ContentDescription)))
	case isFile && o.Type == "video":
		return drawMovie(path, o.MimeType, true)
	case isFile:
		return h.A(h.Href(path), g.Text(path))
	}
	var text string
	if json.Unmarshal(o.Value, &text) != nil || text == "" {
		return nil
	}
	return h.Pre(h.Class("terminal"), h.Code(bdi(cut(text, longestText))))
}

// drawGiven draws the inputs of a run.
func drawGiven(run lamina.RunRecord) g.Node {
	rows := g.Group{}
	for _, name := range slices.Sorted(maps.Keys(run.Inputs)) {
		rows = append(rows, h.Tr(h.Th(h.Scope("row"), bdi(name)), cell("Value", bdi(cut(strings.Join(run.Inputs[name], " "), longestText)))))
	}
	return table("inputs", "Inputs", []string{"Name", "Value"}, rows)
}
