package shard

import (
	"errors"
	"fmt"
	"strings"
)

// A family is the environment variables with which an engine tells a process its part.
type family struct {
	index string
	count string // "" if the engine sets none
	first string // the variable with the smallest index; "" if the smallest index is from
	step  string // the variable with the distance between two indexes; "" if it is 1
	from  int    // the smallest index
}

// own are the variables of this program. They win over those of an engine.
var own = family{index: "LAMINA_SHARD_INDEX", count: "LAMINA_SHARDS"}

// families returns the variables of engines, as their documentation describes them:
//
//   - Slurm: https://slurm.schedmd.com/sbatch.html
//   - GitLab: https://docs.gitlab.com/ci/variables/predefined_variables/ (from 1: https://docs.gitlab.com/ci/yaml/#parallel)
//   - AWS Batch: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
//   - Cloud Run: https://cloud.google.com/run/docs/container-contract
//   - Buildkite: https://buildkite.com/docs/pipelines/configure/environment-variables
//   - CircleCI: https://circleci.com/docs/reference/variables/
//   - Azure Pipelines: https://learn.microsoft.com/azure/devops/pipelines/test/parallel-testing-any-test-runner (from 1)
//   - Kubernetes: https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/
//
// An Indexed Job of Kubernetes does not set its size: the file of `lamina batch export` sets LAMINA_SHARDS.
func families() []family {
	return []family{
		{index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT", first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP"},
		{index: "CI_NODE_INDEX", count: "CI_NODE_TOTAL", from: 1},
		{index: "AWS_BATCH_JOB_ARRAY_INDEX", count: "AWS_BATCH_JOB_ARRAY_SIZE"},
		{index: "CLOUD_RUN_TASK_INDEX", count: "CLOUD_RUN_TASK_COUNT"},
		{index: "BUILDKITE_PARALLEL_JOB", count: "BUILDKITE_PARALLEL_JOB_COUNT"},
		{index: "CIRCLE_NODE_INDEX", count: "CIRCLE_NODE_TOTAL"},
		{index: "SYSTEM_JOBPOSITIONINPHASE", count: "SYSTEM_TOTALJOBSINPHASE", from: 1},
		{index: "JOB_COMPLETION_INDEX"},
	}
}

// ErrNoEngine means that no variable tells which shard this process is.
var ErrNoEngine = errors.New("no variable of an engine says which shard this is")

// Auto returns the shard that the environment of an engine gives to this process, and the names of the variables that said so. The count
// is 0 if the environment does not say it.
func Auto(getenv func(string) string) (Shard, string, error) {
	if getenv(own.index) != "" {
		return own.read(getenv)
	}
	var found Shard
	var from string
	for _, f := range families() {
		if getenv(f.index) == "" {
			continue
		}
		s, names, err := f.read(getenv)
		if err != nil {
			return Shard{}, "", err
		}
		if from != "" && s != found {
			return Shard{}, "", fmt.Errorf("%s say shard %s, and %s say %s: set %s and %s", from, found, names, s, own.index, own.count)
		}
		if from == "" {
			found, from = s, names
		}
	}
	if from == "" {
		return Shard{}, "", ErrNoEngine
	}
	return found, from, nil
}

// read returns the shard that the variables of a family say, and their names.
func (f family) read(getenv func(string) string) (Shard, string, error) {
	names := []string{f.index}
	index, err := f.position(getenv)
	if err != nil {
		return Shard{}, "", err
	}
	s := Shard{Index: index}
	for _, name := range []string{f.count, own.count} {
		if name == "" || getenv(name) == "" {
			continue
		}
		if s.Count, err = variable(getenv, name); err != nil {
			return Shard{}, "", err
		}
		if s.Count == 0 {
			return Shard{}, "", fmt.Errorf("%s is 0: there is at least one shard", name)
		}
		names = append(names, name)
		break
	}
	said := strings.Join(names, " and ")
	if err := s.check(); err != nil {
		return Shard{}, "", fmt.Errorf("%s: %w", said, err)
	}
	return s, said, nil
}

// position returns the number of the process among those of the engine, from 0.
func (f family) position(getenv func(string) string) (int, error) {
	index, err := variable(getenv, f.index)
	if err != nil {
		return 0, err
	}
	smallest, step := f.from, 1
	if f.first != "" && getenv(f.first) != "" {
		if smallest, err = variable(getenv, f.first); err != nil {
			return 0, err
		}
	}
	if f.step != "" && getenv(f.step) != "" {
		if step, err = variable(getenv, f.step); err != nil {
			return 0, err
		}
	}
	if index < smallest {
		return 0, fmt.Errorf("%s is %d, which is less than the smallest index, %d", f.index, index, smallest)
	}
	if step < 1 || (index-smallest)%step != 0 {
		return 0, fmt.Errorf("%s is %d, which is no index from %d in steps of %d", f.index, index, smallest, step)
	}
	return (index - smallest) / step, nil
}

// variable returns the number in an environment variable.
func variable(getenv func(string) string, name string) (int, error) {
	n, ok := number(getenv(name))
	if !ok {
		return 0, fmt.Errorf("%s is %q, which is no number", name, getenv(name))
	}
	return n, nil
}
