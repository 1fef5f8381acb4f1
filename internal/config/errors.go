package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// A Problem is the kind of a FileError.
type Problem int

// The problems of a FileError.
const (
	Damaged       Problem = iota + 1 // the file is not a config document
	Unreadable                       // the file or folder cannot be read
	Unwritable                       // the file cannot be written: permission, a full disk, a read-only file system
	NotAFile                         // the path of the file is a folder or a device
	NotAFolder                       // the path of the folder is a file
	DanglingLink                     // the path is a symbolic link to a missing file
	LinkLoop                         // the path is a symbolic link that leads to itself
	NewerVersion                     // a newer version of lamina wrote the file
	Untrusted                        // another user owns the file or folder, or can change it
	ForbiddenLink                    // the file is a link, and must not be one
)

// FileError means that a file or folder of the store cannot be used. The file was not changed.
type FileError struct {
	Path    string
	Problem Problem
	Detail  string // for Damaged, Untrusted and ForbiddenLink: what is wrong; for Unwritable: the state of the file that causes Err, if any
	Err     error  // the cause; may be nil
}

// Error describes the problem.
func (e *FileError) Error() string {
	switch e.Problem {
	case Damaged:
		return fmt.Sprintf("%s is damaged: %s", e.Path, e.Detail)
	case Unreadable:
		return fmt.Sprintf("%s cannot be read: %v", e.Path, e.Err)
	case NotAFile:
		return e.Path + " is not a regular file"
	case NotAFolder:
		return e.Path + " is not a folder"
	case DanglingLink:
		return e.Path + " is a symbolic link to a missing file"
	case LinkLoop:
		return e.Path + " is a symbolic link that leads to itself"
	case NewerVersion:
		return e.Path + " was written by a newer version of lamina"
	case Untrusted, ForbiddenLink:
		return e.Path + " " + e.Detail + ", so it is not used"
	default:
		if e.Detail != "" {
			return fmt.Sprintf("%s cannot be written: it is %s (%v)", e.Path, e.Detail, e.Err)
		}
		return fmt.Sprintf("%s cannot be written: %v", e.Path, e.Err)
	}
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// NoHomeError means that the store has no folder, because the user has no home folder.
type NoHomeError struct{}

// Error describes the problem.
func (*NoHomeError) Error() string {
	return homeVariable() + " is not set to an absolute path, so that there is no home folder to store the sign-in in"
}

// BusyError means that another process held a lock for longer than Store.LockWait. Nothing was changed.
type BusyError struct {
	Path   string // the lock file
	Waited time.Duration
}

// Error describes the problem.
func (e *BusyError) Error() string {
	return fmt.Sprintf("another lamina process holds %s (waited %s)", e.Path, e.Waited.Round(time.Second))
}

// Retryable reports that the same command may succeed when it is run again.
func (*BusyError) Retryable() bool { return true }

// unwritable returns the error of a file that cannot be written.
func unwritable(path string, err error) error {
	if foreign := (*disk.TrustError)(nil); errors.As(err, &foreign) {
		return untrusted(foreign)
	}
	if errors.Is(err, disk.ErrNotRegular) {
		return &FileError{Path: path, Problem: NotAFile}
	}
	return &FileError{Path: path, Problem: Unwritable, Detail: disk.WhyUnwritable(path, err), Err: cause(err)}
}

func untrusted(e *disk.TrustError) error {
	problem := Untrusted
	if e.IsLink {
		problem = ForbiddenLink
	}
	return &FileError{Path: e.Path, Problem: problem, Detail: e.Why, Err: e}
}

// cause removes the operation and the path from an error of package os, because the callers' messages name both.
func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return l.Err
	}
	return err
}
