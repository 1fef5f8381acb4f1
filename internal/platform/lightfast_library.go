package platform

import (
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/docs"
	"github.com/uselamina/lamina/internal/platform/search"
)

// A lightfastLibrary is what can be searched: the guides of this program, cut into passages.
type lightfastLibrary struct {
	index *search.Index
	files map[string]lightfastFile // by the path of the document
	base  string                   // of the addresses of documents
}

// A lightfastFile is a document with what the local platform makes up about it, because a file in the program has neither
// a date nor an author: each guide, in alphabetical order, is a day younger than the one before it.
type lightfastFile struct {
	text       string
	source     string // guides, or providers for what lies in that folder
	actor      string
	occurredAt time.Time
}

// lightfastFirstDay is the date of the first guide.
var lightfastFirstDay = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// newLightfastLibrary reads the guides. They are part of the program, so that they can always be read.
func newLightfastLibrary(base string) *lightfastLibrary {
	lib := &lightfastLibrary{files: map[string]lightfastFile{}, base: base}
	var passages []*search.Passage
	var names []string
	_ = fs.WalkDir(docs.Guides, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	for day, name := range names {
		raw, _ := fs.ReadFile(docs.Guides, name)
		file := lightfastFile{text: string(raw), source: "guides", actor: "Sam", occurredAt: lightfastFirstDay.AddDate(0, 0, day)}
		if path.Dir(name) == "providers" {
			file.source, file.actor = "providers", "Alex"
		}
		lib.files[name] = file
		passages = append(passages, search.Cut(name, file.text)...)
	}
	lib.index = search.New(passages)
	return lib
}

// address is where a passage can be read.
func (lib *lightfastLibrary) address(p *search.Passage) string {
	if p.Opening() {
		return lib.base + p.Document
	}
	return lib.base + p.Document + "#" + p.Anchor
}

// at returns the passage with an address.
func (lib *lightfastLibrary) at(address string) (*search.Passage, bool) {
	for _, p := range lib.index.Passages() {
		if lib.address(p) == address {
			return p, true
		}
	}
	return nil, false
}

// kind is the type of a passage: guide for the opening of a document, section for the others.
func kind(p *search.Passage) string {
	if p.Opening() {
		return "guide"
	}
	return "section"
}

// guide returns the passages of a document.
func (lib *lightfastLibrary) guide(document string) []*search.Passage {
	var all []*search.Passage
	for _, p := range lib.index.Passages() {
		if p.Document == document {
			all = append(all, p)
		}
	}
	return all
}

// A lightfastFilter says which passages count. What is empty allows all.
type lightfastFilter struct {
	sources, types, actors []string
	after, before          time.Time
}

func (f lightfastFilter) allows(lib *lightfastLibrary, p *search.Passage) bool {
	file := lib.files[p.Document]
	among := func(values []string, value string) bool {
		return len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) })
	}
	return among(f.sources, file.source) && among(f.types, kind(p)) && among(f.actors, file.actor) &&
		!file.occurredAt.Before(f.after) && (f.before.IsZero() || !file.occurredAt.After(f.before))
}

// showDocument sends a guide as it is. What is searched is part of the program, and so no secret.
func (l *lightfast) showDocument(w http.ResponseWriter, r *http.Request) {
	file, ok := l.library().files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(file.text)) // a client that has gone needs no answer
}
