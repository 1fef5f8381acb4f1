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
