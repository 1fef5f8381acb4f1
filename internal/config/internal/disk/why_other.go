//go:build !linux

package disk

// WhyUnwritable returns "": only Linux describes why a file cannot be written.
func WhyUnwritable(string, error) string { return "" }
