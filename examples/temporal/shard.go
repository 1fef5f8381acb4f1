package batches

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

const (
	// beat is the time between two heartbeats. With them, an activity also learns that it was cancelled.
	beat = 5 * time.Second
	// grace is how long a shard may take to stop after SIGTERM. It needs up to five seconds.
	grace = 10 * time.Second
)

// Shard is a part of a batch.
type Shard struct {
	Dir          string
	Index, Count int
	Flags        []string
}

// name is the value of --shard.
func (s Shard) name() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// ShardResult is what became of the items of a shard.
type ShardResult struct {
	Counts      map[string]int
	HasFailures bool
}

// RunShard runs a shard. If it was interrupted before, it continues. The program is in LAMINA, or it is the lamina in the PATH.
func RunShard(ctx context.Context, s Shard) (ShardResult, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	args := append([]string{"batch", "run", "--json", "--shard", s.name()}, s.Flags...)
	cmd := exec.CommandContext(running, cmp.Or(os.Getenv("LAMINA"), "lamina"), append(args, "--", s.Dir)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return ShardResult{}, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the exit status says more
	}()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	stopping := activity.GetWorkerStopChannel(ctx)
	for {
		select {
		case <-ended:
			if ctx.Err() != nil {
				return ShardResult{}, ctx.Err()
			}
			return s.result(cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.String())
		case <-ticker.C:
			activity.RecordHeartbeat(ctx, s.name())
		case <-stopping: // the next worker continues
			stop()
			stopping = nil
		}
	}
}

// result maps the exit status of a shard to what Temporal should do. https://github.com/uselamina/lamina/blob/main/docs/batch-engines.md
// has the table.
func (s Shard) result(status int, stdout []byte, stderr string) (ShardResult, error) {
	message := fmt.Sprintf("shard %s ended with status %d: %s", s.name(), status, lastLines(stderr))
	switch status {
	case 0, 3:
		counts, err := s.counts(stdout)
		return ShardResult{Counts: counts, HasFailures: status == 3}, err
	case 2, 4, 5:
		return ShardResult{}, temporal.NewNonRetryableApplicationError(message, fmt.Sprintf("Status%d", status), nil)
	}
	return ShardResult{}, temporal.NewApplicationError(message, fmt.Sprintf("Status%d", status))
}

// counts returns the number of items by state.
func (s Shard) counts(stdout []byte) (map[string]int, error) {
	var out struct {
		Data struct {
			Shards []struct {
				Shard  string
				Counts map[string]int
			}
		}
	}
	if err := json.Unmarshal(stdout, &out); err != nil {
		return nil, fmt.Errorf("the output of shard %s is no JSON: %w", s.name(), err)
	}
	for _, shard := range out.Data.Shards {
		if shard.Shard == s.name() {
			return shard.Counts, nil
		}
	}
	return nil, errors.New("the output names no shard " + s.name())
}

// lastLines returns the end of a text, at most 2,000 bytes.
func lastLines(text string) string {
	text = strings.TrimSpace(text)
	return strings.ToValidUTF8(text[max(0, len(text)-2000):], "")
}
