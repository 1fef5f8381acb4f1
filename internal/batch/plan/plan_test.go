package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/disk"
)

// example returns a plan without items.
func example() plan.Plan {
	price := 2.5
	return plan.Plan{
		Batch: "b-abcdefghij", Service: "lamina", App: plan.App{ID: "a1", Name: "Poster", Hash: "h"}, BaseURL: "https://example.com",
		WorkspaceID: "w1", Shards: 2, CreditsPerItem: &price, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Lamina: "1.0.0",
	}
}

// write writes a plan with items named by ids.
func write(t *testing.T, dir string, ids ...string) *plan.Plan {
	t.Helper()
	d, err := plan.NewDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := d.Add(plan.Item{ID: id, Inputs: json.RawMessage(fmt.Sprintf(`{"text": %q}`, "<"+id+">"))}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := plan.Write(dir, example(), d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "old")
	written := write(t, dir, "a", "b", "c")
	p, err := plan.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.Items != 3 || p.Dir() != dir || p.ItemsHash != written.ItemsHash || *p.CreditsPerItem != 2.5 || p.App.Name != "Poster" {
		t.Errorf("got %+v", p)
	}
	f, err := os.Open(p.ItemsPath())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	err = p.EachItem(func(i int, offset int64, item plan.Item) error {
		again, err := p.ItemAt(f, offset)
		if err != nil || again.ID != item.ID || i != len(got) {
			t.Errorf("item %d at %d: got %v, %v, want %v", i, offset, again, err, item)
		}
		got = append(got, item.ID+string(item.Inputs))
		return nil
	})
	if want := `a{"text":"<a>"} b{"text":"<b>"} c{"text":"<c>"}`; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("got %v, want the plan and one items file", entries)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			t.Errorf("%s: others may read it", entry.Name())
		}
	}
}

// TestReadRefuses changes the folder of a batch, and expects the kind of error for it.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	replace := func(old, with string) func(t *testing.T, p *plan.Plan) {
		return func(t *testing.T, p *plan.Plan) {
			path := filepath.Join(p.Dir(), "plan.json")
			raw, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(raw), old) {
				t.Fatalf("%v: no %q in %s", err, old, raw)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(raw), old, with, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		change func(t *testing.T, p *plan.Plan)
		want   error
	}{
		{"no plan", func(t *testing.T, p *plan.Plan) { remove(t, filepath.Join(p.Dir(), "plan.json")) }, plan.ErrNone},
		{"another format", replace(`"format": 1`, `"format": 2`), plan.ErrFormat},
		{"unknown member", replace(`"format": 1`, `"format": 1, "more": 1`), plan.ErrDamaged},
		{"not JSON", replace(`"format": 1,`, `"format": 1`), plan.ErrDamaged},
		{"no format", replace(`"format": 1,`, ``), plan.ErrDamaged},
		{"no items", replace(`"items": 3`, `"items": 0`), plan.ErrDamaged},
		{"items file elsewhere", replace(`"itemsFile": "`, `"itemsFile": "../`), plan.ErrDamaged},
		{"bad id", replace(`b-abcdefghij`, `../abcdefghij`), plan.ErrDamaged},
		{"no shards", replace(`"shards": 2`, `"shards": 0`), plan.ErrDamaged},
		{"another rule", replace(`mod shards`, `mod 7`), plan.ErrDamaged},
		{"negative price", replace(`2.5`, `-2.5`), plan.ErrDamaged},
		{"no items file", func(t *testing.T, p *plan.Plan) { remove(t, p.ItemsPath()) }, plan.ErrItems},
		{"a folder as the items file", func(t *testing.T, p *plan.Plan) {
			remove(t, p.ItemsPath())
			if err := os.Mkdir(p.ItemsPath(), 0o700); err != nil {
				t.Fatal(err)
			}
		}, plan.ErrItems},
		{"changed items", func(t *testing.T, p *plan.Plan) { overwrite(t, p.ItemsPath(), `"<a>"`, `"<z>"`) }, plan.ErrItems},
		{"lost line", func(t *testing.T, p *plan.Plan) {
			overwrite(t, p.ItemsPath(), `{"id":"c","inputs":{"text":"<c>"}}`+"\n", "")
		}, plan.ErrItems},
		{"torn line", func(t *testing.T, p *plan.Plan) { overwrite(t, p.ItemsPath(), `<c>"}}`, "") }, plan.ErrItems},
		{"no line break", func(t *testing.T, p *plan.Plan) { overwrite(t, p.ItemsPath(), `<c>"}}`+"\n", `<c>"}}`) }, plan.ErrItems},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := write(t, t.TempDir(), "a", "b", "c")
			tt.change(t, p)
			p, err := plan.Read(p.Dir())
			if err == nil {
				err = p.EachItem(func(int, int64, plan.Item) error { return nil })
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path, old, with string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(raw), old) {
		t.Fatalf("%v: no %q in %s", err, old, raw)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), old, with, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestInterruptedWrite: items that were written without a plan change nothing of the plan there is.
func TestInterruptedWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a")
	d, err := plan.NewDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(plan.Item{ID: "b", Inputs: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Read(dir)
	if err != nil || p.Items != 1 {
		t.Fatalf("got %v, %v, want the old plan", p, err)
	}
	if err := p.EachItem(func(_ int, _ int64, item plan.Item) error {
		if item.ID != "a" {
			t.Errorf("got the item %s, want a", item.ID)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "batch")
	if err := plan.Prepare(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := plan.NewDraft(dir); err != nil {
		t.Fatal(err)
	}
	if err := plan.Prepare(dir); err != nil {
		t.Errorf("got %v for what a killed process left", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "photo.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := plan.Prepare(dir); !errors.Is(err, plan.ErrNotABatch) {
		t.Errorf("got %v, want %v", err, plan.ErrNotABatch)
	}
	write(t, dir, "a")
	if err := plan.Prepare(dir); err != nil {
		t.Errorf("got %v for a folder with a plan", err)
	}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := plan.LockShared(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := plan.LockShared(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.LockExclusive(dir); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("got %v, want %v", err, disk.ErrLocked)
	}
	first()
	second()
	unlock, err := plan.LockExclusive(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := plan.LockShared(dir); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("got %v, want %v", err, disk.ErrLocked)
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	got := string(plan.Canonical(map[string]any{"b": json.RawMessage(`1.50`), "a": "<é>", "c": []any{map[string]any{"z": 1, "y": nil}}}))
	if want := `{"a":"<é>","b":1.50,"c":[{"y":null,"z":1}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if plan.AppHash([]int{1}) == plan.AppHash([]int{2}) {
		t.Error("got one hash for two values")
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := plan.NewDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(plan.Item{ID: "a", Inputs: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	p := example()
	p.Batch = plan.NewID()
	if _, err := plan.Write(dir, p, d); err != nil {
		t.Error(err)
	}
}
