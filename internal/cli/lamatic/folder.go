package lamatic

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// What the ID in a plan names.
const (
	kindWorkflow  = "workflow"
	kindAgent     = "agent"
	kindWorkflows = "workflows" // each payload names its own
	kindAgents    = "agents"
)

// several is the ID in the plan of a batch whose payloads name their own workflows.
const several = "several"

// temporaryPattern is the name of a folder without --out.
const temporaryPattern = "lamina-lamatic-"

// A folder is the folder of a batch.
type folder struct {
	plan        *plan.Plan
	isTemporary bool
}

// remove removes a temporary folder.
func (f *folder) remove() {
	if f.isTemporary {
		_ = os.RemoveAll(f.plan.Dir())
	}
}

// prepare returns the folder for payloads, which may have been begun before; without payloads, a folder that has them.
func (o *batchOptions) prepare(s *session.Session, payloads []payload) (*folder, error) {
	if o.file == "" {
		p, err := o.readPlan(s)
		return &folder{plan: p}, err
	}
	if o.dir != "" {
		p, err := o.planIn(o.dir, s, payloads)
		return &folder{plan: p}, err
	}
	dir, err := os.MkdirTemp("", temporaryPattern)
	if err != nil {
		return nil, err
	}
	p, err := o.planIn(dir, s, payloads)
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return &folder{plan: p, isTemporary: true}, err
}

// readPlan returns the plan of a folder that was begun before.
func (o *batchOptions) readPlan(s *session.Session) (*plan.Plan, error) {
	p, err := plan.Read(o.dir)
	if errors.Is(err, plan.ErrNone) {
		return nil, fail.Usage(fail.CommandLine("lamatic", "batch", "WORKFLOW", "FILE", "--out", o.dir), "%v: name the file of its payloads", err)
	}
	if err != nil {
		return nil, batchinfo.Unusable(o.dir, err)
	}
	return p, o.checkSame(p, o.newPlan(s), false)
}

// planIn writes payloads into a folder, unless it has the same ones.
func (o *batchOptions) planIn(dir string, s *session.Session, payloads []payload) (*plan.Plan, error) {
	if err := plan.Prepare(dir); err != nil {
		return nil, batchinfo.CannotPrepare(dir, err)
	}
	unlock, err := plan.LockExclusive(dir)
	if err != nil {
		return nil, batchinfo.Busy(dir, err)
	}
	defer unlock()
	defer plan.RemoveEmpty(dir)
	old, err := plan.ReadHead(dir)
	if err != nil && !errors.Is(err, plan.ErrNone) {
		return nil, batchinfo.Unusable(dir, err)
	}
	wanted := o.newPlan(s)
	if old != nil {
		if err := o.checkSame(old, wanted, true); err != nil {
			return nil, err
		}
	}
	draft, err := o.draft(dir, payloads)
	if err != nil {
		return nil, err
	}
	if old == nil {
		wanted.Batch = plan.NewID()
		return plan.Write(dir, wanted, draft)
	}
	return o.resumed(old, draft)
}

// newPlan returns the plan that the command and the credential make, without items.
func (o *batchOptions) newPlan(s *session.Session) plan.Plan {
	app := plan.App{ID: o.workflow, Name: o.workflow, Kind: kindWorkflow}
	switch {
	case o.workflow == "" && o.agent:
		app = plan.App{ID: several, Name: "several agents", Kind: kindAgents}
	case o.workflow == "":
		app = plan.App{ID: several, Name: "several workflows", Kind: kindWorkflows}
	case o.agent:
		app.Kind = kindAgent
	}
	return plan.Plan{
		Service: provider.Lamatic().Name, App: app, BaseURL: s.BaseURL, WorkspaceID: s.Settings["project-id"], Shards: 1,
		CreatedAt: o.env.Now().UTC(), Lamina: o.env.Build.Version,
	}
}

// draft writes payloads as items. The id of an item is the position of its payload in the file, from 0.
func (o *batchOptions) draft(dir string, payloads []payload) (*plan.Draft, error) {
	d, err := plan.NewDraft(dir)
	if err != nil {
		return nil, err
	}
	for i, p := range payloads {
		inputs := plan.Canonical(p.Payload)
		if o.workflow == "" {
			inputs = plan.Canonical(engine.LamaticItem(p))
		}
		if err := d.Add(plan.Item{ID: strconv.Itoa(i), Inputs: inputs}); err != nil {
			d.Discard()
			return nil, err
		}
	}
	return d, nil
}

// resumed returns an old plan whose items are those of a draft. Lost items are written again.
func (o *batchOptions) resumed(old *plan.Plan, draft *plan.Draft) (*plan.Plan, error) {
	if old.ItemsHash != draft.Hash() {
		draft.Discard()
		return nil, &fail.Error{
			Code: fail.BatchChanged, Message: "the batch in " + o.dir + " has other payloads; nothing was sent",
			Hint: "keep this batch in a folder of its own, with another --out",
		}
	}
	err := old.EachItem(func(int, int64, plan.Item) error { return nil })
	if errors.Is(err, plan.ErrItems) {
		return plan.Write(o.dir, *old, draft)
	}
	draft.Discard()
	return old, err
}

// checkSame refuses a folder whose batch is of another service, project or workflow: what its journal says would be wrong there.
func (o *batchOptions) checkSame(old *plan.Plan, p plan.Plan, withWorkflow bool) error {
	facts := []struct{ what, was, is string }{
		{"service", old.Service, p.Service}, {"address", old.BaseURL, p.BaseURL}, {"project", old.WorkspaceID, p.WorkspaceID},
	}
	if withWorkflow {
		facts = append(facts, struct{ what, was, is string }{old.App.Kind, old.App.ID, p.App.ID}, struct{ what, was, is string }{"kind", old.App.Kind, p.App.Kind})
	}
	for _, f := range facts {
		if f.was != f.is {
			return &fail.Error{
				Code: fail.BatchUnusable, Message: fmt.Sprintf("the batch in %s is of the %s %s, not of %s; nothing was sent", o.dir, f.what, f.was, f.is),
				Hint: "keep this batch in a folder of its own, with another --out",
			}
		}
	}
	return nil
}
