package planner

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
)

// smallWords are the words of a brief that say nothing about the content.
var smallWords = strings.Fields("a an the of for and or with in on at to from by my our your me i we you it is are that this says saying say " +
	"make create generate design draw please want need style")

// shapes are the aspect ratios of platforms.
var shapes = map[string]string{
	"instagram": "4:5", "facebook": "1:1", "pinterest": "4:5", "tiktok": "9:16", "stories": "9:16", "snapchat": "9:16",
	"youtube": "16:9", "linkedin": "16:9", "x": "16:9", "twitter": "16:9",
}

var (
	quotedText = regexp.MustCompile(`"([^"]+)"|“([^”]+)”`)
	address    = regexp.MustCompile(`https?://[^\s"<>]+`)
)

// draft fills the inputs of an app from the request, its template, its brief, its document, its platform and its brand, in this order.
func draft(r Request, app apps.App) Decision {
	d := Decision{App: &app, Inputs: map[string]any{}, Sources: map[string]string{}, Questions: []Question{}, Warnings: []Warning{}}
	d.take("request", r.Inputs)
	if r.Template != nil {
		d.take("template", r.Template.inputs)
	}
	for _, p := range app.Parameters {
		if _, isSet := d.Inputs[p.Key]; isSet {
			continue
		}
		value, source := draftOne(r, app, p)
		switch {
		case value != nil:
			d.Inputs[p.Key], d.Sources[p.Key] = value, source
		case p.Default == nil:
			d.Questions = append(d.Questions, Question{Name: p.Key, Question: questionFor(p)})
		}
	}
	d.chooseOutputs(r.Brief)
	d.checkIDs(r)
	return d
}

// take sets inputs that are given by the key, name or id of their parameters. What the app does not take is left out.
func (d *Decision) take(source string, given map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(d.App.Parameters, func(p api.Parameter) bool { return name == p.Key || name == p.Name || name == p.ID })
		if i < 0 {
			d.Warnings = append(d.Warnings, Warning{Field: name, Message: "is not an input of " + d.App.Name + "; it was left out"})
			continue
		}
		p, value := d.App.Parameters[i], given[name]
		if text, isText := value.(string); isText && len(p.Options) > 0 {
			option := slices.IndexFunc(p.Options, func(o string) bool { return strings.EqualFold(o, text) })
			if option < 0 {
				d.Warnings = append(d.Warnings, Warning{Field: name, Message: fmt.Sprintf("has no option %.40q; it was left out", text)})
				continue
			}
			value = p.Options[option]
		}
		if _, isSet := d.Inputs[p.Key]; !isSet && value != nil {
			d.Inputs[p.Key], d.Sources[p.Key] = value, source
		}
	}
}

// draftOne returns the value of one input and its source; nil if there is none.
func draftOne(r Request, app apps.App, p api.Parameter) (value any, source string) {
	switch {
	case p.Type == "options":
		if option := optionIn(r.Brief, p); option != "" {
			return option, "brief"
		}
		if profile, _ := FindProfile(r.BrandProfileID); p.Key == "style" && slices.Contains(p.Options, profile.style) {
			return profile.style, "brand"
		}
		if p.Key == "aspect_ratio" {
			for _, shape := range []string{r.AspectRatio, shapes[strings.ToLower(r.Platform)]} {
				if slices.Contains(p.Options, shape) {
					return shape, "platform"
				}
			}
		}
	case p.Type == "url":
		if found := addresses(r.Brief, p.Multiple); found != nil {
			return found, "brief"
		}
		if found := addresses(documentText(r.Document), p.Multiple); found != nil {
			return found, "document"
		}
	case p.Default == nil:
		if text := textOf(r.Brief, app); text != "" {
			return text, "brief"
		}
		for _, field := range []string{"title", "headline", "name"} {
			if text, _ := r.Document[field].(string); strings.TrimSpace(text) != "" {
				return strings.TrimSpace(text), "document"
			}
		}
	}
	return nil, ""
}

// optionIn returns the option that a brief names; "" if it names none. A number counts only before the name of the input.
func optionIn(brief string, p api.Parameter) string {
	words := tokens(brief)
	for i, w := range words {
		option := slices.IndexFunc(p.Options, func(o string) bool { return strings.EqualFold(o, w) })
		if option < 0 {
			continue
		}
		isNumber := strings.Trim(w, "0123456789.") == ""
		if !isNumber || i+1 < len(words) && slices.Equal(Words(words[i+1]), Words(p.Key)) {
			return p.Options[option]
		}
	}
	return ""
}

// tokens returns the words of a text without the punctuation around them.
func tokens(text string) []string {
	all := strings.Fields(text)
	for i := range all {
		all[i] = strings.Trim(all[i], `.,;:!?"“”()`)
	}
	return all
}

// addresses returns the addresses in a text: one, or all as a list; nil if there is none.
func addresses(text string, all bool) any {
	found := address.FindAllString(text, -1)
	if len(found) == 0 {
		return nil
	}
	list := []any{}
	for _, a := range found {
		list = append(list, strings.TrimRight(a, ".,;:!?)"))
	}
	if all {
		return list
	}
	return list[0]
}

// documentText returns the texts of a document, sorted by field.
func documentText(document map[string]any) string {
	var texts []string
	for _, field := range slices.Sorted(maps.Keys(document)) {
		if text, ok := document[field].(string); ok {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, " ")
}

// textOf returns the text that a brief gives an app: the quoted text, or else the brief without addresses, small words, words of
// the name of the app, and options.
func textOf(brief string, app apps.App) string {
	if m := quotedText.FindStringSubmatch(brief); m != nil {
		return strings.TrimSpace(m[1] + m[2])
	}
	name := Words(app.Name + " " + app.Slug)
	isOption := func(w string) bool {
		return slices.ContainsFunc(app.Parameters, func(p api.Parameter) bool {
			return slices.ContainsFunc(p.Options, func(o string) bool { return strings.EqualFold(o, w) })
		})
	}
	var kept []string
	for _, w := range tokens(address.ReplaceAllString(brief, "")) {
		isName := !slices.ContainsFunc(Words(w), func(part string) bool { return !slices.Contains(name, part) })
		if w != "" && !slices.Contains(smallWords, strings.ToLower(w)) && !isName && !isOption(w) {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// questionFor returns the question for a missing input.
func questionFor(p api.Parameter) string {
	if p.Type == "url" {
		return p.Description + " Upload a file of your own first."
	}
	return p.Description
}

// chooseOutputs selects the outputs that a brief names. If something is asked anyway, it also asks which of several outputs to make.
func (d *Decision) chooseOutputs(brief string) {
	var labels []string
	words := Words(brief)
	for _, o := range d.App.Outputs {
		labels = append(labels, o.Label)
		if len(d.App.Outputs) > 1 && slices.Contains(words, Words(o.Label)[0]) {
			d.Outputs = append(d.Outputs, o.Label)
		}
	}
	if len(d.Questions) > 0 && len(labels) > 2 && d.Outputs == nil {
		d.Questions = append(d.Questions, Question{Name: AskOutputs, Question: "Which outputs: " + strings.Join(labels, ", ") + "? By default all."})
	}
}
