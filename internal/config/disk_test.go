package config

import (
	"errors"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// The points of a write at which a test can make it fail, or end the process.
const (
	halfWritten  = "half written"
	beforeRename = "before rename"
	afterRename  = "after rename"
)

// A stepDisk calls step at each point of a write. An error of step makes the next operation fail.
type stepDisk struct {
	disk.System
	step func(name string) error
}

func newStepDisk(step func(name string) error) stepDisk {
	return stepDisk{System: disk.System{Interrupt: func() error { return step(halfWritten) }}, step: step}
}

// Rename implements disk.Disk.
func (d stepDisk) Rename(from, to string) error {
	if err := d.step(beforeRename); err != nil {
		return err
	}
	return d.System.Rename(from, to)
}

// SyncDir implements disk.Disk. It follows a rename.
func (d stepDisk) SyncDir(dir string) error {
	return errors.Join(d.step(afterRename), d.System.SyncDir(dir))
}

// failAt returns a step function that returns err at one point.
func failAt(name string, err error) func(string) error {
	return func(at string) error {
		if at == name {
			return err
		}
		return nil
	}
}
