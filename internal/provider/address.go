package provider

import (
	"net/url"
	"strings"
)

// Join returns the address of a path below a base address. If the base already ends in the first segments of the path, as in
// https://api.example.com/v1 and /v1/files, they are not repeated.
func Join(base, path string) string {
	base = strings.TrimRight(base, "/")
	return base[:len(base)-overlap(base, path)] + path
}

// Base returns an address that a user typed without the first segments of the service's own paths, with which users often copy
// it. The address in the description of the service is right as it is.
func (p Provider) Base(address string) string {
	if address == p.BaseURL {
		return address
	}
	paths := append([]string{p.AccountPath}, p.Roots...)
	if len(p.Checks) > 0 {
		paths = append(paths, p.Checks[0].Path) // further ones are for other addresses
	}
	for _, path := range paths {
		if n := overlap(address, path); n > 0 {
			return address[:len(address)-n]
		}
	}
	return address
}

// overlap returns the length of the longest end of an address, in whole segments of its path, that is also the beginning of path.
func overlap(address, path string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	own := u.EscapedPath()
	path, _, _ = strings.Cut(path, "?")
	for i := range len(own) {
		end := own[i:]
		if end[0] == '/' && len(end) > 1 && (path == end || strings.HasPrefix(path, end+"/")) && strings.HasSuffix(address, end) {
			return len(end)
		}
	}
	return 0
}
