package batch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
	"github.com/uselamina/lamina/internal/batch/items"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// firstItems is how many items are checked before the problems of all of them are reported. Behind them, the first problem ends the
// command.
const firstItems = 100

// maxProblems is how many problems are reported at once.
const maxProblems = 100

// A gathering reads the items of a batch, checks them and writes them into a draft. A URL that a file of this machine will get stands
// there as a mark with the SHA-256 of the file, until it is uploaded.
type gathering struct {
	o    *planOptions
	app  api.App
	hash string // of the app
	dir  string

	ids      items.IDs
	draft    *plan.Draft
	problems []api.Detail
	count    int               // items so far
	mark     string            // what no item has in it
	files    []*assetfile.File // one for each content
	sums     []string          // of these files
	known    map[string]string // sums by paths
	seen     map[string]bool   // the sums of files
	uploaded int
}

// close removes a draft that was not taken.
func (g *gathering) close() {
	if g.draft != nil {
		g.draft.Discard()
	}
}

// take returns the draft, which the caller writes or discards.
func (g *gathering) take() *plan.Draft {
	d := g.draft
	g.draft = nil
	return d
}

// read reads and checks all items.
func (g *gathering) read(ctx context.Context) error {
	file, err := g.o.env.OpenFile(ctx, g.o.items)
	if err != nil {
		return cannotRead(ctx, g.o.items, err)
	}
	defer file.Close()
	if g.draft, err = plan.NewDraft(g.dir); err != nil {
		return err
	}
	g.ids.KeepDuplicates = g.o.keepDuplicates
	g.mark = "lamina-file-" + strings.ToLower(rand.Text()) + ":"
	g.known, g.seen = map[string]string{}, map[string]bool{}
	in, err := items.Open(file, g.o.items, items.Format(g.o.format), g.o.columns)
	if err != nil {
		return g.openError(ctx, err)
	}
	if err := g.checkColumns(in.Columns()); err != nil {
		return err
	}
	for {
		record, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *items.Error
		if err != nil && !errors.As(err, &bad) {
			return cannotRead(ctx, g.o.items, err)
		}
		g.count++
		if bad != nil {
			g.add(api.Detail{Field: bad.Place(), Code: codeItem, Message: bad.Message})
		} else if err := g.item(ctx, record, in.Columns() != nil); err != nil {
			return err
		}
		if len(g.problems) > 0 && (g.count >= firstItems || bad != nil && bad.IsLast) {
			break
		}
	}
	return g.verdict()
}

// codeItem is the code of an api.Detail about an item that cannot be read.
const codeItem = "invalid_item"

// add remembers a problem.
func (g *gathering) add(d api.Detail) { g.problems = append(g.problems, d) }

// openError describes an error of the beginning of the file.
func (g *gathering) openError(ctx context.Context, err error) error {
	var bad *items.Error
	if !errors.As(err, &bad) {
		return cannotRead(ctx, g.o.items, err)
	}
	g.add(api.Detail{Field: bad.Place(), Code: codeItem, Message: bad.Message})
	return g.verdict()
}

// cannotRead describes an error of the items file itself.
func cannotRead(ctx context.Context, name string, err error) error {
	var own *fail.Error
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.As(err, &own) {
		return err
	}
	return fail.Usage("name a file with items, or - for stdin", "could not read the items of %s: %v; nothing was written", name, err)
}

// verdict returns the one error for all problems; nil if there are none.
func (g *gathering) verdict() error {
	if len(g.problems) == 0 {
		if g.count == 0 {
			return fail.Usage(`an item is a line such as {"id": "a1", "text": "Hello"}`, "%s has no items; nothing was written", g.o.items)
		}
		return nil
	}
	count := "there is a problem"
	if n := len(g.problems); n > 1 {
		count = fmt.Sprintf("there are %d problems", n)
	}
	where := fmt.Sprintf("with the items of %s", g.o.items)
	if len(g.problems) > maxProblems {
		where += fmt.Sprintf(", of which %d are shown", maxProblems)
	}
	return &fail.Error{
		Code: fail.InvalidInputs, Message: count + " " + where + "; nothing was written", Details: g.problems[:min(len(g.problems), maxProblems)],
		Hint: g.hint(),
	}
}

// hint says how to solve the problems: with --map if a column is no input, in the file if items cannot be read, and else by a look at the
// inputs.
func (g *gathering) hint() string {
	if !slices.ContainsFunc(g.problems, func(d api.Detail) bool { return d.Code != codeItem }) {
		return "correct the items, then repeat the command"
	}
	if !slices.ContainsFunc(g.problems, func(d api.Detail) bool { return d.Code == check.CodeUnknown }) {
		return fail.CommandLine("apps", "get", g.o.app)
	}
	return "to give an input the values of another column, add --map INPUT=COLUMN; the inputs: " + fail.CommandLine("apps", "get", g.o.app)
}

// checkColumns refuses all columns of CSV that are no inputs.
func (g *gathering) checkColumns(columns []string) error {
	for _, name := range columns {
		if _, isInput := g.app.Parameter(name); isInput {
			continue
		}
		_, problems := check.Inputs(api.App{Parameters: g.app.Parameters}, map[string]any{name: ""})
		for _, d := range problems {
			if d.Code != check.CodeUnknown {
				continue
			}
			if near, _ := cmdutil.Nearest(strings.ToLower(name), d.Allowed); near != "" {
				d.Message += "; did you mean --map " + fail.Quote(near+"="+name) + "?"
			}
			d.Field = "line 1, " + name
			g.add(d)
		}
	}
	if len(g.problems) > 0 {
		return g.verdict()
	}
	return nil
}

// item checks an item and adds it to the draft. Problems are added to g.problems; the error is one of this machine.
func (g *gathering) item(ctx context.Context, r items.Record, isText bool) error {
	if isText {
		g.typed(r.Inputs)
	}
	inputs, problems := check.Inputs(g.app, r.Inputs)
	g.resolve(inputs)
	places, unusable := assetfile.InInputs(inputs)
	for _, d := range append(problems, unusable...) {
		d.Field = fmt.Sprintf("line %d, %s", r.Line, d.Field)
		g.add(d)
	}
	for _, place := range places {
		sum, err := g.sum(ctx, place.File())
		if err != nil {
			g.add(api.Detail{Field: fmt.Sprintf("line %d", r.Line), Code: check.CodeMedia, Message: fmt.Sprintf("the file %s cannot be read: %v", place.File().Path, err)})
			return ctx.Err()
		}
		place.Set(g.mark + sum)
	}
	if len(problems)+len(unusable) > 0 {
		return nil
	}
	raw := plan.Canonical(inputs)
	content := bytes.ReplaceAll(raw, []byte(g.mark), []byte("sha256:"))
	id, isNew, err := g.ids.Assign(r, slices.Concat([]byte(g.hash), content))
	var bad *items.Error
	if errors.As(err, &bad) {
		g.add(api.Detail{Field: bad.Place(), Code: codeItem, Message: bad.Message})
		return nil
	}
	if err != nil || !isNew || len(g.problems) > 0 {
		return err
	}
	return g.draft.Add(plan.Item{ID: id, Inputs: raw})
}

// typed converts the text of CSV for the inputs of types that check.Inputs leaves as text.
func (g *gathering) typed(values map[string]any) {
	for name, value := range values {
		p, _ := g.app.Parameter(name)
		text, _ := value.(string)
		switch p.Type {
		case "number", "integer", "boolean", "json":
			if json.Valid([]byte(text)) && !p.Multiple {
				values[name] = json.RawMessage(text)
			}
		}
	}
}

// resolve makes the paths of files relative to the folder of the items file.
func (g *gathering) resolve(inputs map[string]any) {
	resolved := func(value any) any {
		if local, isFile := value.(check.LocalFile); isFile && !filepath.IsAbs(local.Path) {
			local.Path = filepath.Join(g.o.baseDir(), local.Path)
			return local
		}
		return value
	}
	for name, value := range inputs {
		inputs[name] = resolved(value)
		if list, isList := value.([]any); isList {
			for i := range list {
				list[i] = resolved(list[i])
			}
		}
	}
}

// sum returns the SHA-256 of a file, and remembers the file.
func (g *gathering) sum(ctx context.Context, f *assetfile.File) (string, error) {
	if sum, isKnown := g.known[f.Path]; isKnown {
		return sum, nil
	}
	sum, err := f.SHA256(ctx)
	if err != nil {
		return "", err
	}
	g.known[f.Path] = sum
	if !g.seen[sum] {
		g.seen[sum] = true
		g.files, g.sums = append(g.files, f), append(g.sums, sum)
	}
	return sum, nil
}
