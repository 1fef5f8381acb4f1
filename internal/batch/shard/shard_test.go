package shard_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/batch/shard"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want, problem string }{
		{"0/1", "0/1", ""},
		{"7/8", "7/8", ""},
		{"8/8", "", "counted from 0 to 7"},
		{"0/0", "", "at least one shard"},
		{"1/99999", "", "too many"},
		{"-1/8", "", "is no shard"},
		{"+1/8", "", "is no shard"},
		{"3", "", "is no shard"},
		{"", "", "is no shard"},
		{"1/8/2", "", "is no shard"},
		{"a/b", "", "is no shard"},
	}
	for _, tt := range tests {
		s, err := shard.Parse(tt.text)
		if tt.problem == "" && (err != nil || s.String() != tt.want) {
			t.Errorf("%s: got %v, %v, want %s", tt.text, s, err, tt.want)
		}
		if tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
			t.Errorf("%s: got %v, want an error with %q", tt.text, err, tt.problem)
		}
	}
	if got := (shard.Shard{Index: 3, Count: 8}).FileName(); got != "3-of-8" {
		t.Errorf("got %s, want 3-of-8", got)
	}
}

func TestAuto(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, env, want, from, problem string }{
		{"Slurm", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=8 SLURM_ARRAY_TASK_MIN=0", "3/8", "SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT", ""},
		{"Slurm from 1", "SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_COUNT=8 SLURM_ARRAY_TASK_MIN=1", "7/8", "SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT", ""},
		{"Slurm with steps", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=2",
			"3/4", "SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT", ""},
		{"Slurm with a list", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", "", "", "there is no shard 6"},
		{"Slurm between two steps", "SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=2", "", "", "from 1 in steps of 2"},
		{"Slurm with steps of 0", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=0", "", "", "in steps of 0"},
		{"Slurm below the smallest", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=2", "", "", "less than the smallest index"},
		{"GitLab", "CI_NODE_INDEX=1 CI_NODE_TOTAL=4", "0/4", "CI_NODE_INDEX and CI_NODE_TOTAL", ""},
		{"GitLab from 0", "CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "", "", "less than the smallest index"},
		{"AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX=2 AWS_BATCH_JOB_ARRAY_SIZE=4", "2/4", "AWS_BATCH_JOB_ARRAY_INDEX and AWS_BATCH_JOB_ARRAY_SIZE", ""},
		{"Cloud Run", "CLOUD_RUN_TASK_INDEX=2 CLOUD_RUN_TASK_COUNT=4", "2/4", "CLOUD_RUN_TASK_INDEX and CLOUD_RUN_TASK_COUNT", ""},
		{"Buildkite", "BUILDKITE_PARALLEL_JOB=2 BUILDKITE_PARALLEL_JOB_COUNT=4", "2/4", "BUILDKITE_PARALLEL_JOB and BUILDKITE_PARALLEL_JOB_COUNT", ""},
		{"CircleCI", "CIRCLE_NODE_INDEX=2 CIRCLE_NODE_TOTAL=4", "2/4", "CIRCLE_NODE_INDEX and CIRCLE_NODE_TOTAL", ""},
		{"Azure Pipelines", "SYSTEM_JOBPOSITIONINPHASE=1 SYSTEM_TOTALJOBSINPHASE=4", "0/4", "SYSTEM_JOBPOSITIONINPHASE and SYSTEM_TOTALJOBSINPHASE", ""},
		{"Kubernetes", "JOB_COMPLETION_INDEX=2 LAMINA_SHARDS=4", "2/4", "JOB_COMPLETION_INDEX and LAMINA_SHARDS", ""},
		{"Kubernetes without a size", "JOB_COMPLETION_INDEX=2", "2/0", "JOB_COMPLETION_INDEX", ""},
		{"our own", "LAMINA_SHARD_INDEX=1 LAMINA_SHARDS=4 SLURM_ARRAY_TASK_ID=3", "1/4", "LAMINA_SHARD_INDEX and LAMINA_SHARDS", ""},
		{"two that agree", "JOB_COMPLETION_INDEX=2 LAMINA_SHARDS=4 CLOUD_RUN_TASK_INDEX=2 CLOUD_RUN_TASK_COUNT=4", "2/4", "CLOUD_RUN_TASK_INDEX and CLOUD_RUN_TASK_COUNT", ""},
		{"two that contradict", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=8 CI_NODE_INDEX=1 CI_NODE_TOTAL=8", "", "", "say shard 3/8, and CI_NODE_INDEX and CI_NODE_TOTAL say 0/8"},
		{"garbage", "JOB_COMPLETION_INDEX=two", "", "", `JOB_COMPLETION_INDEX is "two", which is no number`},
		{"garbage as the count", "CI_NODE_INDEX=1 CI_NODE_TOTAL=x", "", "", `CI_NODE_TOTAL is "x"`},
		{"none of them", "CI_NODE_INDEX=1 CI_NODE_TOTAL=0", "", "", "CI_NODE_TOTAL is 0"},
		{"negative", "JOB_COMPLETION_INDEX=-1", "", "", "which is no number"},
		{"the count alone", "CI_NODE_TOTAL=1 LAMINA_SHARDS=3", "", "", shard.ErrNoEngine.Error()},
		{"nothing", "", "", "", shard.ErrNoEngine.Error()},
	}
	for _, tt := range tests {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(tt.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		s, from, err := shard.Auto(func(name string) string { return env[name] })
		if tt.problem == "" && (err != nil || s.String() != tt.want || from != tt.from) {
			t.Errorf("%s: got %v from %q, %v, want %s from %q", tt.name, s, from, err, tt.want, tt.from)
		}
		if tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
			t.Errorf("%s: got %v, %v, want an error with %q", tt.name, s, err, tt.problem)
		}
	}
	if _, _, err := shard.Auto(func(string) string { return "" }); !errors.Is(err, shard.ErrNoEngine) {
		t.Errorf("got %v, want %v", err, shard.ErrNoEngine)
	}
}

// TestOf: the parts are about equal, and no item changes its part. The numbers are part of the format of a plan.
func TestOf(t *testing.T) {
	t.Parallel()
	counts := make([]int, 8)
	for i := range 8000 {
		counts[shard.Of("item-"+strconv.Itoa(i), 8)]++
	}
	for i, n := range counts {
		if n < 850 || n > 1150 {
			t.Errorf("shard %d has %d of 8000 items", i, n)
		}
	}
	for id, want := range map[string]int{"a": 2, "b": 2, "item-1": 4} {
		if got := shard.Of(id, 8); got != want {
			t.Errorf("%s: got %d, want %d", id, got, want)
		}
	}
	if got := shard.Of("a", 1); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}
