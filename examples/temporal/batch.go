// Package batches runs the shards of a Lamina batch as activities of Temporal.
package batches

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// TaskQueue is the name of the queue that workers take shards from.
const TaskQueue = "lamina-batch"

// Input says which batch to run. It holds no key: that is in the environment of the workers.
type Input struct {
	Dir    string   `json:"dir"`    // the folder of `lamina batch plan`, which all workers see
	Shards int      `json:"shards"` // of the plan
	Flags  []string `json:"flags"`  // of `lamina batch run`, for example --max-credits=500
}

// Result is what became of the items.
type Result struct {
	Counts       map[string]int `json:"counts"`       // by state: completed, failed, held and so on
	FailedShards []int          `json:"failedShards"` // shards with items that failed or are held
}

// Batch runs all shards of a batch. A shard that fails does not stop the others.
func Batch(ctx workflow.Context, in Input) (Result, error) {
	if in.Dir == "" || in.Shards < 1 {
		return Result{}, temporal.NewNonRetryableApplicationError("the input needs dir and shards", "Input", nil)
	}
	ctx = workflow.WithActivityOptions(ctx, workflowOptions)
	futures := make([]workflow.Future, in.Shards)
	for i := range futures {
		futures[i] = workflow.ExecuteActivity(ctx, RunShard, Shard{Dir: in.Dir, Index: i, Count: in.Shards, Flags: in.Flags})
	}
	result := Result{Counts: map[string]int{}}
	var first error
	for i, f := range futures {
		var r ShardResult
		if err := f.Get(ctx, &r); err != nil && first == nil {
			first = err
		}
		if r.HasFailures {
			result.FailedShards = append(result.FailedShards, i)
		}
		for state, n := range r.Counts {
			result.Counts[state] += n
		}
	}
	return result, first
}

// workflowOptions let a shard take a day, notice a lost worker within half a minute, and start a shard again while that can help. A
// cancelled workflow waits until the shards have stopped.
var workflowOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 24 * time.Hour,
	HeartbeatTimeout:    30 * time.Second,
	WaitForCancellation: true,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval:    10 * time.Second,
		BackoffCoefficient: 2,
		MaximumInterval:    10 * time.Minute,
		MaximumAttempts:    20,
	},
}
