package report

import (
	"cmp"
	"encoding/json"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/results"
)

// A kind is how an output is shown.
type kind int

const (
	other kind = iota // a link, or only a name
	picture
	video
	audio
	text
)

// kinds are the kinds of files by extension. A file with another extension gets no link: a browser may run what is in it.
var kinds = map[string]kind{
	".png": picture, ".jpg": picture, ".jpeg": picture, ".gif": picture, ".webp": picture, ".avif": picture,
	".mp4": video, ".webm": video, ".mov": video,
	".mp3": audio, ".wav": audio, ".ogg": audio, ".m4a": audio,
	".txt": text,
}

// A medium is an output to show.
type medium struct {
	kind    kind
	label   string
	address string // of a file or a page; empty if there is none that may be linked
	text    string
	isLocal bool
}

// An output is what is read of an output of a run (api.Output).
type output struct {
	Label    string          `json:"label"`
	Type     string          `json:"type"`
	MimeType string          `json:"mimeType"`
	Value    json.RawMessage `json:"value"`
}

// mediaOf returns the outputs of an item. Downloaded files stand for the addresses at the service, which may expire.
func mediaOf(dir string, line results.Line) []medium {
	var outputs []output
	_ = json.Unmarshal(line.Outputs, &outputs) // what is no list of outputs shows none
	var shown []medium
	for _, o := range outputs {
		shown = append(shown, o.media()...)
	}
	hasText := slices.ContainsFunc(shown, func(m medium) bool { return m.kind == text })
	if len(line.Files) > 0 {
		shown = slices.DeleteFunc(shown, func(m medium) bool { return m.kind != text })
	}
	for _, f := range line.Files {
		if m := fileOf(dir, f); m.kind != text || !hasText {
			shown = append(shown, m)
		}
	}
	return shown
}

// media returns what an output holds: its text, or the addresses of its files.
func (o output) media() []medium {
	var one string
	var list []string
	switch {
	case len(o.Value) == 0 || string(o.Value) == "null":
		return nil
	case json.Unmarshal(o.Value, &one) == nil:
		list = []string{one}
	case json.Unmarshal(o.Value, &list) != nil:
		return []medium{{kind: text, label: o.Label, text: string(o.Value)}}
	}
	var all []medium
	for _, value := range list {
		m := medium{label: cmp.Or(o.Label, o.Type), address: webAddress(value)}
		switch {
		case o.Type == "text" || m.address == "" && o.holdsText(value):
			m.kind, m.text, m.address = text, value, ""
		default:
			m.kind = o.kindOf(m.address)
		}
		all = append(all, m)
	}
	return all
}

// holdsText reports whether a value that is no web address is a text.
func (o output) holdsText(value string) bool {
	return !slices.Contains([]string{"image", "video", "audio"}, o.Type) && !strings.HasPrefix(strings.ToLower(value), "data:")
}

// kindOf returns the kind of the file at an address, by its type at the service, or else by its name.
func (o output) kindOf(address string) kind {
	for _, name := range []string{o.Type, strings.ToLower(o.MimeType)} {
		switch major, _, _ := strings.Cut(name, "/"); major {
		case "image":
			return picture
		case "video":
			return video
		case "audio":
			return audio
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return other
	}
	if k := kinds[strings.ToLower(path.Ext(u.Path))]; k != text {
		return k
	}
	return other
}

// fileOf returns a downloaded file.
func fileOf(dir string, f journal.File) medium {
	m := medium{kind: kinds[strings.ToLower(filepath.Ext(f.Path))], label: cmp.Or(f.Label, filepath.Base(f.Path)), isLocal: true}
	if m.kind != other {
		m.address = fileAddress(dir, f.Path)
	}
	if m.kind == other || m.address == "" {
		m.kind, m.text = other, f.Path
	}
	return m
}

// fileAddress returns the address of a file relative to the folder of the batch, so that both can be moved together. It is empty if
// there is none.
func fileAddress(dir, name string) string {
	if filepath.IsAbs(name) {
		from, err := filepath.Abs(dir)
		if err != nil {
			return ""
		}
		if name, err = filepath.Rel(from, name); err != nil {
			return ""
		}
	} else if !filepath.IsLocal(name) {
		return ""
	}
	return (&url.URL{Path: filepath.ToSlash(name)}).String() // escapes #, ? and %, and puts ./ before a name with a colon
}

// webAddress returns an address that is safe to link: of http or https, with a host and without a password. Else it is empty.
func webAddress(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}
