// Package batchtest makes folders of batches for tests.
package batchtest

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/batch/state"
)

// Start is when the batches of tests are planned, and when their runs start and end.
var Start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// Folder makes the folder of a batch with one shard. Each item is named by its id.
func Folder(t testing.TB, ids ...string) *plan.Plan { return Sharded(t, 1, ids...) }

// Sharded makes the folder of a batch with a number of shards.
func Sharded(t testing.TB, shards int, ids ...string) *plan.Plan {
	t.Helper()
	dir := t.TempDir()
	draft, err := plan.NewDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		inputs, err := json.Marshal(map[string]string{"text": "Hello " + id})
		if err != nil {
			t.Fatal(err)
		}
		if err := draft.Add(plan.Item{ID: id, Inputs: inputs}); err != nil {
			t.Fatal(err)
		}
	}
	price := 2.0
	p, err := plan.Write(dir, plan.Plan{
		Batch: "b-0123456789", Service: "lamina", App: plan.App{ID: "app-1", Name: "Poster", Hash: "0a"}, BaseURL: "https://app.example",
		WorkspaceID: "ws-1", Shards: shards, CreditsPerItem: &price, CreatedAt: Start, Lamina: "test",
	}, draft)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Write appends records to the journals of the shards that their items belong to.
func Write(t testing.TB, p *plan.Plan, records ...journal.Record) {
	t.Helper()
	if err := os.MkdirAll(p.JournalDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	byShard := map[int][]journal.Record{}
	for _, r := range records {
		index := shard.Of(r.ID, p.Shards)
		byShard[index] = append(byShard[index], r)
	}
	for index, records := range byShard {
		s := shard.Shard{Index: index, Count: p.Shards}
		w, err := journal.Create(p.JournalPath(s), p.JournalLockPath(s), p.Batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if _, err := w.Append(r, false); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Open opens what the journals say of a batch, until the test ends.
func Open(t testing.TB, p *plan.Plan) *state.Table {
	t.Helper()
	table, err := state.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	return table
}

// Started returns the record of a run that was started for an item. The id of the run is that of the item with "run-" before it.
func Started(id string) journal.Record {
	return journal.Record{Type: journal.Started, ID: id, Attempt: 1, Run: "run-" + id, At: Start}
}

// Completed returns the record of a run that completed with outputs, which are JSON.
func Completed(id, outputs string) journal.Record {
	r := ended(id, state.Completed)
	r.Outputs = json.RawMessage(outputs)
	return r
}

// Failed returns the record of a run that failed.
func Failed(id, reason string) journal.Record {
	r := ended(id, state.Failed)
	r.Error = reason
	return r
}

func ended(id string, status state.Status) journal.Record {
	price := 2.0
	return journal.Record{Type: journal.Ended, ID: id, Attempt: 1, Run: "run-" + id, At: Start, State: status.String(), Credits: &price}
}

// Picture returns the outputs of a run that made one picture, as JSON.
func Picture(address string) string {
	return fmt.Sprintf(`[{"id":"o1","label":"poster","type":"image","value":%q,"status":"completed"}]`, address)
}
