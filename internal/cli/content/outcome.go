package content

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// A dispatch turns what the service made of a brief into output, and into the command to type next.
type dispatch struct {
	env    *cmdutil.Env
	client *api.Client
	start  startOptions
	// webhook is the address for the delivery; "" means none.
	webhook string
	again   func(more ...string) []string // the arguments of this command, with more of them
}

// placeholder stands for an answer in a command to complete.
const placeholder = "…"

// finish prints an outcome. An outcome without a run, and without a plan, is an error with the command to type next; a program
// finds it on stdout, too.
func (d *dispatch) finish(ctx context.Context, raw json.RawMessage, out api.ContentOutcome) error {
	var text func(*output.Page)
	switch out.Kind {
	case api.ContentRan:
		complete.CacheRun(d.env, out.RunID, out.AppName)
		return d.start.finish(ctx, d.env, d.client, raw, out)
	case api.ContentPlanned:
		text = func(p *output.Page) { writePlan(p, out, d.env.Command(d.runArgs(out)...)) }
	case api.ContentPreviewed:
		text = func(p *output.Page) { writePreview(p, out, d.env.Command(previewArgs(d.env, out)...)) }
	default:
		if d.env.Printer.Machine() {
			if err := d.env.Printer.Data(raw, nil); err != nil {
				return err
			}
		}
		return d.problem(out)
	}
	return d.env.Printer.Data(raw, text)
}

// problem returns the error of an outcome that started nothing.
func (d *dispatch) problem(out api.ContentOutcome) error {
	app := cmp.Or(out.AppName, "the app")
	switch out.Kind {
	case api.ContentNeedsInput:
		return &fail.Error{
			Code: fail.AnswersNeeded, Message: fmt.Sprintf("%s needs %s; nothing was started", app, output.Counted(max(1, len(out.Questions)), "answer")),
			Details: slices.Concat(questionDetails(out.Questions), remarks(out.Warnings)), Hint: d.env.Command(d.runArgs(out)...),
		}
	case api.ContentNeedsClarification:
		return &fail.Error{
			Code: fail.AnswersNeeded, Message: "the brief needs to say more; nothing was started", Details: questionDetails(out.Questions),
			Hint: d.env.Command(d.again(placeholder)...),
		}
	case api.ContentNeedsChoice:
		return d.choiceNeeded(out)
	case api.ContentUnmatched:
		return &fail.Error{
			Code: fail.Unmatched, Message: "no app fits the brief: " + reasonOf(out), Details: remarks(out.Errors), Hint: d.env.Command("apps", "list"),
		}
	case api.ContentAgentFailed:
		e := &fail.Error{
			Code: fail.PlanningFailed, Message: "the service could not plan a run: " + reasonOf(out), Details: remarks(out.Errors),
			Hint: d.env.Command("apps", "list"),
		}
		if out.AppID != "" {
			e.Hint = d.env.Command(d.runArgs(out)...)
		}
		return e
	}
	status := cmp.Or(out.Status, out.Mode)
	if status == string(api.ContentRan) || status == "started" {
		return &fail.Error{Code: fail.UnknownOutcome, Hint: "lamina runs list", Message: "the response names no run; the run may have started"}
	}
	return &fail.Error{
		Code: fail.Unexpected, Message: fmt.Sprintf("the response has an unknown status, or lacks what belongs to it: %s", output.Quote(status)),
		Hint: "lamina upgrade",
	}
}

func reasonOf(out api.ContentOutcome) string {
	return cmp.Or(term.Line(out.Reason), "the service gave no reason")
}

// questionDetails returns the questions as details of an error.
func questionDetails(questions []api.Question) []api.Detail {
	var details []api.Detail
	for _, q := range questions {
		details = append(details, api.Detail{Field: questionName(q), Code: "question", Message: q.Text})
	}
	return details
}

// questionName returns what a question is about in words of this program.
func questionName(q api.Question) string {
	if q.Name == api.AskOutputs {
		return "--only"
	}
	return q.Name
}

func remarks(list []api.Remark) []api.Detail {
	var details []api.Detail
	for _, r := range list {
		details = append(details, api.Detail{Field: r.Field, Message: r.Message})
	}
	return details
}

// choiceNeeded returns the error of a choice between apps. Its hint chooses the first one: for an app that lacks inputs, it is the run
// itself, because the same request would lack them again.
func (d *dispatch) choiceNeeded(out api.ContentOutcome) error {
	e := &fail.Error{
		Code: fail.AnswersNeeded, Message: cmp.Or(term.Line(out.Reason), "several apps fit the brief") + "; nothing was started",
		Hint: d.env.Command("apps", "list"),
	}
	for i, c := range out.Candidates {
		about := []string{c.Name, strings.TrimSuffix(c.Description, ".")}
		if len(c.Missing) > 0 {
			about = append(about, "Needs: "+strings.Join(c.Missing, ", "))
		}
		about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
		e.Details = append(e.Details, api.Detail{Field: complete.AppName(d.env, c.AppID), Code: "choice", Message: strings.Join(about, ". ")})
		if i == 0 {
			e.Hint = d.env.Command(d.chooseArgs(c)...)
		}
	}
	return e
}

func (d *dispatch) chooseArgs(c api.Candidate) []string {
	if len(c.Missing) == 0 {
		return d.again("--app", complete.AppName(d.env, c.AppID))
	}
	args := []string{"run", complete.AppName(d.env, c.AppID)}
	for _, name := range c.Missing {
		args = append(args, "--input", name+"="+placeholder)
	}
	return append(args, d.start.typed()...)
}

// runArgs returns the arguments that run the app of an outcome with its drafted inputs. An answer that is missing is a placeholder. An
// older service does not name the app: then they are those of this command, with the inputs.
func (d *dispatch) runArgs(out api.ContentOutcome) []string {
	if out.AppID == "" {
		out.Outputs = nil
		return d.again(inputArgs(out)...)
	}
	args := []string{"run", complete.AppName(d.env, out.AppID)}
	args = append(args, inputArgs(out)...)
	return append(args, d.start.typed()...)
}

// inputArgs returns the flags for the inputs and the outputs of an outcome.
func inputArgs(out api.ContentOutcome) []string {
	var args []string
	for _, in := range out.Inputs {
		if !slices.ContainsFunc(out.Questions, func(q api.Question) bool { return q.Name == in.Name }) {
			args = append(args, inputFlags(in.Name, in.Value)...)
		}
	}
	for _, q := range out.Questions {
		switch q.Name {
		case "":
		case api.AskOutputs:
			args = append(args, "--only", placeholder)
		default:
			args = append(args, "--input", q.Name+"="+placeholder)
		}
	}
	for _, label := range out.Outputs {
		args = append(args, "--only", label)
	}
	return args
}

// inputFlags returns the flags that set an input to a value. A text that a shell command would change is written as JSON.
func inputFlags(name string, value json.RawMessage) []string {
	var list []string
	var text string
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil
	case namesFile(value):
		return []string{"--input", name + "=" + placeholder}
	case json.Unmarshal(value, &text) == nil && isPlain(text):
		return []string{"--input", repeatable("input", name+"="+text)}
	case json.Unmarshal(value, &list) == nil && len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return !isPlain(s) }):
		var args []string
		for _, item := range list {
			args = append(args, "--input", repeatable("input", name+"="+item))
		}
		return args
	}
	return []string{"--input", repeatable("input", name+":="+string(output.EscapeControls(value)))}
}

// isPlain reports whether a text survives a command line as it is. A file is named by @.
func isPlain(text string) bool { return term.Flat(text) == text && !strings.HasPrefix(text, "@") }

// namesFile reports whether a drafted value would upload a file of this machine, which only its user may choose.
func namesFile(value json.RawMessage) bool {
	var text string
	var list []string
	_ = json.Unmarshal(value, &text) // any other value has none
	_ = json.Unmarshal(value, &list)
	return slices.ContainsFunc(append(list, text), func(s string) bool {
		path, isMarked := strings.CutPrefix(s, "@")
		return isMarked && isFile(path)
	})
}

// startedPage shows a run that has started. next is the command that waits for it.
func startedPage(out api.ContentOutcome, next string) func(*output.Page) {
	return func(p *output.Page) {
		p.Line("%s %s", p.Good("Started"), cmp.Or(out.AppName, "a run"))
		writeChoice(p, out)
		p.Line("")
		p.Fields("run", out.RunID)
		if out.Variants > 1 {
			p.Wrapped("%s", fmt.Sprintf("%d of %s were started.", out.Submitted, output.Counted(out.Variants, "variant")))
		}
		p.Line("")
		p.Line("%s", p.Command(next))
	}
}

// writeChoice shows why an app was chosen, its drafted inputs, and what the service left out.
func writeChoice(p *output.Page, out api.ContentOutcome) {
	if why := cmp.Or(out.Rationale, out.Reason); why != "" {
		p.Wrapped("%s", p.Faint(why))
	}
	header, hasSource := []string{"INPUT", "VALUE"}, slices.ContainsFunc(out.Inputs, func(in api.DraftedInput) bool { return in.Source != "" })
	if hasSource {
		header = []string{"INPUT", "FROM", "VALUE"}
	}
	var rows [][]string
	for _, in := range out.Inputs {
		row := []string{in.Name, output.PlainJSON(in.Value)}
		if hasSource {
			row = slices.Insert(row, 1, in.Source)
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		p.Line("")
		p.Descriptions(header, rows)
	}
	if len(out.Outputs) > 0 {
		p.Line("")
		p.Fields("only", strings.Join(out.Outputs, ", "))
	}
	for _, w := range out.Warnings {
		p.Wrapped("%s %s", p.Busy("note:"), strings.TrimSpace(w.Field+" "+w.Message))
	}
}

// writePlan shows a plan. next is the command that carries it out.
func writePlan(p *output.Page, out api.ContentOutcome, next string) {
	p.Line("%s", p.Bold(cmp.Or(out.AppName, out.AppID)))
	writeChoice(p, out)
	if len(out.Questions) > 0 {
		var rows [][]string
		for _, q := range out.Questions {
			rows = append(rows, []string{questionName(q), q.Text})
		}
		p.Line("")
		p.Descriptions([]string{"MISSING", "QUESTION"}, rows)
	}
	p.Line("")
	p.Line("%s", p.Command(next))
}
