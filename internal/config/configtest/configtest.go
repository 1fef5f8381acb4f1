// Package configtest gives tests of other packages a config.Store with file operations of their own. The documentation of
// package config is free of this seam.
package configtest

import (
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// Disk has the file operations of a Store that other processes can observe.
type Disk = disk.Disk

// System is the Disk of the operating system. A test embeds it to change single operations.
type System = disk.System

// NewStore returns a Store in the folder dir with the given file operations.
func NewStore(dir string, d Disk) *config.Store {
	s := &config.Store{Dir: dir}
	s.Disk = d
	return s
}
