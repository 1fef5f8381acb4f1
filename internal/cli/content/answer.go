package content

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// asks reports whether the user can be asked at once: at a terminal, unless JSON was asked for.
func (d *dispatch) asks() bool { return d.env.MayPrompt() && !d.env.Printer.Machine() }

// clarify asks questions about the brief, and returns the answers as a text that continues it; "" without any.
func (d *dispatch) clarify(ctx context.Context, questions []api.Question) (string, error) {
	var lines []string
	for _, q := range questions {
		answer, err := d.env.Ask(ctx, q.Text)
		if err != nil {
			return "", err
		}
		if answer != "" {
			lines = append(lines, answer)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// startWithAnswers asks for the inputs that are missing, and starts the run of the app that the service chose. A second request for
// the brief could choose another app.
func (d *dispatch) startWithAnswers(ctx context.Context, out api.ContentOutcome) error {
	app, id, err := appinfo.Get(ctx, d.env, d.client, out.AppID)
	if err != nil {
		return err
	}
	d.env.Printer.Warn("%s needs %s.", d.env.Styles().Bold(app.Data.Name), output.Counted(len(out.Questions), "answer"))
	values, outputs, err := d.answers(ctx, out, app.Data)
	if err != nil {
		return err
	}
	inputs, problems := check.Inputs(app.Data, values)
	_, unusable := assetfile.InInputs(inputs) // answers are URLs already; a draft may look like @FILE
	problems = slices.Concat(problems, check.Outputs(app.Data, outputs), unusable)
	if len(problems) > 0 {
		return appinfo.Problems(out.AppID, problems)
	}
	started, err := d.client.StartRun(ctx, id, api.StartRun{Inputs: inputs, Outputs: outputs}, d.webhook)
	if err != nil {
		return fail.LostStart(err, "lamina runs list")
	}
	out.Kind, out.RunID, out.AppName, out.Inputs = api.ContentRan, started.Data.RunID, app.Data.Name, nil
	return d.finish(ctx, started.Raw, out)
}

// answers asks the questions of an outcome and returns all inputs, and the labels of the outputs.
func (d *dispatch) answers(ctx context.Context, out api.ContentOutcome, app api.App) (map[string]any, []string, error) {
	values, outputs := map[string]any{}, out.Outputs
	for _, in := range out.Inputs {
		if !namesFile(in.Value) {
			values[in.Name] = in.Value
		}
	}
	for _, q := range out.Questions {
		ask := newInputQuestion(q, app)
		given, err := d.answer(ctx, ask)
		switch {
		case err != nil:
			return nil, nil, err
		case q.Name == api.AskOutputs:
			outputs = given
		case ask.isList && len(given) > 0:
			var list []any
			for _, value := range given {
				list = append(list, value)
			}
			values[q.Name] = list
		case len(given) > 0:
			values[q.Name] = given[0]
		default:
			delete(values, q.Name)
		}
	}
	return values, outputs, nil
}

// An inputQuestion is a question with what is known about its input.
type inputQuestion struct {
	api.Question
	choices  []string
	isFile   bool   // takes the URL of a file
	isList   bool   // takes several answers
	standard string // the default in words; "" if there is none
}

func newInputQuestion(q api.Question, app api.App) inputQuestion {
	ask := inputQuestion{Question: q}
	if q.Name == api.AskOutputs {
		for _, o := range app.Outputs {
			ask.choices = append(ask.choices, o.Label)
		}
		ask.isList, ask.standard = true, "all"
		return ask
	}
	p, isKnown := app.Parameter(q.Name)
	ask.choices, ask.isList, ask.Text = p.Options, p.Multiple, cmp.Or(q.Text, p.Description)
	ask.isFile = p.Type == "url" || !isKnown && strings.HasSuffix(strings.ToLower(q.Name), "_url")
	if isKnown && !p.MustSupply() {
		ask.standard = cmp.Or(output.PlainJSON(p.Default), "empty")
	}
	return ask
}

// maxMistakes is how many answers to one question may be wrong.
const maxMistakes = 3

// answer asks one question and returns its answers; none for the default. Wrong answers are asked for again.
func (d *dispatch) answer(ctx context.Context, q inputQuestion) (answers []string, err error) {
	d.env.Printer.Warn("")
	d.env.Printer.Warn("%s  %s", d.env.Styles().Bold(questionName(q.Question)), q.Text)
	for i, choice := range q.choices {
		d.env.Printer.Warn("  %d  %s", i+1, choice)
	}
	for mistakes := 0; mistakes < maxMistakes; {
		typed, err := d.env.Ask(ctx, q.prompt(len(answers)))
		if err != nil {
			return nil, err
		}
		isEnd := typed == "" || typed == "default"
		switch {
		case isEnd && len(answers) > 0, isEnd && q.standard != "":
			return answers, nil
		case isEnd:
			d.env.Printer.Warn("There is no default.")
			mistakes++
			continue
		}
		answer, problem, err := d.accept(ctx, q, typed)
		switch {
		case err != nil:
			return nil, err
		case problem != "":
			d.env.Printer.Warn("%s", problem)
			mistakes++
			continue
		}
		answers = append(answers, answer)
		if !q.isList {
			return answers, nil
		}
	}
	return nil, &fail.Error{Code: fail.AnswersNeeded, Message: questionName(q.Question) + " has no answer; nothing was started", Details: questionDetails([]api.Question{q.Question})}
}

// prompt returns the line that asks for the next answer.
func (q inputQuestion) prompt(given int) string {
	what := "Type the answer"
	switch {
	case q.isFile:
		what = "Type a URL, or the name of a file to upload"
	case len(q.choices) > 0:
		what = "Type a number or a name"
	}
	switch {
	case given > 0:
		return what + ", or press Enter if these are all:"
	case q.standard != "":
		return what + ", or press Enter for the default (" + q.standard + "):"
	}
	return what + ":"
}

// accept returns the value of a typed answer, or what is wrong with it. A file is uploaded.
func (d *dispatch) accept(ctx context.Context, q inputQuestion, typed string) (value, problem string, err error) {
	switch {
	case len(q.choices) > 0:
		if n, err := strconv.Atoi(typed); err == nil && n >= 1 && n <= len(q.choices) && !slices.Contains(q.choices, typed) {
			return q.choices[n-1], "", nil
		}
		i := slices.IndexFunc(q.choices, func(c string) bool { return strings.EqualFold(c, typed) })
		if i < 0 {
			return "", "There is no choice " + output.Quote(typed) + ".", nil
		}
		return q.choices[i], "", nil
	case q.isFile && !strings.Contains(typed, "://"):
		typed = strings.TrimPrefix(typed, "@") // as --input has it
		if !isFile(typed) {
			return "", "There is no file " + output.Quote(typed) + ".", nil
		}
		return d.upload(ctx, typed)
	}
	return typed, "", nil
}

// upload uploads a file and returns its URL, or what is wrong with the file.
func (d *dispatch) upload(ctx context.Context, path string) (url, problem string, err error) {
	file, err := assetfile.Inspect(path, "", "")
	if err != nil {
		return "", output.Quote(path) + " " + err.Error() + ".", nil //nolint:nilerr // the user is asked again
	}
	urls, err := assetfile.URLs(ctx, d.env, []*assetfile.File{file})
	if err != nil {
		return "", "", err
	}
	return urls[0], "", nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// choose lists the candidates and returns the one that the user chooses; nil if the user chooses none.
func (d *dispatch) choose(ctx context.Context, out api.ContentOutcome) (*api.Candidate, error) {
	d.env.Printer.Warn("%s", cmp.Or(out.Reason, "Several apps fit the brief."))
	var q inputQuestion
	for i, c := range out.Candidates {
		name := cmp.Or(complete.ShortName(c.Name), c.AppID)
		d.env.Printer.Warn("  %d  %s  %s", i+1, name, c.Description)
		q.choices = append(q.choices, name)
	}
	for range maxMistakes {
		typed, err := d.env.Ask(ctx, "Type a number or a name, or press Enter to choose none:")
		if err != nil || typed == "" {
			return nil, err
		}
		chosen, problem, _ := d.accept(ctx, q, typed) // fails only for a file
		if problem == "" {
			return &out.Candidates[slices.Index(q.choices, chosen)], nil
		}
		d.env.Printer.Warn("%s", problem)
	}
	return nil, nil
}

// candidateOutcome returns what is missing for a candidate, as an outcome that needs input.
func candidateOutcome(c api.Candidate) api.ContentOutcome {
	out := api.ContentOutcome{Kind: api.ContentNeedsInput, AppID: c.AppID, AppName: c.Name}
	for _, name := range c.Missing {
		out.Questions = append(out.Questions, api.Question{Name: name})
	}
	return out
}
