// Package scan finds API keys in texts: in the files of a folder, in what is about to be committed, and in everything that a
// git repository has ever held. It never returns a key, only where it stands and how it starts.
package scan

import (
	"bytes"
	"hash/fnv"
	"strings"

	"github.com/uselamina/lamina/internal/provider"
)

// Allow is what a line says that is not to be reported, in a comment of any language.
const Allow = "lamina:allow-key"

// A Hit is a key in a line.
type Hit struct {
	Service string // the provider's name
	Class   string // live or test, where the shape tells
	Hint    string // how the key starts, to find it with
	Column  int    // of its first byte, from 1

	digest uint64 // tells keys apart
}

// A Finder knows what keys look like.
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

// NewFinder returns what finds the keys of these services: by their shape, and for those that have none by the variable
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

// word recognises a key by its shape. Of those that fit, the longest prefix counts.
func (f *Finder) word(word string) (Hit, bool) {
	var best shape
	for _, s := range f.shapes {
		if len(s.prefix) > len(best.prefix) && strings.HasPrefix(word, s.prefix) {
			best = s
		}
	}
	if best.prefix == "" || !random(word[len(best.prefix):]) {
		return Hit{}, false
	}
	return Hit{Service: best.service, Class: best.class, Hint: word[:len(best.prefix)+2] + "…", digest: digest(word)}, true
}

// assigned finds a key without a shape of its own, as the value of the variable that services read it from.
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
			if start == 0 && random(string(rest[:end])) {
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

// words yields where the runs of characters that keys are made of start and end.
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

// random reports whether a text looks like a secret: long enough, letters and digits mixed, and not a word of an example.
func random(text string) bool {
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
