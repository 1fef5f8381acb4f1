package provider

import "strings"

// Shape returns the shape that a key of this service has: of those that fit, the one with the longest prefix.
func (p Provider) Shape(key string) (KeyShape, bool) {
	var best KeyShape
	for _, s := range p.KeyShapes {
		if strings.HasPrefix(key, s.Prefix) && len(s.Prefix) > len(best.Prefix) {
			best = s
		}
	}
	return best, best.Prefix != ""
}

// Stranger returns the service among others whose shape a key has, when it does not have this one's.
func (p Provider) Stranger(key string, others []Provider) (Provider, bool) {
	if _, own := p.Shape(key); own {
		return Provider{}, false
	}
	var best Provider
	longest := ""
	for _, o := range others {
		if s, fits := o.Shape(key); fits && o.Name != p.Name && len(s.Prefix) > len(longest) {
			best, longest = o, s.Prefix
		}
	}
	return best, longest != ""
}
