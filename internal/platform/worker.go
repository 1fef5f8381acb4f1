package platform

import (
	"context"
	"errors"
	"math"
	"runtime/debug"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
)

// workerCount is how many runs work at a time.
const workerCount = 4

// startWorkers starts what goes on between requests. Runs that the last process left unfinished are taken up again,
// and so are deliveries.
func (s *Server) startWorkers(ctx context.Context) {
	s.done = ctx.Done()
	for range workerCount {
		s.workers.Go(func() { s.work(ctx) })
	}
	s.workers.Go(func() { s.dispatch(ctx) })
}

func (s *Server) wakeWorkers() { s.queueChanged.notify() }

// work performs one run after the other.
func (s *Server) work(ctx context.Context) {
	for ctx.Err() == nil {
		changed := s.queueChanged.next()
		if id, runCtx, ok := s.claim(ctx); ok {
			s.perform(runCtx, id)
			s.release(id)
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// claim takes the oldest unfinished run that no worker has. The context ends when the run is cancelled.
func (s *Server) claim(ctx context.Context) (id string, runCtx context.Context, ok bool) {
	s.claimed.Lock()
	defer s.claimed.Unlock()
	s.store.view(func(tx *tx) {
		for _, order := range tx.keys(bucketQueue) {
			id, _ = get[string](tx, bucketQueue, order)
			if _, taken := s.claimed.runs[id]; !taken {
				ok = true
				return
			}
		}
	})
	if !ok {
		return "", nil, false
	}
	runCtx, cancel := context.WithCancel(ctx)
	if s.claimed.runs == nil {
		s.claimed.runs = map[string]context.CancelFunc{}
	}
	s.claimed.runs[id] = cancel
	return id, runCtx, true
}

func (s *Server) release(id string) {
	s.claimed.Lock()
	defer s.claimed.Unlock()
	s.claimed.runs[id]()
	delete(s.claimed.runs, id)
}

// stopWork tells the worker of a run, if there is one, to stop.
func (s *Server) stopWork(id string) {
	s.claimed.Lock()
	defer s.claimed.Unlock()
	if cancel, ok := s.claimed.runs[id]; ok {
		cancel()
	}
}

// perform does a run and records how it ended. Work that the end of the process cuts off, by whatever error that
// makes, is left for the next one.
func (s *Server) perform(ctx context.Context, id string) {
	r, err := s.begin(id)
	if err == nil && r.Status == api.Running {
		if err = s.make(ctx, r); err == nil || ctx.Err() == nil {
			err = s.end(id, err)
		}
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errFinal) {
		s.log.Error("could not record a run", "run", id, "error", err)
		_ = s.sleep(ctx, time.Second) // the run is still in the queue: do not spin on a full disk
	}
}

// begin moves a run from queued to running, if its workspace can pay for it. One that was running when the last
// process ended goes on.
func (s *Server) begin(id string) (run, error) {
	var begun run
	err := s.changeRun(id, func(tx *tx, r *run) error {
		if r.Status == api.Queued {
			if r.cost() > spendable(tx, r) {
				r.fail("Insufficient credits")
				return nil
			}
			now, percent := s.now(), 0.0
			r.Status, r.StartedAt, r.Progress.PercentComplete = api.Running, &now, &percent
		}
		begun = *r
		return nil
	})
	return begun, err
}

// spendable is what a workspace has for a run: its balance without what its other running runs will cost.
func spendable(tx *tx, r *run) float64 {
	credits := ledgerOf(tx, r.WorkspaceID).balance()
	for _, order := range tx.keys(bucketQueue) {
		id, _ := get[string](tx, bucketQueue, order)
		other, _ := get[run](tx, bucketRuns, id)
		if id != r.RunID && other.WorkspaceID == r.WorkspaceID && other.Status == api.Running {
			credits -= other.cost()
		}
	}
	return credits
}

// errPanic means that an app panicked. What it said is in the log.
var errPanic = errors.New("the app panicked")

// make runs the app of a run for the outputs that are still missing.
func (s *Server) make(ctx context.Context, r run) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("panic in an app", "run", r.RunID, "panic", v, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return r.app().Make(ctx, apps.Job{
		Inputs:   r.Inputs,
		Wants:    r.missing,
		Fetch:    s.fetch,
		Sleep:    s.sleep,
		Progress: func(ctx context.Context, done float64) error { return s.progress(ctx, r.RunID, done) },
		Deliver:  func(output int, res apps.Result) error { return s.deliverOutput(r, output, res) },
	})
}

// progress records how much of a run is done, and lets people see it.
func (s *Server) progress(ctx context.Context, id string, done float64) error {
	err := s.changeRun(id, func(_ *tx, r *run) error {
		percent := math.Round(100 * min(max(done, 0), 1))
		if before := r.Progress.PercentComplete; before != nil {
			percent = max(percent, *before) // a run that was taken up again must not go backwards
		}
		r.Progress.PercentComplete = &percent
		return nil
	})
	if err != nil {
		return err
	}
	return s.sleep(ctx, s.timing.pause)
}

// errUnwanted means that an app delivered what was not asked for, or is there already.
var errUnwanted = errors.New("the output is not wanted")

// deliverOutput keeps a result as an asset and completes the output.
func (s *Server) deliverOutput(r run, index int, res apps.Result) error {
	output := r.app().Outputs[index]
	a, err := s.keepResult(r, output, res)
	if err != nil {
		return err
	}
	err = s.changeRun(r.RunID, func(tx *tx, r *run) error {
		if !r.missing(index) {
			return errUnwanted
		}
		a.Order = nextOrder(tx)
		put(tx, bucketAssets, a.ID, a)
		r.complete(index, output, res, s.assetValue(a))
		return nil
	})
	if err != nil && a.File != nil {
		_ = s.media.remove(a.File.ID) // else it is swept at the next start
	}
	return err
}

// end records how the work on a run ended.
func (s *Server) end(id string, workErr error) error {
	failure := ""
	var understood *apps.Error
	switch {
	case errors.Is(workErr, errFinal):
		return workErr
	case errors.As(workErr, &understood):
		failure = understood.Message
	case workErr != nil:
		s.log.Error("an app failed", "run", id, "error", workErr)
		failure = "The app failed unexpectedly"
	}
	return s.changeRun(id, func(_ *tx, r *run) error {
		if failure != "" {
			r.fail(failure)
			return nil
		}
		percent := 100.0
		r.Status, r.Progress.PercentComplete = api.Completed, &percent
		return nil
	})
}
