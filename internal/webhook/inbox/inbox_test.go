package inbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string, opts Options) *Inbox {
	t.Helper()
	b, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func delivery(id string) Delivery {
	return Delivery{ID: id, Status: "completed", Source: FromWebhook, ReceivedAt: time.Unix(1, 0).UTC(), Body: []byte(`{"data":{"runId":"` + id + `"}}` + "\n\x00\xff")}
}

func add(t *testing.T, b *Inbox, id string) (isNew bool) {
	t.Helper()
	isNew, err := b.Add(t.Context(), delivery(id))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return isNew
}

// ids returns the ids of the deliveries in a folder, oldest first.
func ids(t *testing.T, dir string) []string {
	t.Helper()
	found := []string{}
	for d, err := range All(dir) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, d.ID)
	}
	return found
}

func TestAddedDeliveriesAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir, Options{})
	for _, id := range []string{"a", "b"} {
		if !add(t, b, id) {
			t.Errorf("%s: got a duplicate, want a new delivery", id)
		}
	}
	if add(t, b, "a") {
		t.Error("got a new delivery for a repeated id, want a duplicate")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, Options{})
	if add(t, b, "b") {
		t.Error("got a new delivery for an id of an earlier process, want a duplicate")
	}
	if !add(t, b, "c") || !b.Has("c") || b.Has("d") {
		t.Error("got c missing or d present, want c only")
	}
	var seen []Delivery
	for after := uint64(0); after < b.Last(); {
		d, err := b.Next(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		seen, after = append(seen, d), d.Seq
	}
	if len(seen) != 3 || seen[2].Seq != 3 || string(seen[0].Body) != string(delivery("a").Body) || !seen[0].ReceivedAt.Equal(time.Unix(1, 0)) {
		t.Errorf("got %+v, want a, b and c as they were added", seen)
	}
	if d, found, err := Find(dir, "b"); err != nil || !found || d.Seq != 2 {
		t.Errorf("got %+v, %t, %v, want delivery 2", d, found, err)
	}
}

// A line that a crash left incomplete is removed, a damaged one is skipped, and numbers go on.
func TestDamagedLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir, Options{})
	add(t, b, "a")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, segmentName(1))
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\x00\x00damaged\n" + `{"id":"torn","body":"`)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, dir); !slices.Equal(got, []string{"a"}) {
		t.Errorf("got %q, want a", got)
	}
	b = open(t, dir, Options{})
	add(t, b, "torn")
	if d, err := b.Next(t.Context(), 1); err != nil || d.ID != "torn" || d.Seq != 3 {
		t.Errorf("got %+v, %v, want torn as number 3", d, err)
	}
	if got := ids(t, dir); !slices.Equal(got, []string{"a", "torn"}) {
		t.Errorf("got %q, want a and torn", got)
	}
}

// The oldest deliveries are removed, and the size stays bounded.
func TestInboxIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir, Options{MaxBytes: 4000, SegmentBytes: 1000, Sync: func(*os.File) error { return nil }})
	for n := range 200 {
		add(t, b, fmt.Sprint("run-", n))
	}
	size, err := Size(dir)
	if err != nil || size > 6000 {
		t.Errorf("got %d bytes, %v, want at most 6000", size, err)
	}
	kept := ids(t, dir)
	if last := kept[len(kept)-1]; last != "run-199" || len(kept) < 10 || slices.Contains(kept, "run-0") {
		t.Errorf("got %q, want the newest", kept)
	}
	if b.Has("run-0") || !b.Has("run-199") {
		t.Error("got the index of a removed delivery")
	}
	d, err := b.Next(t.Context(), 0)
	if err != nil || d.ID != kept[0] {
		t.Errorf("got %+v, %v, want the oldest that is kept, %s", d, err, kept[0])
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, Options{})
	if add(t, b, "next"); b.Last() != 201 {
		t.Errorf("got number %d, want 201: numbers never repeat", b.Last())
	}
}

// One flush stores all deliveries that wait, and none is acknowledged before its flush.
func TestGroupsAreFlushedTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flushes, proceed := make(chan int64), make(chan error)
	b := open(t, dir, Options{Sync: func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		flushes <- info.Size()
		return <-proceed
	}})
	answered := make(chan string, 20)
	var work sync.WaitGroup
	start := func(id string) {
		work.Go(func() {
			if _, err := b.Add(context.Background(), delivery(id)); err == nil {
				answered <- id
			}
		})
	}
	start("first")
	<-flushes
	for n := range 9 {
		start(fmt.Sprint("later-", n))
	}
	start("first") // a duplicate of a delivery that is not on the disk yet
	for waiting := 0; waiting < 9; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		waiting = len(b.waiting.entries)
		b.mu.Unlock()
	}
	if len(answered) > 0 {
		t.Errorf("got %s answered before its flush", <-answered)
	}
	proceed <- nil
	<-flushes
	proceed <- nil
	work.Wait()
	if len(answered) != 11 || len(ids(t, dir)) != 10 {
		t.Errorf("got %d answers and %q, want 11 answers and 10 deliveries", len(answered), ids(t, dir))
	}
}

// A delivery that could not be flushed is not in the inbox, and may come again.
func TestFailedFlush(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	full := errors.New("no space")
	var failing error
	b := open(t, dir, Options{Sync: func(f *os.File) error { return errors.Join(failing, f.Sync()) }})
	add(t, b, "a")
	failing = full
	if _, err := b.Add(t.Context(), delivery("b")); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	failing = nil
	if !add(t, b, "b") || !slices.Equal(ids(t, dir), []string{"a", "b"}) {
		t.Errorf("got %q, want a and b", ids(t, dir))
	}
}

func TestOneProcessAdds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if err := Clear(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	add(t, b, "a")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(t.Context(), delivery("b")); err == nil {
		t.Error("got no error after Close")
	}
	mark, seq, err := OpenMark(dir, "printed")
	if err != nil || seq != 0 {
		t.Fatalf("got %d, %v, want 0", seq, err)
	}
	if err := errors.Join(mark.Set(41), mark.Set(7), mark.Close()); err != nil {
		t.Fatal(err)
	}
	if mark, seq, err = OpenMark(dir, "printed"); err != nil || seq != 7 {
		t.Errorf("got %d, %v, want 7", seq, err)
	}
	_ = mark.Close()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Clear(dir, "other", "missing"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != lockName {
		t.Errorf("got %v, %v, want the lock only", entries, err)
	}
}

func TestNextWaits(t *testing.T) {
	t.Parallel()
	b := open(t, t.TempDir(), Options{})
	got := make(chan string)
	go func() {
		d, _ := b.Next(context.Background(), 0)
		got <- d.ID
	}()
	add(t, b, "a")
	if id := <-got; id != "a" {
		t.Errorf("got %q, want a", id)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := b.Next(ended, 0); err != nil || d.ID != "a" {
		t.Errorf("got %+v, %v, want a: what is stored needs no wait", d, err)
	}
	if _, err := b.Next(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if All(filepath.Join(t.TempDir(), "missing")) == nil || len(ids(t, filepath.Join(t.TempDir(), "missing"))) != 0 {
		t.Error("got deliveries of a missing folder")
	}
}

// FuzzScan checks that no content of a segment breaks the inbox, and that what was added to it is found.
func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"id":"x","body":"e30="}` + "\n" + `{"id":"torn`))
	f.Add([]byte("\n\n\x00"))
	f.Add([]byte(`{"id":"new"}` + "\n" + strings.Repeat("x", 70<<10)))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(5)), content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Open(dir, Options{Sync: func(*os.File) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		before := b.Has("new")
		isNew, err := b.Add(t.Context(), delivery("new"))
		if err != nil || isNew == before {
			t.Errorf("got %t, %v, want new: %t", isNew, err, !before)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, found, err := Find(dir, "new"); !found || err != nil {
			t.Errorf("got %t, %v, want the delivery", found, err)
		}
	})
}

// TestNewest: the newest deliveries come first, over the bounds of segments and without damaged lines.
func TestNewest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir, Options{SegmentBytes: 500})
	for n := range 20 {
		add(t, b, fmt.Sprint("run-", n))
	}
	f, err := os.OpenFile(b.path(b.first), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("damaged\n{\"id\":\"incomplete"); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	for _, limit := range []int{0, 1, 7, 20, 100} {
		newest, err := Newest(dir, limit)
		if err != nil || len(newest) != min(limit, 20) {
			t.Fatalf("got %d deliveries, %v, want %d", len(newest), err, min(limit, 20))
		}
		for i, d := range newest {
			if want := fmt.Sprint("run-", 19-i); d.ID != want || d.Seq != uint64(20-i) {
				t.Errorf("got %s with the number %d, want %s with %d", d.ID, d.Seq, want, 20-i)
			}
		}
	}
	if newest, err := Newest(filepath.Join(dir, "missing"), 1); len(newest) != 0 || err != nil {
		t.Errorf("got %d deliveries, %v, want none", len(newest), err)
	}
}
