package transfer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An Output is one file to save, as the service describes it. Its values are not trusted.
type Output struct {
	Index    int // from 0
	Part     int // of an output with several addresses, from 1; 0 for other outputs
	Label    string
	Kind     string // image, video, audio or another word; may be empty
	URL      string // https or data; empty for text
	Text     string // if URL is empty
	MimeType string // may be empty
	Ext      string // without a dot; overrides URL and MimeType
}

// Names returns a path for each output. where is one of:
//
//   - a template with {label}, {index}, {ext} or {runId} for each path, or for the folder if it ends in a slash;
//   - a folder: a path that ends in a slash, has no extension or is an existing folder. The files in it are named
//     {label}_{index}.{ext};
//   - a file. With several outputs, _{index} is inserted before its extension.
//
// Equal names get their index.
func Names(where, runID string, outputs []Output, isDir func(string) bool) []string {
	template := templateOf(where, len(outputs), isDir)
	paths := make([]string, len(outputs))
	count := map[string]int{}
	for i, o := range outputs {
		paths[i] = o.expand(template, runID)
		count[paths[i]]++
	}
	for i, o := range outputs {
		if count[paths[i]] > 1 {
			paths[i] = withIndex(paths[i], o.index())
		}
	}
	return paths
}

// Literal returns the path that where selects for a single output, or "" if the path depends on the output.
func Literal(where string, isDir func(string) bool) string {
	if template := templateOf(where, 1, isDir); !strings.Contains(template, "{") {
		return template
	}
	return ""
}

func templateOf(where string, outputs int, isDir func(string) bool) string {
	switch {
	case InFolder(where, isDir):
		return filepath.Join(where, "{label}_{index}.{ext}")
	case outputs > 1 && !isTemplate(where):
		return withIndex(where, "{index}")
	}
	return where
}

// InFolder reports whether where is a folder, so that this package chooses the names of the files.
func InFolder(where string, isDir func(string) bool) bool {
	slash := strings.HasSuffix(where, "/") || strings.HasSuffix(where, string(filepath.Separator))
	return slash || !isTemplate(where) && (filepath.Ext(where) == "" || isDir(where))
}

func isTemplate(where string) bool {
	return strings.Contains(where, "{") && strings.Contains(where, "}")
}

// Free returns path or, if it exists, the first path with -2, -3 and so on before the extension that does not exist.
func Free(path string, exists func(string) bool) string {
	free, ext := path, filepath.Ext(path)
	for n := 2; exists(free); n++ {
		free = strings.TrimSuffix(path, ext) + "-" + strconv.Itoa(n) + ext
	}
	return free
}

func withIndex(path, index string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "_" + index + ext
}

// index returns the index of the output, and of its part.
func (o Output) index() string {
	if o.Part > 0 {
		return fmt.Sprintf("%d-%d", o.Index, o.Part)
	}
	return strconv.Itoa(o.Index)
}

func (o Output) expand(template, runID string) string {
	return strings.NewReplacer(
		"{label}", slug(o.Label, "output"), "{index}", o.index(), "{ext}", o.ext(), "{runId}", slug(runID, "run"),
	).Replace(template)
}

// slug returns untrusted text as a part of a file name: at most 50 lower-case letters, digits and dashes. It is never a path,
// a hidden file or a device. It returns otherwise if nothing of text is left.
func slug(text, otherwise string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	name := strings.Join(words, "-")
	name = strings.TrimRight(name[:min(len(name), 50)], "-")
	switch {
	case name == "":
		return otherwise
	case slices.Contains(devices, name):
		return otherwise + "-" + name
	}
	return name
}

// devices are the names that Windows reserves, with any extension.
var devices = []string{
	"con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
}

func isPlain(ext string) bool {
	for _, r := range ext {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return ext != "" && len(ext) <= 5
}

// String returns the label and the index of an output.
func (o Output) String() string { return slug(o.Label, "output") + "_" + o.index() }
