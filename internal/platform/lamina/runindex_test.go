package lamina

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

var allStatuses = []api.Status{api.Queued, api.Running, api.Completed, api.Failed, api.Cancelled}

// randomRuns stores runs and changes some of them. With setBack, the clock is set back now and then.
func randomRuns(rg *rig, random *rand.Rand, count int, setBack bool) map[string]run {
	runs := map[string]run{}
	put := func(r run) {
		rg.Update(func(tx *wire.Tx) {
			if r.Order == "" {
				r.Order = tx.NextOrder()
			}
			rg.s.putRun(tx, &r)
		})
		runs[r.RunID] = r
	}
	at := rg.Clock.Now()
	for i := range count {
		at = at.Add(time.Duration(random.IntN(3)) * time.Second)
		if setBack && random.IntN(10) == 0 {
			at = at.Add(-10 * time.Second)
		}
		r := run{WorkspaceID: fmt.Sprintf("wsp_%d", random.IntN(2)), Family: []family{familyApps, familyGenerate}[random.IntN(2)]}
		r.RunID, r.WorkflowID, r.Status, r.CreatedAt = fmt.Sprintf("run-%d", i), fmt.Sprintf("app-%d", random.IntN(3)), api.Queued, at
		put(r)
		changed := runs[fmt.Sprintf("run-%d", random.IntN(i+1))]
		if !changed.Status.Final() {
			changed.Status = allStatuses[random.IntN(len(allStatuses))]
			put(changed)
		}
	}
	return runs
}

// slowFind is find without an index.
func slowFind(runs map[string]run, q runQuery) (ids []string, total int) {
	var found []run
	for _, r := range runs {
		isOf := q.group.workspace == "" || r.WorkspaceID == q.group.workspace && r.Family == q.group.family
		if isOf && (q.group.app == "" || r.WorkflowID == q.group.app) && (q.status == "" || string(r.Status) == q.status) && !r.CreatedAt.Before(q.since) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b run) int { return cmp.Compare(b.Order, a.Order) })
	for _, r := range page(found, q.limit, q.offset) {
		ids = append(ids, r.RunID)
	}
	return ids, len(found)
}

func TestIndexFindsWhatIsStored(t *testing.T) {
	t.Parallel()
	for _, setBack := range []bool{false, true} {
		t.Run(fmt.Sprintf("clock set back: %v", setBack), func(t *testing.T) {
			t.Parallel()
			rg := newRig(t)
			rg.s.Close() // the workers would perform the runs
			random := rand.New(rand.NewPCG(1, 2))
			start := rg.Clock.Now()
			runs := randomRuns(rg, random, 300, setBack)
			loaded := newRunIndex()
			rg.Deps.Store.View(loaded.load)
			for range 3000 {
				q := runQuery{limit: 1 + random.IntN(30), offset: random.IntN(4) * random.IntN(60)}
				q.group.app = []string{"", "app-0", "app-1", "app-none"}[random.IntN(4)]
				if random.IntN(4) > 0 {
					q.group.workspace, q.group.family = "wsp_1", []family{familyApps, familyGenerate}[random.IntN(2)]
				}
				if random.IntN(2) > 0 {
					q.status = string(allStatuses[random.IntN(len(allStatuses))])
				}
				if random.IntN(2) > 0 {
					q.since = start.Add(time.Duration(random.IntN(400)) * time.Second)
				}
				want, wantTotal := slowFind(runs, q)
				for name, index := range map[string]*runIndex{"kept": rg.s.index, "loaded": loaded} {
					if got, total := index.find(q); !slices.Equal(got, want) || total != wantTotal {
						t.Fatalf("%s, %+v: got %d of %d %v, want %d of %d %v", name, q, len(got), total, got, len(want), wantTotal, want)
					}
				}
			}
			checkUnfinished(t, rg.s.index, runs)
			checkUnfinished(t, loaded, runs)
		})
	}
}

// checkUnfinished compares the unfinished and the running runs of an index with the stored ones.
func checkUnfinished(t *testing.T, x *runIndex, runs map[string]run) {
	t.Helper()
	var unfinished []run
	running := 0
	for _, r := range runs {
		if !r.Status.Final() {
			unfinished = append(unfinished, r)
		}
		if r.Status == api.Running {
			running++
			if !x.running[r.WorkspaceID][r.RunID] {
				t.Errorf("%s is not among the running runs", r.RunID)
			}
		}
	}
	slices.SortFunc(unfinished, func(a, b run) int { return cmp.Compare(a.Order, b.Order) })
	seen := map[string]bool{}
	for _, want := range unfinished {
		got, ok := x.oldestUnfinished(func(id string) bool { return seen[id] })
		if !ok || got != want.RunID {
			t.Fatalf("unfinished: got %s, %v, want %s", got, ok, want.RunID)
		}
		seen[got] = true
	}
	if _, ok := x.oldestUnfinished(func(id string) bool { return seen[id] }); ok || len(x.elements) != len(unfinished) {
		t.Errorf("got %d unfinished runs, want %d", len(x.elements), len(unfinished))
	}
	if got := len(x.running["wsp_0"]) + len(x.running["wsp_1"]); got != running {
		t.Errorf("got %d running runs, want %d", got, running)
	}
}

func TestFailedUpdateLeavesTheIndex(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	err := rg.Deps.Store.Update(func(tx *wire.Tx) error {
		rg.s.putRun(tx, &run{Run: api.Run{RunID: "lost"}, Order: tx.NextOrder()})
		return errFinal
	})
	if _, ok := rg.s.index.places["lost"]; ok || err == nil {
		t.Errorf("got the run in the index (%v) and error %v, want neither the run nor no error", ok, err)
	}
}
