package lamina

import (
	"context"
	"errors"
	"math"
	"runtime/debug"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// workerCount is the number of runs that work at the same time.
const workerCount = 4

// Start starts the workers for runs and deliveries. They also continue the runs and deliveries that an earlier process did
// not finish.
func (s *Server) Start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, ctx.Done()
	for range workerCount {
		s.workers.Go(func() { s.work(ctx) })
	}
	s.workers.Go(func() { s.dispatch(ctx) })
}

// Close stops the workers and waits for them.
func (s *Server) Close() {
	s.stop()
	s.workers.Wait()
}

// work performs runs until ctx ends.
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

// claim returns the oldest unfinished run that no worker has. Its context ends when the run is cancelled.
func (s *Server) claim(ctx context.Context) (id string, runCtx context.Context, ok bool) {
	s.claimed.Lock()
	defer s.claimed.Unlock()
	s.Store.View(func(*wire.Tx) {
		id, ok = s.index.oldestUnfinished(func(id string) bool { return s.claimed.runs[id] != nil })
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

// stopWork stops the worker of a run, if there is one.
func (s *Server) stopWork(id string) {
	s.claimed.Lock()
	defer s.claimed.Unlock()
	if cancel, ok := s.claimed.runs[id]; ok {
		cancel()
	}
}

// perform does the work of a run and stores its end. If ctx ends first, the next process continues the run, whatever the
// error of the work.
func (s *Server) perform(ctx context.Context, id string) {
	sleeper := s.Timing.NewSleeper(s.Clock) // before a client sees that the run is running, and moves the clock
	r, err := s.begin(id)
	if err == nil && r.Status == api.Running {
		if err = s.runApp(ctx, r, sleeper); err == nil || ctx.Err() == nil {
			err = s.end(id, err)
		}
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errFinal) {
		s.Log.Error("could not store a run", "run", id, "error", err)
		_ = s.Timing.Sleep(ctx, time.Second) // the run is still in the queue: avoid a busy loop on a full disk
	}
}

// begin moves a run from queued to running, if its workspace has enough credits. A run that is already running continues.
func (s *Server) begin(id string) (run, error) {
	var begun run
	err := s.changeRun(id, func(tx *wire.Tx, r *run) error {
		if r.Status == api.Queued {
			if r.cost() > s.spendable(tx, r) {
				r.fail("Insufficient credits")
				return nil
			}
			now, percent := s.Clock.Now(), 0.0
			r.Status, r.StartedAt, r.Progress.PercentComplete = api.Running, &now, &percent
		}
		begun = *r
		return nil
	})
	return begun, err
}

// spendable returns the credits of a workspace for a run: its balance minus the cost of its other running runs.
func (s *Server) spendable(tx *wire.Tx, r *run) float64 {
	credits := ledgerOf(tx, r.WorkspaceID).balance()
	for id := range s.index.running[r.WorkspaceID] {
		if id != r.RunID {
			other, _ := wire.Get[run](tx, bucketRuns, id)
			credits -= other.cost()
		}
	}
	return credits
}

// errPanic means that an app panicked. The log has the panic.
var errPanic = errors.New("the app panicked")

// runApp runs the app of a run for the missing outputs.
func (s *Server) runApp(ctx context.Context, r run, sleeper *wire.Sleeper) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.Log.Error("panic in an app", "run", r.RunID, "panic", v, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return r.app().Make(ctx, apps.Job{
		Inputs: r.Inputs,
		Wants:  r.isMissing,
		Fetch:  s.Fetch,
		Sleep:  sleeper.Sleep,
		Progress: func(ctx context.Context, done float64) error {
			if err := s.progress(r.RunID, done); err != nil {
				return err
			}
			return sleeper.Pause(ctx) // so that a user sees the progress
		},
		Deliver: func(output int, res apps.Result) error { return s.deliverOutput(r, output, res) },
	})
}

// progress stores the progress of a run.
func (s *Server) progress(id string, done float64) error {
	return s.changeRun(id, func(_ *wire.Tx, r *run) error {
		percent := math.Round(100 * min(max(done, 0), 1))
		if before := r.Progress.PercentComplete; before != nil {
			percent = max(percent, *before) // a continued run must not go backwards
		}
		r.Progress.PercentComplete = &percent
		return nil
	})
}

// errUnexpectedOutput means that an app delivered an output that was not requested or is already finished.
var errUnexpectedOutput = errors.New("the output is not expected")

// deliverOutput stores a result as an asset and completes the output.
func (s *Server) deliverOutput(r run, index int, res apps.Result) error {
	output := r.app().Outputs[index]
	a, err := s.storeResult(r, output, res)
	if err != nil {
		return err
	}
	err = s.changeRun(r.RunID, func(tx *wire.Tx, r *run) error {
		if !r.isMissing(index) {
			return errUnexpectedOutput
		}
		a.Order = tx.NextOrder()
		wire.Put(tx, bucketAssets, a.ID, a)
		r.complete(index, output, res, s.assetValue(a))
		return nil
	})
	if err != nil && a.File != nil {
		_ = s.files.Remove(a.File.ID) // on failure, the next start removes it
	}
	return err
}

// end stores the end of a run. workErr is the error of its work.
func (s *Server) end(id string, workErr error) error {
	failure := ""
	var known *apps.Error
	switch {
	case errors.Is(workErr, errFinal):
		return workErr
	case errors.As(workErr, &known):
		failure = known.Message
	case workErr != nil:
		s.Log.Error("an app failed", "run", id, "error", workErr)
		failure = "The app failed unexpectedly"
	}
	return s.changeRun(id, func(_ *wire.Tx, r *run) error {
		if failure != "" {
			r.fail(failure)
			return nil
		}
		percent := 100.0
		r.Status, r.Progress.PercentComplete = api.Completed, &percent
		return nil
	})
}
