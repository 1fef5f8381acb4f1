package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/report"
	"github.com/uselamina/lamina/internal/term"
)

// reportItems is how many items the report of the test has.
const reportItems = 5000

// browserReport opens the report of a batch with thousands of pictures: it loads about as fast as the pictures alone, its filters work
// without scripts, and no text of an item becomes a script.
func browserReport(t *testing.T, browser chromium, _ *devServer) {
	address := "file://" + pictureReport(t)
	bare := "file://" + barePage(t, filepath.Dir(strings.TrimPrefix(address, "file://")))
	own, other := loadTime(t, browser, address), loadTime(t, browser, bare)
	t.Logf("the report loads in %.0f ms, a page with nothing but its pictures in %.0f ms", own, other)
	if limit := 3*other + 300; own > limit {
		t.Errorf("the report loads in %.0f ms, want at most %.0f", own, limit)
	}
	page := browser.open(t, address)
	if title := evaluate(t, page, chromedp.Title()); title != "Poster, b-0123456789" {
		t.Errorf("got the title %q: a script of an item ran", title)
	}
	count := func(expression string) int { return evaluate(t, page, chromedp.Evaluate[int](expression)) }
	visible := "[...document.querySelectorAll('article')].filter(a => a.offsetParent).length"
	if n := count(visible); n != reportItems {
		t.Errorf("got %d items, want %d", n, reportItems)
	}
	if n := count("document.querySelectorAll('script, article script, img[src=x]').length"); n != 0 {
		t.Errorf("got %d elements from the text of an item", n)
	}
	if !evaluate(t, page, chromedp.Poll[bool]("document.querySelector('img').naturalWidth > 0")) {
		t.Error("got no picture")
	}
	page.do(t, chromedp.Click(chromedp.CSS("label.failed")))
	if n := count(visible); n != 2 {
		t.Errorf("got %d items after the choice of failed, want 2", n)
	}
	if n := count("document.documentElement.scrollWidth - document.documentElement.clientWidth"); n > 0 {
		t.Errorf("the page is %d pixels wider than its window", n)
	}
}

// loadTime returns the middle one of several times that a page needs to load, in milliseconds.
func loadTime(t *testing.T, browser chromium, address string) float64 {
	t.Helper()
	var times []float64
	for range 5 {
		page := browser.open(t, address)
		times = append(times, evaluate(t, page, chromedp.Evaluate[float64]("performance.getEntriesByType('navigation')[0].loadEventEnd")))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// pictureReport writes the report of a batch with pictures, two hostile failures, and returns its path.
func pictureReport(t *testing.T) string {
	t.Helper()
	const attack = `"><script>document.title = 'hostile'</script><img src=x onerror="document.title = 'hostile'">`
	ids := []string{attack, "second"}
	records := []journal.Record{batchtest.Failed(attack, attack), batchtest.Failed("second", "javascript:alert(1)")}
	for i := len(ids); i < reportItems; i++ {
		id := fmt.Sprintf("poster-%04d", i)
		ids = append(ids, id)
		records = append(records, batchtest.Completed(id, batchtest.Picture("https://files.example/"+id+".png")), journal.Record{
			Type: journal.Saved, ID: id, Attempt: 1, Files: []journal.File{{Label: "poster", Path: "out/" + id + "/a #1.png"}},
		})
	}
	p := batchtest.Folder(t, ids...)
	batchtest.Write(t, p, records...)
	for i, id := range ids[2:] {
		path := filepath.Join(p.Dir(), "out", id, "a #1.png")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, colored(t, i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := report.WriteFile(p, batchtest.Open(t, p), report.Options{Now: batchtest.Start, Clean: term.Clean}); err != nil {
		t.Fatal(err)
	}
	return p.ReportPath()
}

// barePage writes a page with the pictures of a report alone.
func barePage(t *testing.T, dir string) string {
	t.Helper()
	var page strings.Builder
	page.WriteString("<!doctype html><meta charset=utf-8><style>img { width: 15rem; height: 15rem; }</style>")
	for i := 2; i < reportItems; i++ {
		fmt.Fprintf(&page, `<img src="out/poster-%04d/a%%20%%231.png" loading=lazy decoding=async>`, i)
	}
	path := filepath.Join(dir, "bare.html")
	if err := os.WriteFile(path, []byte(page.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// colored returns a picture with a color of its own.
func colored(t *testing.T, i int) []byte {
	t.Helper()
	picture := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{color.RGBA{uint8(i), uint8(i / 16), 160, 255}}) //nolint:gosec // any color
	var raw bytes.Buffer
	if err := png.Encode(&raw, picture); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}
