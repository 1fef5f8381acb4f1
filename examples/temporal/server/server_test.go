package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/server/temporaltest"

	"example.com/batches"
)

// program is one in the place of lamina. It runs until SIGTERM, and ends with status 7, if there is a file "wait" in the folder of the
// batch; otherwise it has done five items.
const program = `#!/bin/sh
for dir; do :; done
cd "$dir"
name=$(echo "$5" | tr / -)
if [ -e wait ]; then
	trap 'kill $pid; echo > stopped-$name; exit 7' TERM
	sleep 300 &
	pid=$!
	echo > started-$name
	wait $pid
fi
printf '{"data":{"shards":[{"shard":"%s","counts":{"completed":5}}]}}' "$5"
`

// start starts a server and a worker, and returns the folder of a batch.
func start(t *testing.T) (s *temporaltest.TestServer, w worker.Worker, dir string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "lamina")
	if err := os.WriteFile(path, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAMINA", path)
	s = temporaltest.NewServer(temporaltest.WithT(t))
	return s, startWorker(s), dir
}

func startWorker(s *temporaltest.TestServer) worker.Worker {
	return s.NewWorkerWithOptions(batches.TaskQueue, func(r worker.Registry) {
		r.RegisterWorkflow(batches.Batch)
		r.RegisterActivity(batches.RunShard)
	}, worker.Options{WorkerStopTimeout: 15 * time.Second})
}

// begin starts the workflow.
func begin(ctx context.Context, t *testing.T, s *temporaltest.TestServer, in batches.Input) client.WorkflowRun {
	t.Helper()
	run, err := s.GetDefaultClient().ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: batches.TaskQueue}, batches.Batch, in)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// waitFor waits until files are there.
func waitFor(t *testing.T, dir string, names ...string) {
	t.Helper()
	end := time.Now().Add(2 * time.Minute)
	for _, name := range names {
		for {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("there is no %s after two minutes", name)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// TestCancelled: the shards of a cancelled workflow are stopped, and the workflow waits for that.
func TestCancelled(t *testing.T) {
	s, _, dir := start(t)
	if err := os.WriteFile(filepath.Join(dir, "wait"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run := begin(t.Context(), t, s, batches.Input{Dir: dir, Shards: 2})
	waitFor(t, dir, "started-0-2", "started-1-2")
	if err := s.GetDefaultClient().CancelWorkflow(t.Context(), run.GetID(), run.GetRunID()); err != nil {
		t.Fatal(err)
	}
	err := run.Get(t.Context(), nil)
	if cancelled := (*temporal.CanceledError)(nil); !errors.As(err, &cancelled) {
		t.Errorf("got %v, want that the workflow is cancelled", err)
	}
	for _, name := range []string{"stopped-0-2", "stopped-1-2"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("a shard was not stopped: %v", err)
		}
	}
}

// TestWorkerStops: another worker continues the shards of one that stops.
func TestWorkerStops(t *testing.T) {
	s, first, dir := start(t)
	if err := os.WriteFile(filepath.Join(dir, "wait"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run := begin(t.Context(), t, s, batches.Input{Dir: dir, Shards: 2})
	waitFor(t, dir, "started-0-2", "started-1-2")
	if err := os.Remove(filepath.Join(dir, "wait")); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	waitFor(t, dir, "stopped-0-2", "stopped-1-2")
	startWorker(s)
	var result batches.Result
	if err := run.Get(t.Context(), &result); err != nil || result.Counts["completed"] != 10 {
		t.Errorf("got %+v, %v, want 10 completed items", result, err)
	}
}
