package state_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/state"
)

// TestAnyOrder: the records of an item give the same state in whatever order they are read, as those of several journals are.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	credits := 2.0
	intent := func(n int) journal.Record { return journal.Record{Type: journal.Intent, ID: "a", Attempt: n} }
	ended := func(n int, how string) journal.Record {
		return journal.Record{Type: journal.Ended, ID: "a", Attempt: n, Run: "run", State: how, Credits: &credits}
	}
	of := func(kind journal.Type, n int) journal.Record { return journal.Record{Type: kind, ID: "a", Attempt: n} }
	tests := []struct {
		name    string
		records []journal.Record
		want    state.Status
	}{
		{"nothing", nil, state.Pending},
		{"a start that may have been sent", []journal.Record{intent(1)}, state.Starting},
		{"a lost response", []journal.Record{intent(1), of(journal.Unknown, 1)}, state.Starting},
		{"a run", []journal.Record{intent(1), of(journal.Started, 1)}, state.Running},
		{"a run that was found", []journal.Record{intent(1), of(journal.Unknown, 1), of(journal.Started, 1)}, state.Running},
		{"no effect", []journal.Record{intent(1), of(journal.Unknown, 1), of(journal.None, 1)}, state.Pending},
		{"refused for now", []journal.Record{intent(1), of(journal.Refused, 1)}, state.Pending},
		{"refused", []journal.Record{intent(1), {Type: journal.Refused, ID: "a", Attempt: 1, Final: true}}, state.Failed},
		{"held", []journal.Record{intent(1), of(journal.Unknown, 1), of(journal.Held, 1)}, state.Held},
		{"released", []journal.Record{intent(1), of(journal.Unknown, 1), of(journal.Held, 1), of(journal.Retry, 1)}, state.Pending},
		{"completed", []journal.Record{intent(1), of(journal.Started, 1), ended(1, "completed")}, state.Completed},
		{"failed, again, completed", []journal.Record{
			intent(1), of(journal.Started, 1), ended(1, "failed"), of(journal.Retry, 1), intent(2), of(journal.Started, 2), ended(2, "completed"),
		}, state.Completed},
		{"cancelled", []journal.Record{intent(1), of(journal.Started, 1), ended(1, "cancelled")}, state.Cancelled},
		{"skipped", []journal.Record{of(journal.Skipped, 0)}, state.Skipped},
		{"skipped, and again", []journal.Record{of(journal.Skipped, 0), of(journal.Retry, 0)}, state.Pending},
		{"of an item that is gone", []journal.Record{{Type: journal.Intent, ID: "gone", Attempt: 1}}, state.Pending},
		{"of a later version", []journal.Record{{Type: "later", ID: "a", Attempt: 9}}, state.Pending},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				p := batchtest.Folder(t, "a")
				batchtest.Write(t, p, tt.records...)
				table, err := state.Open(p)
				if err != nil {
					t.Fatal(err)
				}
				if got := table.Status(0); got != tt.want {
					t.Fatalf("got %s, want %s, from %v", got, tt.want, tt.records)
				}
				if c := table.Counts(); c.Total() != 1 || *c.Of(tt.want) != 1 || c.Credits != paid(tt.records) {
					t.Fatalf("got %+v from %v", c, tt.records)
				}
				if err := table.Close(); err != nil {
					t.Fatal(err)
				}
				rand.Shuffle(len(tt.records), func(i, j int) { tt.records[i], tt.records[j] = tt.records[j], tt.records[i] })
			}
		})
	}
}

// paid returns the credits of all attempts.
func paid(records []journal.Record) (sum float64) {
	for _, r := range records {
		if r.Credits != nil {
			sum += *r.Credits
		}
	}
	return sum
}

// TestRefresh: a table sees what was appended to the journals after it was opened, and which runs are of this batch.
func TestRefresh(t *testing.T) {
	t.Parallel()
	p := batchtest.Folder(t, "a", "b")
	table, err := state.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	batchtest.Write(t, p, journal.Record{Type: journal.Intent, ID: "b", Attempt: 1, At: time.Now()},
		journal.Record{Type: journal.Started, ID: "b", Attempt: 1, Run: "run-b", At: time.Now()})
	if err := table.Refresh(); err != nil {
		t.Fatal(err)
	}
	if got := table.Status(1); got != state.Running {
		t.Errorf("got %s, want running", got)
	}
	if !table.IsOurs("run-b") || table.IsOurs("run-a") {
		t.Error("IsOurs knows the wrong runs")
	}
	if r, err := table.Last(1); err != nil || r.Run != "run-b" {
		t.Errorf("got %+v, %v", r, err)
	}
	if got := table.Runs()[1].ID; got != "run-b" {
		t.Errorf("the run is %q", got)
	}
}
