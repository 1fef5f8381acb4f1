package main

import (
	"os"
	"strings"
	"testing"
)

// TestBatchFullFileSystem runs a batch in a folder with room for only a few blocks, again and again with more. Whenever the disk is full,
// the process says so, and sends no start without room to record its run: in the end no item is held, and none has two runs.
func TestBatchFullFileSystem(t *testing.T) {
	t.Parallel()
	b := newKilledBatch(t, batchLoad{items: 600, shards: 1}, "ignored")
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mount(t, b.dir, "size=1m,mode=700")
	b.plan()
	full := 0
	for pages := 0; ; pages += 3 {
		filler, _ := writeFiller(t, b.dir, pages)
		out, err := b.command("batch", "run", "batch", "--quiet").CombinedOutput()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
		full++
		if !strings.Contains(string(out), "free space on the disk") || full > 200 {
			t.Fatalf("%d free pages: %v\n%s", pages, err, out)
		}
	}
	if full < 10 {
		t.Errorf("the disk was full %d times, want more", full)
	}
	b.idempotency = "honoured" // so that the judge accepts no item that is held
	b.judge()
}
