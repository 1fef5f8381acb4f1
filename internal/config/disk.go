package config

import (
	"context"
	"os"
	"time"
)

// A Disk carries out the steps that processes notice of each other. A Store without one uses the operating system's; the
// model check of the refresh (internal/auth/interleave_test.go) has one in memory, to try every order of the steps.
type Disk interface {
	// Read returns the content of a regular file, if it is not too large.
	Read(path string) ([]byte, error)
	// WriteTemp writes data to a new file beside target, safely on the disk and readable by nobody else, and returns its
	// path; or it leaves nothing behind.
	WriteTemp(target string, data []byte) (path string, err error)
	// Rename puts a file in the place of another in one step.
	Rename(from, to string) error
	// SyncDir makes renames in a folder last through a loss of power.
	SyncDir(dir string) error
	// Remove removes a file.
	Remove(path string) error
	// Lock takes the lock of a file, which is made if need be, and waits for it until ctx ends. The system lets go of it
	// when the process ends.
	Lock(ctx context.Context, path string) (unlock func(), err error)
	// Sleep lets time pass for other processes.
	Sleep(d time.Duration)
}

func (s *Store) disk() Disk {
	if s.Disk == nil {
		return systemDisk{step: s.step}
	}
	return s.Disk
}

// systemDisk is the operating system's.
type systemDisk struct {
	step func(name string) error // see Store.crash
}

func (systemDisk) Read(path string) ([]byte, error) { return readFile(path) }
func (d systemDisk) Rename(from, to string) error   { return rename(from, to) }
func (systemDisk) SyncDir(dir string) error         { return syncDir(dir) }
func (systemDisk) Remove(path string) error         { return os.Remove(path) }
func (systemDisk) Sleep(d time.Duration)            { time.Sleep(d) }
