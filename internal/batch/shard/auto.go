package shard

import (
	"errors"
	"fmt"
	"strings"
)

// A family is the environment variables with which an engine tells a process its part.
type family struct {
	index string
	count string // "" if the engine tells none
	first string // the variable with the smallest index; "" if the smallest index is from
	from  int    // the smallest index
}

// own are the variables of this program. They win over those of an engine.
var own = family{index: "LAMINA_SHARD_INDEX", count: "LAMINA_SHARDS"}

// families are the variables of engines: of Slurm, GitLab, AWS Batch, Cloud Run, Buildkite and Kubernetes. An Indexed Job of Kubernetes
// does not tell its size: the file of `lamina batch export` sets LAMINA_SHARDS.
func families() []family {
	return []family{
		{index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT", first: "SLURM_ARRAY_TASK_MIN"},
		{index: "CI_NODE_INDEX", count: "CI_NODE_TOTAL", from: 1},
		{index: "AWS_BATCH_JOB_ARRAY_INDEX", count: "AWS_BATCH_JOB_ARRAY_SIZE"},
		{index: "CLOUD_RUN_TASK_INDEX", count: "CLOUD_RUN_TASK_COUNT"},
		{index: "BUILDKITE_PARALLEL_JOB", count: "BUILDKITE_PARALLEL_JOB_COUNT"},
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
	index, err := variable(getenv, f.index)
	if err != nil {
		return Shard{}, "", err
	}
	smallest := f.from
	if f.first != "" && getenv(f.first) != "" {
		if smallest, err = variable(getenv, f.first); err != nil {
			return Shard{}, "", err
		}
	}
	if index < smallest {
		return Shard{}, "", fmt.Errorf("%s is %d, which is less than the smallest index, %d", f.index, index, smallest)
	}
	s := Shard{Index: index - smallest}
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

// variable returns the number in an environment variable.
func variable(getenv func(string) string, name string) (int, error) {
	n, ok := number(getenv(name))
	if !ok {
		return 0, fmt.Errorf("%s is %q, which is no number", name, getenv(name))
	}
	return n, nil
}
