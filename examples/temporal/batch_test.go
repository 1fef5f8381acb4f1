package batches

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

// fake puts a program in the place of lamina. In the script, $shard is the value of --shard, and $attempt counts its starts from 1.
func fake(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	program := filepath.Join(dir, "lamina")
	text := `#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> calls
shard=$5
log=attempts-$(echo "$shard" | tr / -)
echo >> "$log"
attempt=$(($(wc -l < "$log")))
done_() { printf '{"data":{"shards":[{"shard":"%s","counts":{"completed":%d,"failed":%d}}]}}' "$shard" "$1" "$2"; }
` + script
	if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAMINA", program)
	return dir
}

// attempts returns how often a shard was started.
func attempts(t *testing.T, dir, shard string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "attempts-"+shard))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(raw), "\n")
}

// run runs the workflow.
func run(t *testing.T, in Input) (result Result, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(2 * time.Minute)
	env.RegisterActivity(RunShard)
	env.ExecuteWorkflow(Batch, in)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow has not ended")
	}
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	return result, env.GetWorkflowResult(&result)
}

// TestBatch: each shard runs once, with the flags, and the counts are added.
func TestBatch(t *testing.T) {
	dir := fake(t, `done_ 10 0`)
	result, err := run(t, Input{Dir: "posters", Shards: 3, Flags: []string{"--max-credits=500"}})
	if err != nil || result.Counts["completed"] != 30 || len(result.FailedShards) != 0 {
		t.Fatalf("got %+v, %v, want 30 completed items", result, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(string(raw)), "\n")
	slices.Sort(calls)
	want := []string{
		"batch run --json --shard 0/3 --max-credits=500 -- posters",
		"batch run --json --shard 1/3 --max-credits=500 -- posters",
		"batch run --json --shard 2/3 --max-credits=500 -- posters",
	}
	if !slices.Equal(calls, want) {
		t.Errorf("got the calls %q, want %q", calls, want)
	}
}

// TestStatuses: a shard starts again only where that can help.
func TestStatuses(t *testing.T) {
	tests := []struct {
		status   string
		attempts int
		problem  string // "" if the second attempt succeeds
	}{
		{"1", 2, ""},
		{"2", 1, "Status2"},
		{"4", 1, "Status4"},
		{"5", 1, "Status5"},
		{"6", 2, ""},
		{"7", 2, ""},
		{"8", 2, ""},
		{"137", 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.status, func(t *testing.T) {
			dir := fake(t, `if [ $shard = 1/2 ] && [ $attempt = 1 ]; then echo "the reason" >&2; exit `+tt.status+`; fi; done_ 5 0`)
			result, err := run(t, Input{Dir: "posters", Shards: 2})
			if n := attempts(t, dir, "1-2"); n != tt.attempts {
				t.Errorf("the shard was started %d times, want %d", n, tt.attempts)
			}
			if n := attempts(t, dir, "0-2"); n != 1 {
				t.Errorf("the other shard was started %d times, want 1", n)
			}
			if tt.problem == "" {
				if err != nil || result.Counts["completed"] != 10 {
					t.Errorf("got %+v, %v, want 10 completed items", result, err)
				}
				return
			}
			refused := (*temporal.ApplicationError)(nil)
			if !errors.As(err, &refused) || refused.Type() != tt.problem || !strings.Contains(err.Error(), "the reason") {
				t.Errorf("got %v, want %s with the reason", err, tt.problem)
			}
		})
	}
}

// TestFailedItems: items that failed are a result, and the shard does not start again.
func TestFailedItems(t *testing.T) {
	dir := fake(t, `if [ $shard = 1/2 ]; then done_ 3 2; exit 3; fi; done_ 5 0`)
	result, err := run(t, Input{Dir: "posters", Shards: 2})
	if err != nil || result.Counts["failed"] != 2 || result.Counts["completed"] != 8 || !slices.Equal(result.FailedShards, []int{1}) {
		t.Errorf("got %+v, %v, want 8 completed and 2 failed items, in shard 1", result, err)
	}
	if n := attempts(t, dir, "1-2"); n != 1 {
		t.Errorf("the shard was started %d times, want 1", n)
	}
}

// TestInput: an input that names no batch is refused at once.
func TestInput(t *testing.T) {
	for _, in := range []Input{{}, {Dir: "posters"}, {Dir: "posters", Shards: -1}, {Shards: 2}} {
		if _, err := run(t, in); err == nil {
			t.Errorf("got no error for %+v", in)
		}
	}
}

// wait waits until a file is there.
func wait(t *testing.T, path string) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Errorf("there is no %s after a minute", path)
			return
		}
	}
}

// TestStops: a shard gets SIGTERM when its activity is cancelled and when its worker stops, and only the latter starts it again.
func TestStops(t *testing.T) {
	const script = `trap 'echo > terminated; kill $pid; exit 7' TERM; sleep 300 & pid=$!; echo > started; wait $pid; done_ 5 0`
	for _, tt := range []struct {
		name        string
		isCancelled bool
	}{{"cancelled", true}, {"worker", false}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := fake(t, script)
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			env.SetTestTimeout(2 * time.Minute)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
			stop := make(chan struct{})
			env.SetWorkerStopChannel(stop)
			env.RegisterActivity(RunShard)
			go func() {
				wait(t, filepath.Join(dir, "started"))
				if tt.isCancelled {
					cancel()
				} else {
					close(stop)
				}
			}()
			_, err := env.ExecuteActivity(RunShard, Shard{Dir: "posters", Count: 1})
			wait(t, filepath.Join(dir, "terminated"))
			refused := (*temporal.ApplicationError)(nil)
			isResumable := errors.As(err, &refused) && refused.Type() == "Status7" && !refused.NonRetryable()
			if err == nil || isResumable == tt.isCancelled {
				t.Errorf("got %v, want an error that says whether to continue", err)
			}
		})
	}
}

// TestHeartbeats: an activity says that it is alive.
func TestHeartbeats(t *testing.T) {
	dir := fake(t, `n=0; while [ ! -e beaten ]; do n=$((n+1)); [ $n -lt 600 ] || exit 2; sleep 0.1; done; done_ 5 0`)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(2 * time.Minute)
	env.RegisterActivity(RunShard)
	env.SetOnActivityHeartbeatListener(func(info *activity.Info, _ converter.EncodedValues) {
		_ = os.WriteFile(filepath.Join(dir, "beaten"), nil, 0o600)
	})
	if _, err := env.ExecuteActivity(RunShard, Shard{Dir: "posters", Count: 1}); err != nil {
		t.Error(err)
	}
}
