package results_test

import (
	"os"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/results"
	"github.com/uselamina/lamina/internal/batch/state"
)

// The lines are in the order of the items, whatever the order of the journals.
func TestWriteFile(t *testing.T) {
	p := batchtest.Sharded(t, 3, "a", "b", "c", "d", "e")
	batchtest.Write(t, p,
		batchtest.Started("e"),
		batchtest.Failed("c", "no <light> & no\nshade"),
		batchtest.Completed("a", batchtest.Picture("https://files.example/a.png?x=1&y=2")),
		journal.Record{Type: journal.Saved, ID: "a", Attempt: 1, Files: []journal.File{{Label: "poster", Path: "out/a.png", Bytes: 3, SHA256: "00"}}},
		journal.Record{Type: journal.Held, ID: "d", Attempt: 2, Reason: "two runs may be its own"},
	)
	if err := results.WriteFile(t.Context(), p.ResultsPath(), batchtest.Open(t, p)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(p.ResultsPath())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"a","state":"completed","run":"run-a","credits":2,"outputs":[{"id":"o1","label":"poster","type":"image",` +
		`"value":"https://files.example/a.png?x=1&y=2","status":"completed"}],` +
		`"files":[{"label":"poster","path":"out/a.png","bytes":3,"sha256":"00"}],"attempts":1}
{"id":"b","state":"pending","outputs":[],"files":[],"attempts":0}
{"id":"c","state":"failed","run":"run-c","credits":2,"outputs":[],"files":[],"error":"no <light> & no\nshade","attempts":1}
{"id":"d","state":"held","outputs":[],"files":[],"error":"two runs may be its own","attempts":2}
{"id":"e","state":"running","run":"run-e","outputs":[],"files":[],"attempts":1}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(p.ResultsPath()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got the mode %v (%v), want 0600", info.Mode(), err)
	}
}

// An item that was tried again has no files of the attempt before.
func TestFilesOfAnEarlierAttempt(t *testing.T) {
	p := batchtest.Folder(t, "a")
	again := batchtest.Started("a")
	again.Attempt = 2
	batchtest.Write(t, p,
		batchtest.Completed("a", "[]"),
		journal.Record{Type: journal.Saved, ID: "a", Attempt: 1, Files: []journal.File{{Path: "out/a.png"}}},
		journal.Record{Type: journal.Retry, ID: "a", Attempt: 1}, again,
	)
	line, err := results.At(batchtest.Open(t, p), 0)
	if err != nil || line.State != "running" || len(line.Files) != 0 {
		t.Errorf("got %+v, %v, want no files", line, err)
	}
}

func TestAll(t *testing.T) {
	p := batchtest.Folder(t, "a", "b", "c")
	batchtest.Write(t, p, batchtest.Completed("a", "[]"), batchtest.Failed("b", ""), batchtest.Completed("c", "null"))
	var ids []string
	for line, err := range results.All(batchtest.Open(t, p), func(s state.Status) bool { return s == state.Completed }) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, line.ID)
	}
	if got := strings.Join(ids, " "); got != "a c" {
		t.Errorf("got %q, want a c", got)
	}
}
