// Package scan finds API keys in the files of a folder, in the staged changes and in the history of a git repository. It never
// returns a key, only its place and its first characters.
package scan

import (
	"bytes"
	"encoding/base64"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/provider"
)

// Allow in a line excludes the line from the scan.
const Allow = "lamina:allow-key"

// A Hit is a key in a line.
type Hit struct {
	Service string // name of the provider
	Class   string // live or test; empty if the shape of the key has no class
	Hint    string // first characters of the key, or of its assignment
	Column  int    // of the first byte, from 1

	digest uint64 // identifies the key
	end    int    // the column after the key
}

// A Finder finds the keys of some services in text.
type Finder struct {
	shapes    []shape
	starts    [][]byte // the texts with which a key begins, as it is and in base64
	variables []variable
}

type shape struct {
	prefix, service, class string
}

type variable struct {
	name, service string
}

// NewFinder returns a Finder for the keys of services. It finds keys by their shape, and keys without a shape by the variable
// that they are assigned to.
func NewFinder(services []provider.Provider) *Finder {
	f := &Finder{}
	for _, p := range services {
		for _, s := range p.KeyShapes {
			f.shapes = append(f.shapes, shape{s.Prefix, p.Name, s.Class})
		}
		if p.OAuth != nil {
			f.shapes = append(f.shapes, shape{p.OAuth.IssuedPrefix, p.Name, ""})
		}
		f.variables = append(f.variables, variable{p.EnvKey, p.Name})
	}
	for _, s := range f.shapes {
		f.starts = append(f.starts, []byte(s.prefix), []byte(encodedStart(s.prefix)))
	}
	return f
}

// Line returns the keys in a line of text, in the order of their columns.
func (f *Finder) Line(line []byte) []Hit {
	if bytes.Contains(line, []byte(Allow)) {
		return nil
	}
	var hits []Hit
	end := 0
	for _, at := range f.candidates(line) {
		if at < end {
			continue // inside of the previous key
		}
		stop := at
		for stop < len(line) && isKeyByte(line[stop]) {
			stop++
		}
		if h, ok := f.word(string(line[at:stop])); ok {
			h.Column, h.end, end = at+1, stop+1, stop
			hits = append(hits, h)
		}
	}
	for _, h := range append(f.assigned(line), f.credentials(line)...) {
		if !slices.ContainsFunc(hits, func(other Hit) bool { return h.Column < other.end && other.Column < h.end }) {
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int { return a.Column - b.Column })
	return hits
}

// candidates returns the places of a line at which a key may begin, in order.
func (f *Finder) candidates(line []byte) []int {
	var places []int
	for _, start := range f.starts {
		for from := 0; ; {
			next := bytes.Index(line[from:], start)
			if next < 0 {
				break
			}
			if at := from + next; isBoundary(line, at) {
				places = append(places, at)
			}
			from += next + 1
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// isBoundary reports whether a key can begin at a place of a line: at the start of a word, after a dash or an underscore, or after an
// escape sequence. The last characters of such a sequence look like a part of the word.
func isBoundary(line []byte, at int) bool {
	if at == 0 || !isKeyByte(line[at-1]) || line[at-1] == '-' || line[at-1] == '_' {
		return true
	}
	before := line[:at]
	for _, e := range escapes {
		n := len(before) - len(e.mark) - e.digits
		if n >= 0 && string(before[n:n+len(e.mark)]) == e.mark && isHex(before[n+len(e.mark):]) {
			return true
		}
	}
	isLetter := len(before) >= 2 && before[len(before)-2] == '\\' && bytes.IndexByte([]byte("abefnrtv0"), before[len(before)-1]) >= 0
	return isLetter || isColor(before)
}

// escapes are the escape sequences that end with hexadecimal or octal digits: of URLs, also twice encoded, of programming languages, and of
// mails (quoted-printable).
var escapes = []struct {
	mark   string
	digits int
}{{"%", 2}, {"%25", 2}, {`\x`, 2}, {`\u`, 4}, {`\U`, 8}, {`\`, 3}, {"=", 2}}

// isColor reports whether a text ends with the control sequence of a terminal that chooses a colour, such as ESC [31m.
func isColor(before []byte) bool {
	numbers, found := bytes.CutSuffix(before, []byte("m"))
	return found && bytes.HasSuffix(bytes.TrimRight(numbers, "0123456789;"), []byte("["))
}

func isHex(text []byte) bool {
	for _, b := range text {
		if (b < '0' || b > '9') && (b < 'a' || b > 'f') && (b < 'A' || b > 'F') {
			return false
		}
	}
	return true
}

// word returns the key that word is by its shape, as it is or in base64. If several shapes match, the one with the longest prefix
// applies.
func (f *Finder) word(word string) (Hit, bool) {
	var best shape
	for _, s := range f.shapes {
		if len(s.prefix) > len(best.prefix) && strings.HasPrefix(word, s.prefix) {
			best = s
		}
	}
	if best.prefix == "" {
		return f.encoded(word)
	}
	if !isRandom(word[len(best.prefix):]) {
		return Hit{}, false
	}
	return Hit{Service: best.service, Class: best.class, Hint: word[:len(best.prefix)+2] + "…", digest: digest(word)}, true
}

// encodedStart returns the characters of base64 that depend on a prefix alone.
func encodedStart(prefix string) string {
	return base64.RawStdEncoding.EncodeToString([]byte(prefix))[:len(prefix)*8/6]
}

// encoded returns the key that word is in base64, as in a secret of Kubernetes.
func (f *Finder) encoded(word string) (Hit, bool) {
	for _, s := range f.shapes {
		if !strings.HasPrefix(word, encodedStart(s.prefix)) {
			continue
		}
		text, err := base64.RawStdEncoding.DecodeString(word)
		if err != nil || !strings.HasPrefix(string(text), s.prefix) {
			continue
		}
		for _, h := range f.Line(text) {
			if h.Column == 1 {
				h.Hint = "base64 of " + h.Hint
				return h, true
			}
		}
	}
	return Hit{}, false
}

// credentials returns the keys in base64 with a user name: in a header of basic authentication (RFC 7617), and in Docker's configuration.
func (f *Finder) credentials(line []byte) []Hit {
	var hits []Hit
	for _, mark := range []string{"Basic ", "basic ", `"auth":`} {
		for at := 0; ; {
			next := bytes.Index(line[at:], []byte(mark))
			if next < 0 {
				break
			}
			at += next + len(mark)
			start := len(line) - len(bytes.TrimLeft(line[at:], " \t\""))
			end := start
			for end < len(line) && (isKeyByte(line[end]) || line[end] == '+' || line[end] == '/') {
				end++
			}
			text, err := base64.RawStdEncoding.DecodeString(string(line[start:end]))
			if err != nil {
				continue
			}
			for _, h := range f.Line(text) {
				h.Hint, h.Column, h.end = "base64 of "+h.Hint, start+1, end+1
				hits = append(hits, h)
			}
		}
	}
	return hits
}

// assigned returns the keys that the line assigns to the variables of services.
func (f *Finder) assigned(line []byte) []Hit {
	var hits []Hit
	for _, v := range f.variables {
		for at := 0; ; {
			next := bytes.Index(line[at:], []byte(v.name))
			if next < 0 {
				break
			}
			at += next + len(v.name)
			if h, ok := v.assigned(line, at); ok {
				hits = append(hits, h)
			}
		}
	}
	return hits
}

// assigned returns the key that follows the name of a variable, which ends at a place of the line.
func (v variable) assigned(line []byte, at int) (Hit, bool) {
	rest := bytes.TrimLeft(line[at:], "\"'` \t)]")
	isDockerfile := bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("ENV "+v.name+" "))
	if len(rest) == 0 || rest[0] != '=' && rest[0] != ':' && !isDockerfile {
		return Hit{}, false
	}
	rest = bytes.TrimLeft(rest, "=: \t\"'`")
	for start, end := range words(rest) {
		key := string(rest[:end])
		if start != 0 || !isRandom(key) {
			break
		}
		column := len(line) - len(rest) + 1
		return Hit{Service: v.service, Hint: v.name + "=" + key[:2] + "…", Column: column, end: column + end, digest: digest(key)}, true
	}
	return Hit{}, false
}

func digest(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// words yields the start and end of each run of key characters.
func words(line []byte) func(yield func(start, end int) bool) {
	return func(yield func(start, end int) bool) {
		start := -1
		for i := 0; i <= len(line); i++ {
			inside := i < len(line) && isKeyByte(line[i])
			switch {
			case inside && start < 0:
				start = i
			case !inside && start >= 0:
				if !yield(start, i) {
					return
				}
				start = -1
			}
		}
	}
}

func isKeyByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-'
}
