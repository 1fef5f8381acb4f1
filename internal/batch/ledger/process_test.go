package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The environment of a process that is a shard.
const (
	ownerVariable = "LEDGER_TEST_OWNER"
	dirVariable   = "LEDGER_TEST_DIR"
	limitVariable = "LEDGER_TEST_LIMIT"
)

func TestMain(m *testing.M) {
	if owner := os.Getenv(ownerVariable); owner != "" {
		limit, err := strconv.ParseFloat(os.Getenv(limitVariable), 64)
		if err == nil {
			err = shard(os.Getenv(dirVariable), owner, limit)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// shard reserves until the limit is reached, and writes a journal of that.
func shard(dir, owner string, limit float64) error {
	spent, reserved, err := journal(dir, owner)
	if err != nil {
		return err
	}
	w, err := os.OpenFile(filepath.Join(dir, owner), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer w.Close()
	l, err := openIn(dir, limit)
	if err != nil {
		return err
	}
	if err := l.Restore(owner, spent, reserved); err != nil {
		return err
	}
	for {
		credits := 0.5 * float64(1+rand.IntN(4))
		ok, err := l.Reserve(context.Background(), credits)
		if err != nil || !ok {
			return errors.Join(err, l.Close())
		}
		actual := credits / 2 * float64(rand.IntN(3))
		if _, err := fmt.Fprintf(w, "reserved %v\n", credits); err != nil {
			return err
		}
		if rand.IntN(10) == 0 {
			continue // this run never ends
		}
		if _, err := fmt.Fprintf(w, "settled %v %v\n", credits, actual); err != nil {
			return err
		}
		if err := l.Settle(credits, actual); err != nil {
			return err
		}
	}
}

// journal returns what the journal of a shard says.
func journal(dir, owner string) (spent, reserved float64, err error) {
	r, err := os.Open(filepath.Join(dir, owner))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var credits, actual float64
		if _, err := fmt.Sscanf(lines.Text(), "reserved %g", &credits); err == nil {
			reserved += credits
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "settled %g %g", &credits, &actual); err != nil {
			return 0, 0, err
		}
		spent, reserved = spent+actual, reserved-credits
	}
	return spent, reserved, lines.Err()
}

// TestProcesses: processes that share a folder, and are killed at any moment, never spend more than the limit, and together all of it.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const (
		shards = 6
		limit  = 4000.0
	)
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range shards {
		all.Go(func() {
			owner := fmt.Sprintf("%d-of-%d", i, shards)
			for kills := range 4 {
				if err := runShard(t, dir, owner, limit, kills < 3); err != nil {
					t.Errorf("%s: %v", owner, err)
				}
			}
		})
	}
	all.Wait()
	sum := 0.0
	for i := range shards {
		spent, reserved, err := journal(dir, fmt.Sprintf("%d-of-%d", i, shards))
		if err != nil {
			t.Fatal(err)
		}
		sum += spent + reserved
	}
	if sum > limit+1e-6 {
		t.Errorf("%v credits were spent and reserved, want at most %v", sum, limit)
	}
	l := open(t, dir, "judge", limit)
	if ok, err := l.Reserve(t.Context(), limit-sum); err != nil || !ok {
		t.Errorf("%v of %v credits are used, and the rest cannot be reserved: %v", sum, limit, err)
	}
	if ok, err := l.Reserve(t.Context(), 0.01); err != nil || ok {
		t.Errorf("got %t, %v for more than the limit, want a refusal", ok, err)
	}
}

// runShard runs a process, and kills it after some milliseconds if that is wanted.
func runShard(t *testing.T, dir, owner string, limit float64, kill bool) error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVariable+"="+owner, dirVariable+"="+dir, limitVariable+"="+strconv.FormatFloat(limit, 'g', -1, 64))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	if kill {
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		_ = cmd.Process.Kill()
	}
	if err := cmd.Wait(); err != nil && !kill {
		return err
	}
	return nil
}
