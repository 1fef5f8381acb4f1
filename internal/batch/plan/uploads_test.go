package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/uselamina/lamina/internal/batch/plan"
)

// TestUploads: what was remembered is there after a kill in the middle of a line, and what follows it is not lost.
func TestUploads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *plan.Uploads {
		t.Helper()
		u, err := plan.OpenUploads(dir)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	u := open()
	if err := u.Add(plan.Upload{SHA256: "a", URL: "https://e.com/a?x=1&y=2", Bytes: 3}); err != nil {
		t.Fatal(err)
	}
	u.Close()
	path := filepath.Join(dir, "uploads.ndjson")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"sha256":"torn","url":"https://e.c`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	u = open()
	if u.URL("a") != "https://e.com/a?x=1&y=2" || u.URL("torn") != "" {
		t.Errorf("got %q and %q", u.URL("a"), u.URL("torn"))
	}
	if err := u.Add(plan.Upload{SHA256: "b", URL: "https://e.com/b"}); err != nil {
		t.Fatal(err)
	}
	u.Close()
	u = open()
	defer u.Close()
	if u.URL("a") == "" || u.URL("b") != "https://e.com/b" {
		t.Errorf("got %q and %q after a torn line", u.URL("a"), u.URL("b"))
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	draft := func(dir string, lines ...string) *plan.Draft {
		t.Helper()
		d, err := plan.NewDraft(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Discard)
		for _, line := range lines {
			var item plan.Item
			if err := json.Unmarshal([]byte(line), &item); err != nil {
				t.Fatal(err)
			}
			if err := d.Add(item); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	item := func(id, text string) string { return fmt.Sprintf(`{"id":%q,"inputs":{"text":%q}}`, id, text) }
	p := write(t, t.TempDir(), "a", "b", "c")
	tests := []struct {
		name  string
		lines []string
		want  plan.Changes
	}{
		{"the same", []string{item("a", "<a>"), item("b", "<b>"), item("c", "<c>")}, plan.Changes{}},
		{"another order", []string{item("b", "<b>"), item("a", "<a>"), item("c", "<c>")}, plan.Changes{}},
		{"all kinds", []string{item("a", "<a>"), item("b", "x"), item("d", "d"), item("e", "e")}, plan.Changes{Changed: 1, New: 2, Gone: 1}},
	}
	for _, tt := range tests {
		if got, err := p.Compare(draft(p.Dir(), tt.lines...)); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}
