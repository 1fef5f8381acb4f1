package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
)

// clean stands for term.Clean: it removes escapes.
func clean(text string) string { return strings.ReplaceAll(text, "\x1b", "") }

func write(t *testing.T, p *plan.Plan, maxItems int) string {
	t.Helper()
	var page strings.Builder
	o := Options{Now: batchtest.Start, Clean: clean, MaxItems: maxItems}
	if err := Write(&page, p, batchtest.Open(t, p), o); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// outputs returns the outputs of a run, with one of a type and a value.
func outputs(t *testing.T, kind string, value any) string {
	t.Helper()
	raw, err := json.Marshal([]map[string]any{{"label": "result", "type": kind, "value": value}})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWrite(t *testing.T) {
	p := batchtest.Folder(t, "one", "two", "three", "four")
	batchtest.Write(t, p,
		batchtest.Completed("one", batchtest.Picture("https://files.example/1.png")),
		journal.Record{Type: journal.Saved, ID: "one", Attempt: 1, Files: []journal.File{{Label: "poster", Path: "out/one/a b#1.png"}}},
		batchtest.Failed("two", "no light"),
		batchtest.Completed("three", outputs(t, "text", "A line\nand another")),
	)
	page := write(t, p, 0)
	for _, want := range []string{
		`<h1>Poster</h1>`, `3 of 4 done · 6 credits of an estimated 8 · planned 2 January 2030 03:04 UTC`,
		`name="show" id="show-failed">failed 1</label>`, `name="show" id="show-all" checked>all 4</label>`,
		`<article class="completed"><a href="out/one/a%20b%231.png" target="_blank" rel="noopener noreferrer" class="picture">` +
			`<img src="out/one/a%20b%231.png" alt="poster" loading="lazy" decoding="async"></a><b>one</b>`,
		`<article class="failed"><b>two</b><p class="meta">failed · 2 credits · run-two</p><p class="error">no light</p><p class="inputs">text: Hello two</p>`,
		"<p class=\"text\">A line\nand another</p>", `<article class="pending"><b>four</b><p class="meta">pending</p>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("got no %s in\n%s", want, page)
		}
	}
	for _, surprise := range []string{"files.example", `id="show-held"`, "<script"} {
		if strings.Contains(page, surprise) {
			t.Errorf("got %s, which does not belong there, in\n%s", surprise, page)
		}
	}
	if got := strings.Count(page[strings.Index(page, "<main>"):strings.Index(page, "</main>")], "</"); got > 4*6 {
		t.Errorf("got %d elements for 4 items, want at most 6 an item", got)
	}
}

// Several pictures of an item stand side by side, and a text keeps the whole width.
func TestSeveralPictures(t *testing.T) {
	p := batchtest.Folder(t, "two", "one")
	file := func(name string) journal.File { return journal.File{Label: name, Path: "out/" + name} }
	batchtest.Write(t, p,
		batchtest.Completed("two", "[]"),
		journal.Record{Type: journal.Saved, ID: "two", Attempt: 1, Files: []journal.File{file("a.png"), file("b.jpg"), file("c.txt")}},
		batchtest.Completed("one", "[]"),
		journal.Record{Type: journal.Saved, ID: "one", Attempt: 1, Files: []journal.File{file("a.png"), file("c.txt")}},
	)
	page := write(t, p, 0)
	for _, want := range []string{`<article class="completed several"><a href="out/a.png"`, `<article class="completed"><a href="out/a.png"`} {
		if !strings.Contains(page, want) {
			t.Errorf("got no %s in\n%s", want, page)
		}
	}
}

// Nothing in a journal or an item becomes markup, a script or an address of another kind.
func TestHostileText(t *testing.T) {
	const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>` + "\x1b[31m"
	ids := []string{attack, "js", "data", "pass", "up", "html", "svg", "colon"}
	p := batchtest.Folder(t, ids...)
	records := []journal.Record{
		batchtest.Failed(attack, attack),
		batchtest.Completed("js", outputs(t, "image", "javascript:alert(1)")),
		batchtest.Completed("data", outputs(t, "html", "data:text/html,<script>alert(1)</script>")),
		batchtest.Completed("pass", outputs(t, "image", "https://user:pass@files.example/a.png")),
		batchtest.Completed("up", "[]"), batchtest.Completed("html", "[]"), batchtest.Completed("svg", "[]"), batchtest.Completed("colon", "[]"),
	}
	for id, path := range map[string]string{
		"up": "../../secret.png", "html": "out/page.html", "svg": "out/" + attack + ".svg", "colon": "javascript:alert(1).png",
	} {
		records = append(records, journal.Record{Type: journal.Saved, ID: id, Attempt: 1, Files: []journal.File{{Label: attack, Path: path}}})
	}
	batchtest.Write(t, p, records...)
	page := write(t, p, 0)
	for _, bad := range []string{
		"<script", "<img src=x", "\x1b", `href="javascript:`, `src="javascript:`, `="data:`, "user:pass@", `="../`, `href="out/`, `src="out/`,
	} {
		if strings.Contains(page, bad) {
			t.Errorf("got %q in\n%s", bad, page)
		}
	}
	if want := `src="./javascript:alert%281%29.png"`; !strings.Contains(page, want) && !strings.Contains(page, `src="./javascript:alert(1).png"`) {
		t.Errorf("got no %s in\n%s", want, page)
	}
}

// A page that is too small for all items shows those to look at, and says how many it leaves out.
func TestMaxItems(t *testing.T) {
	var ids []string
	var records []journal.Record
	for i := range 20 {
		id := fmt.Sprintf("item-%02d", i)
		ids = append(ids, id)
		if i < 12 {
			records = append(records, batchtest.Completed(id, "[]"))
		} else if i < 18 {
			records = append(records, batchtest.Failed(id, ""))
		}
	}
	p := batchtest.Folder(t, ids...)
	batchtest.Write(t, p, records...)
	for _, tt := range []struct{ max, completed, failed, pending int }{{8, 4, 4, 0}, {15, 9, 6, 0}, {19, 12, 6, 1}, {100, 12, 6, 2}} {
		page := write(t, p, tt.max)
		got := []int{}
		for _, name := range []string{"completed", "failed", "pending"} {
			got = append(got, strings.Count(page, `<article class="`+name+`"`))
		}
		if want := []int{tt.completed, tt.failed, tt.pending}; !slices.Equal(got, want) {
			t.Errorf("of %d: got %v completed, failed and pending items, want %v", tt.max, got, want)
		}
		if isSaid := strings.Contains(page, fmt.Sprintf("all 20 (%d of them here)", tt.max)); isSaid != (tt.max < 20) {
			t.Errorf("of %d: got %v for the number of items that the page has", tt.max, isSaid)
		}
	}
}

func TestPlayers(t *testing.T) {
	var ids []string
	var records []journal.Record
	for i := range maxPlayers + 5 {
		ids = append(ids, fmt.Sprintf("item-%03d", i))
		records = append(records, batchtest.Completed(ids[i], outputs(t, "video", fmt.Sprintf("https://files.example/%d.mp4", i))))
	}
	p := batchtest.Folder(t, ids...)
	batchtest.Write(t, p, records...)
	page := write(t, p, 0)
	if got := strings.Count(page, "<video"); got != maxPlayers {
		t.Errorf("got %d players, want %d", got, maxPlayers)
	}
	if want := `<a href="https://files.example/104.mp4" target="_blank" rel="noopener noreferrer">result</a>`; !strings.Contains(page, want) {
		t.Errorf("got no %s", want)
	}
}

func TestOutputs(t *testing.T) {
	for _, tt := range []struct {
		kind  string
		value any
		want  []medium
	}{
		{"image", "https://files.example/a", []medium{{kind: picture, label: "result", address: "https://files.example/a"}}},
		{"image", []string{"https://files.example/a", "http://files.example/b"}, []medium{
			{kind: picture, label: "result", address: "https://files.example/a"}, {kind: picture, label: "result", address: "http://files.example/b"},
		}},
		{"file", "https://files.example/A.MP3?x=1", []medium{{kind: audio, label: "result", address: "https://files.example/A.MP3?x=1"}}},
		{"file", "https://files.example/a.txt", []medium{{kind: other, label: "result", address: "https://files.example/a.txt"}}},
		{"text", "https://files.example/a", []medium{{kind: text, label: "result", text: "https://files.example/a"}}},
		{"json", map[string]int{"a": 1}, []medium{{kind: text, label: "result", text: `{"a":1}`}}},
		{"image", nil, nil},
	} {
		var o []output
		if err := json.Unmarshal([]byte(outputs(t, tt.kind, tt.value)), &o); err != nil {
			t.Fatal(err)
		}
		if got := o[0].media(); !slices.Equal(got, tt.want) {
			t.Errorf("%s %v: got %+v, want %+v", tt.kind, tt.value, got, tt.want)
		}
	}
}

func TestFileAddress(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"out/a.png": "out/a.png", "out/a?b#c%d e.png": "out/a%3Fb%23c%25d%20e.png", "a:b.png": "./a:b.png", "../a.png": "", "": "",
		filepath.Join(dir, "out", "a.png"): "out/a.png", filepath.Join(filepath.Dir(dir), "pictures", "a.png"): "../pictures/a.png",
	} {
		if got := fileAddress(dir, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestWriteFile(t *testing.T) {
	p := batchtest.Folder(t, "one")
	if err := WriteFile(p, batchtest.Open(t, p), Options{Now: batchtest.Start, Clean: clean}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(p.ReportPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file with the mode 0600", info, err)
	}
}
