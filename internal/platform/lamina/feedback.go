package lamina

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// sendFeedback runs the app of a completed run again with inputs that the feedback changes, and replaces the outputs of the run. It
// answers after that. The run keeps its outputs if the app fails or the credits are not enough.
func (s *Server) sendFeedback(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	found, err := s.findRun(r, p)
	if err != nil {
		return err
	}
	var req api.Feedback
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(req.Feedback) == "":
		return wire.Invalid("Invalid body", wire.Problem{Field: "feedback", Message: "is missing: say what to change"})
	case found.Status != api.Completed:
		return wire.Invalid("Feedback is only possible on a completed run, and this one is " + string(found.Status))
	}
	answer := api.Refinement{RunID: found.RunID, Status: found.Status, RefinedNodes: []api.RefinedNode{}}
	refined := found
	var nodes []api.RefinedNode
	refined.Inputs, nodes = found.app().Refine(found.Inputs, req.Feedback)
	var known *apps.Error
	err = s.refine(r.Context(), &refined)
	switch {
	case errors.As(err, &known):
		answer.Summary, answer.Outputs, answer.ErrorMessage = "Nothing was changed", found.Outputs, &known.Message
	case err != nil:
		return err
	default:
		answer.RefinedNodes, answer.Outputs = nodes, refined.Outputs
		answer.Summary = fmt.Sprintf("%d steps ran again. %s", len(nodes), nodes[0].Reason)
	}
	return wire.WriteData(w, http.StatusOK, answer)
}

// refine makes the outputs of a completed run again and stores them, with its inputs.
func (s *Server) refine(ctx context.Context, r *run) error {
	if err := s.checkCredits(r); err != nil {
		return err
	}
	r.Outputs = slices.Clone(r.Outputs)
	for i := range r.Outputs {
		r.Outputs[i].Status = "pending"
	}
	var assets []asset
	err := r.app().Make(ctx, apps.Job{
		Inputs: r.Inputs, Wants: r.isMissing, Fetch: s.Fetch, Sleep: s.Timing.NewSleeper(s.Clock).Sleep,
		Progress: func(ctx context.Context, _ float64) error { return ctx.Err() },
		Deliver: func(index int, res apps.Result) error {
			a, err := s.storeResult(*r, r.app().Outputs[index], res)
			if err == nil {
				r.complete(index, r.app().Outputs[index], res, s.assetValue(a))
				assets = append(assets, a)
			}
			return err
		},
	})
	if err == nil {
		err = s.Store.Update(func(tx *wire.Tx) error {
			for _, a := range assets {
				a.Order = tx.NextOrder()
				wire.Put(tx, bucketAssets, a.ID, a)
			}
			charge(tx, r.WorkspaceID, r.cost())
			s.putRun(tx, r)
			return nil
		})
	}
	if err == nil {
		s.runsChanged.notify()
	}
	return err // the next start removes the files of a failure
}

func (s *Server) checkCredits(r *run) (err error) {
	s.Store.View(func(tx *wire.Tx) {
		if r.cost() > s.spendable(tx, r) {
			err = &apps.Error{Message: "Insufficient credits"}
		}
	})
	return err
}
