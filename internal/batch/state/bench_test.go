package state_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/batch/state"
)

// finishedFolder makes the folder of a batch whose items have all completed: three records an item.
func finishedFolder(b *testing.B, items int) *plan.Plan {
	b.Helper()
	ids := make([]string, items)
	var records []journal.Record
	for i := range ids {
		ids[i] = fmt.Sprintf("item-%06d", i)
		intent := journal.Record{Type: journal.Intent, ID: ids[i], Attempt: 1, Key: "b-0123456789/" + ids[i] + "/1", At: batchtest.Start}
		records = append(records, intent, batchtest.Started(ids[i]), batchtest.Completed(ids[i], batchtest.Picture("https://cdn.example/"+ids[i]+".png")))
	}
	p := batchtest.Folder(b, ids...)
	batchtest.Write(b, p, records...)
	return p
}

// BenchmarkOpen reads a batch of 100,000 items, which is a journal of 300,000 lines. The ratio to BenchmarkBareLoop, which decodes the
// same lines and does nothing with them, is in docs/batch.md.
func BenchmarkOpen(b *testing.B) {
	p := finishedFolder(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		table, err := state.Open(p)
		if err != nil {
			b.Fatal(err)
		}
		if table.Counts().Completed != p.Items {
			b.Fatalf("%+v", table.Counts())
		}
		if err := table.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareLoop decodes what BenchmarkOpen reads.
func BenchmarkBareLoop(b *testing.B) {
	p := finishedFolder(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		decodeLines(b, p.ItemsPath(), func() any { return &plan.Item{} })
		decodeLines(b, p.JournalPath(shard.Shard{Count: 1}), func() any { return &journal.Record{} })
	}
}

func decodeLines(b *testing.B, path string, value func() any) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = json.Unmarshal(line, value())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
