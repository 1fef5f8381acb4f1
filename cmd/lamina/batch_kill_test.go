//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A batchLoad is how much TestBatchSurvivesKills does.
type batchLoad struct{ items, shards, kills int }

// loadOfBatch returns the load: small by default, 2,000 items at full length, and 300,000 with LAMINA_TEST_BATCH, which takes half an hour.
// LAMINA_TEST_BATCH_ITEMS changes the number of items.
func loadOfBatch(t *testing.T) batchLoad {
	t.Helper()
	load := batchLoad{items: 150, shards: 2, kills: 4}
	switch {
	case os.Getenv("LAMINA_TEST_BATCH") == "1":
		load = batchLoad{items: 300_000, shards: 8, kills: 56}
	case isFullLoad():
		load = batchLoad{items: 2_000, shards: 4, kills: 12}
	}
	if text := os.Getenv("LAMINA_TEST_BATCH_ITEMS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		load.items = n
	}
	return load
}

// TestBatchSurvivesKills kills the processes of a batch at random times, while responses are lost, refused and cut. The judge asks the
// platform: no item has two runs, each result has the run of its item, and only lost starts are held.
func TestBatchSurvivesKills(t *testing.T) {
	t.Parallel()
	for _, idempotency := range []string{"honoured", "ignored"} {
		t.Run(idempotency, func(t *testing.T) {
			t.Parallel()
			load := loadOfBatch(t)
			b := newKilledBatch(t, load, idempotency)
			b.plan()
			b.planFaults()
			var shards sync.WaitGroup
			for i := range load.shards {
				shards.Go(func() { b.killShard(i, load.kills/load.shards) })
			}
			shards.Wait()
			if !t.Failed() {
				b.judge()
			}
		})
	}
}

// A killedBatch is a batch whose processes are killed.
type killedBatch struct {
	t           testing.TB
	load        batchLoad
	idempotency string
	dev         *devServer
	home, dir   string
}

func newKilledBatch(t testing.TB, load batchLoad, idempotency string, args ...string) *killedBatch {
	t.Helper()
	args = append([]string{"--rate-limit", "0", "--idempotency", idempotency, "--capacity", "1000000"}, args...)
	dev, err := startDev(t.TempDir(), t.TempDir(), nil, args...) // the check of each response would take most of the time
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.stop() })
	home := t.TempDir()
	b := &killedBatch{t: t, load: load, idempotency: idempotency, dev: dev, home: home, dir: filepath.Join(home, "batch")}
	b.post("/dev/credits", object{"add": 10 * load.items})
	return b
}

// command returns a command of the user of the batch.
func (b *killedBatch) command(args ...string) *exec.Cmd {
	cmd := exec.Command("lamina", args...)
	cmd.Dir = b.home
	cmd.Env = append(os.Environ(), "HOME="+b.home, "LAMINA_BASE_URL="+b.dev.BaseURL, "LAMINA_API_KEY="+b.dev.APIKey,
		"LAMINA_BATCH_SETTLE=300ms", "GORACE="+quickExit)
	return cmd
}

// post sends a control request to the platform.
func (b *killedBatch) post(path string, body any) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.Post(b.dev.BaseURL+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		b.t.Fatalf("POST %s: %s", path, resp.Status)
	}
}

// itemID returns the id of an item, which is its input, too.
func itemID(i int) string { return fmt.Sprintf("item-%06d", i) }

// plan plans the batch.
func (b *killedBatch) plan() {
	b.t.Helper()
	var items bytes.Buffer
	for i := range b.load.items {
		fmt.Fprintf(&items, `{"id":%q,"text":%q}`+"\n", itemID(i), itemID(i))
	}
	if err := os.WriteFile(filepath.Join(b.home, "items.ndjson"), items.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	out, err := b.command("batch", "plan", "noop", "items.ndjson", "--out", "batch", "--shards", fmt.Sprint(b.load.shards)).CombinedOutput()
	if err != nil {
		b.t.Fatalf("batch plan: %v\n%s", err, out)
	}
}

// planFaults makes the platform lose and cut one response in a hundred, and refuse some.
func (b *killedBatch) planFaults() {
	b.t.Helper()
	for i, fault := range []object{
		{"path": "/v1/apps/*", "method": "POST", "cut": "after"},
		{"path": "/v1/apps/*", "method": "POST", "cut": "before"},
		{"path": "/v1/apps/*", "method": "POST", "status": 429},
		{"path": "/v1/apps/*", "method": "POST", "status": 503},
		{"path": "/v1/runs*", "method": "GET", "status": 503},
		{"path": "/v1/runs*", "method": "GET", "cut": "body", "cutAfterBytes": 20},
	} {
		fault["times"], fault["seed"], fault["chance"] = 1_000_000, i+1, 0.01
		if fault["status"] != nil {
			fault["times"], fault["chance"] = 100, 0.002 // each refusal slows the batch down
		}
		b.post("/dev/faults", fault)
	}
}

// killShard kills the process of a shard several times, and lets the last one end.
func (b *killedBatch) killShard(shard, kills int) {
	// To read the folder of a large batch takes a while: most processes are killed after that.
	longest := 1500*time.Millisecond + time.Duration(b.load.items)*200*time.Microsecond
	status, stderr := killAndFinish(b.t, kills, longest, func() *exec.Cmd {
		return b.command("batch", "run", "batch", "--shard", fmt.Sprintf("%d/%d", shard, b.load.shards), "--quiet", "--idempotency", b.idempotency)
	})
	if status != 0 && (status != 3 || b.idempotency == "honoured") {
		b.t.Errorf("shard %d ended with %d: %s", shard, status, stderr)
	}
}

// killAndFinish runs a command several times, kills it each time after 200 milliseconds and a random part of longest, and then lets it end
// once. It returns the status and the messages of the last process.
func killAndFinish(t testing.TB, kills int, longest time.Duration, command func() *exec.Cmd) (status int, stderr string) {
	t.Helper()
	for range kills {
		cmd := command()
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return -1, ""
		}
		timer := time.AfterFunc(200*time.Millisecond+rand.N(longest), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
	}
	cmd := command()
	var messages bytes.Buffer
	cmd.Stderr = &messages
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), messages.String()
}

// A batchResult is a line of the results.
type batchResult struct{ ID, State, Run string }

// judge compares the results with the runs of the platform.
func (b *killedBatch) judge() {
	b.t.Helper()
	runs := b.platformRuns()
	results := b.results()
	owned := map[string]bool{}
	held := 0
	for i, r := range results {
		ofItem := runs[r.ID]
		switch {
		case r.ID != itemID(i):
			b.t.Fatalf("line %d of the results is about %s", i+1, r.ID)
		case len(ofItem) > 1:
			b.t.Errorf("%s has %d runs", r.ID, len(ofItem))
		case r.State == "held" && b.idempotency == "ignored":
			held++
		case r.State != "completed":
			b.t.Errorf("%s is %s", r.ID, r.State)
		case len(ofItem) != 1 || ofItem[0] != r.Run:
			b.t.Errorf("%s has the run %q, and the platform has %q for it", r.ID, r.Run, ofItem)
		}
		owned[r.ID] = r.State == "completed"
	}
	orphans := 0
	for id := range runs {
		if !owned[id] {
			orphans++
		}
	}
	if len(results) != b.load.items || orphans > held {
		b.t.Errorf("%d results of %d items; %d runs without a result, and %d items held", len(results), b.load.items, orphans, held)
	}
	b.t.Logf("%s: %d items, %d held, of which %d have a run", b.idempotency, len(results), held, orphans)
}

// platformRuns returns the ids of the runs by the input of their item.
func (b *killedBatch) platformRuns() map[string][]string {
	b.t.Helper()
	runs := map[string][]string{}
	for after := ""; ; {
		resp, err := http.Get(b.dev.BaseURL + "/dev/runs?limit=10000&after=" + after)
		if err != nil {
			b.t.Fatal(err)
		}
		var page struct {
			Data []struct {
				Order, RunID string
				Inputs       struct{ Text []string }
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			b.t.Fatalf("GET /dev/runs: %s, %v", resp.Status, err)
		}
		if len(page.Data) == 0 {
			return runs
		}
		for _, r := range page.Data {
			id := strings.Join(r.Inputs.Text, "")
			runs[id] = append(runs[id], r.RunID)
			after = r.Order
		}
	}
}

// results returns the results that the program writes.
func (b *killedBatch) results() (all []batchResult) {
	b.t.Helper()
	if out, err := b.command("batch", "results", "batch", "--jq", "empty").CombinedOutput(); err != nil {
		b.t.Fatalf("batch results: %v\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(b.dir, "results.ndjson"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r batchResult
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		b.t.Fatal(err)
	}
	return all
}
