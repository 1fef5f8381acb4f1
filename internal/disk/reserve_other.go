//go:build !linux

package disk

import "os"

// Reserve makes room on the disk for a file of a size. On this system it does nothing.
func Reserve(*os.File, int64) error { return nil }
