package lightfast

import (
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/docs"
	"github.com/uselamina/lamina/internal/platform/lightfast/search"
)

// A library is the searched material: the guides of this program, cut into passages.
type library struct {
	index     *search.Index
	documents map[string]document // by path
	base      string              // of the addresses of documents
}

// A document is a guide. Its author and its date are invented, because a file in the program has neither: the guides
// follow each other in alphabetical order, one day apart.
type document struct {
	text       string
	source     string // the folder: guides or providers
	actor      string
	occurredAt time.Time
}

// firstDay is the date of the first guide.
var firstDay = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// newLibrary reads the guides. They are part of the program, so reading them cannot fail.
func newLibrary(base string) *library {
	lib := &library{documents: map[string]document{}, base: base}
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
		file := document{text: string(raw), source: "guides", actor: "Sam", occurredAt: firstDay.AddDate(0, 0, day)}
		if path.Dir(name) == "providers" {
			file.source, file.actor = "providers", "Alex"
		}
		lib.documents[name] = file
		passages = append(passages, search.Cut(name, file.text)...)
	}
	lib.index = search.New(passages)
	return lib
}

// address returns the address of a passage.
func (lib *library) address(p *search.Passage) string {
	if p.Opening() {
		return lib.base + p.Document
	}
	return lib.base + p.Document + "#" + p.Anchor
}

// at returns the passage with an address.
func (lib *library) at(address string) (*search.Passage, bool) {
	for _, p := range lib.index.Passages() {
		if lib.address(p) == address {
			return p, true
		}
	}
	return nil, false
}

// kind returns the type of a passage: guide for the opening of a document, section for the others.
func kind(p *search.Passage) string {
	if p.Opening() {
		return "guide"
	}
	return "section"
}

// guide returns the passages of a document.
func (lib *library) guide(document string) []*search.Passage {
	var all []*search.Passage
	for _, p := range lib.index.Passages() {
		if p.Document == document {
			all = append(all, p)
		}
	}
	return all
}

// A filter selects passages. An empty field allows every passage.
type filter struct {
	sources, types, actors []string
	after, before          time.Time
}

func (f filter) allows(lib *library, p *search.Passage) bool {
	file := lib.documents[p.Document]
	among := func(values []string, value string) bool {
		return len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) })
	}
	return among(f.sources, file.source) && among(f.types, kind(p)) && among(f.actors, file.actor) &&
		!file.occurredAt.Before(f.after) && (f.before.IsZero() || !file.occurredAt.After(f.before))
}

// showDocument answers with a guide. It needs no key, because the guides are part of the program.
func (s *server) showDocument(w http.ResponseWriter, r *http.Request) {
	file, ok := s.library().documents[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(file.text)) // fails only if the client has disconnected
}
