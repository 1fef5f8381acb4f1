// Package scan finds API keys in the files of a folder, in the staged changes and in the history of a git repository. It never
// returns a key, only its place and its first characters.
package scan

import (
	"bytes"
	"hash/fnv"
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
}

// A Finder finds the keys of some services in text.
type Finder struct {
	shapes    []shape
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
	return f
}

// Line returns the keys in a line of text.
func (f *Finder) Line(line []byte) []Hit {
	if bytes.Contains(line, []byte(Allow)) {
		return nil
	}
	var hits []Hit
	for start, end := range words(line) {
		if h, ok := f.word(string(line[start:end])); ok {
			h.Column = start + 1
			hits = append(hits, h)
		}
	}
	if len(hits) > 0 {
		return hits
	}
	return f.assigned(line)
}

// word returns the key that word is by its shape. If several shapes match, the one with the longest prefix applies.
func (f *Finder) word(word string) (Hit, bool) {
	var best shape
	for _, s := range f.shapes {
		if len(s.prefix) > len(best.prefix) && strings.HasPrefix(word, s.prefix) {
			best = s
		}
	}
	if best.prefix == "" || !isRandom(word[len(best.prefix):]) {
		return Hit{}, false
	}
	return Hit{Service: best.service, Class: best.class, Hint: word[:len(best.prefix)+2] + "…", digest: digest(word)}, true
}

// assigned returns a key that the line assigns to the variable of a service.
func (f *Finder) assigned(line []byte) []Hit {
	for _, v := range f.variables {
		at := bytes.Index(line, []byte(v.name))
		if at < 0 {
			continue
		}
		rest := bytes.TrimLeft(line[at+len(v.name):], "\"'` \t)]")
		if len(rest) == 0 || rest[0] != '=' && rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest, "=: \t\"'`")
		for start, end := range words(rest) {
			if start == 0 && isRandom(string(rest[:end])) {
				return []Hit{{
					Service: v.service, Hint: v.name + "=" + string(rest[:2]) + "…", Column: len(line) - len(rest) + 1, digest: digest(string(rest[:end])),
				}}
			}
			break
		}
	}
	return nil
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

// isRandom reports whether a text looks like a secret: it is long, has letters and digits, and is not an example.
func isRandom(text string) bool {
	const shortest, variety = 16, 8
	if len(text) < shortest {
		return false
	}
	lower := strings.ToLower(text)
	for _, word := range []string{"example", "placeholder", "your_", "your-", "xxxx", "abc123", "123456", "redacted"} {
		if strings.Contains(lower, word) {
			return false
		}
	}
	seen, digits, letters := map[rune]bool{}, 0, 0
	for _, r := range text {
		seen[r] = true
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r != '_' && r != '-':
			letters++
		}
	}
	return len(seen) >= variety && digits > 0 && letters > 0
}
