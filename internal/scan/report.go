package scan

import "strconv"

// A Finding is a key with its place.
type Finding struct {
	Hit
	Path   string // of the file, relative to the folder that was scanned
	Line   int    // from 1
	Object string // the git object that contains the key; empty for a file on disk
	Staged bool   // the key is in the index, and not in the file on disk
}

// A Skip is something that was not scanned.
type Skip struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// A Report is the result of a scan.
type Report struct {
	Findings []Finding
	Files    int    // files that were scanned
	Versions int    // versions of files in the history that were scanned
	Skipped  []Skip // what holds no text of this repository: binary files, links, submodules, objects that this clone lacks
	Unread   []Skip // what should have been scanned and could not be read; the result is not complete
}

func (r *Report) skip(path, reason string) { r.Skipped = append(r.Skipped, Skip{path, reason}) }

func (r *Report) miss(path, reason string) { r.Unread = append(r.Unread, Skip{path, reason}) }

// Add appends the findings of another report, and what it did not scan.
func (r *Report) Add(other Report) {
	r.Findings = append(r.Findings, other.Findings...)
	r.Files, r.Versions = r.Files+other.Files, r.Versions+other.Versions
	r.Skipped, r.Unread = append(r.Skipped, other.Skipped...), append(r.Unread, other.Unread...)
}

const (
	notText   = "not text"
	isLink    = "a symbolic link"
	isModule  = "a submodule"
	isSpecial = "not a regular file"
	isLibrary = "a folder of dependencies"
	isIgnored = "ignored by git"
	isGone    = "not in the working tree"
	isAbsent  = "not in this clone"
	isPointer = "a pointer of Git LFS"
	isChanged = "it changed while it was read"
)

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
