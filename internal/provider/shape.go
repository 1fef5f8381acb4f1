package provider

import "strings"

// Shape returns the shape of a key: of those that match, the one with the longest prefix.
func (p Provider) Shape(key string) (KeyShape, bool) {
	var best KeyShape
	for _, s := range p.KeyShapes {
		if strings.HasPrefix(key, s.Prefix) && len(s.Prefix) > len(best.Prefix) {
			best = s
		}
	}
	return best, best.Prefix != ""
}

// The least lengths of a prefix that identifies a service, and of what follows it in a key. Shorter ones occur in ordinary text.
const (
	minPrefix = 3
	minRest   = 12
)

// Prefixes returns the prefixes of keys that identify the service.
func (p Provider) Prefixes() []string {
	var prefixes []string
	for _, s := range p.KeyShapes {
		if len(s.Prefix) >= minPrefix {
			prefixes = append(prefixes, s.Prefix)
		}
	}
	return prefixes
}

// IsKey reports whether a word is certainly a key of the service: it has one of its prefixes, and is long enough.
func (p Provider) IsKey(word string) bool {
	shape, _ := p.Shape(word)
	return len(shape.Prefix) >= minPrefix && len(word) >= len(shape.Prefix)+minRest
}

// OtherOwner returns the service among others that a key's shape belongs to, if the key has no shape of this service.
func (p Provider) OtherOwner(key string, others []Provider) (Provider, bool) {
	if _, isOwn := p.Shape(key); isOwn {
		return Provider{}, false
	}
	var best Provider
	longest := ""
	for _, o := range others {
		if s, matches := o.Shape(key); matches && o.Name != p.Name && len(s.Prefix) > len(longest) {
			best, longest = o, s.Prefix
		}
	}
	return best, longest != ""
}
