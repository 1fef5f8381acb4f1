package config

import (
	"fmt"
	"time"
)

// A Problem is what is wrong with a file or folder of the store.
type Problem int

// The problems a FileError can have.
const (
	Damaged      Problem = iota + 1 // the file is not a config document
	Unreadable                      // the file or folder may not be read
	Unwritable                      // the file cannot be written: permission, a full disk, a read-only file system
	NotAFile                        // a folder or a device stands where the file belongs
	NotAFolder                      // a file stands where the folder belongs
	DanglingLink                    // a symbolic link that leads nowhere
	NewerVersion                    // written by a newer lamina
)

// FileError says what is wrong with a file or folder of the store, and the way out. Nothing was changed.
type FileError struct {
	Path    string
	Problem Problem
	Detail  string // for Damaged: in which way
	Err     error  // the cause, if there is one
}

// Error is one sentence with the way out.
func (e *FileError) Error() string {
	switch e.Problem {
	case Damaged:
		return fmt.Sprintf("%s is damaged (%s): repair it, or run `lamina login` to start a new one; "+
			"the damaged file is then kept beside it", e.Path, e.Detail)
	case Unreadable:
		return fmt.Sprintf("%s cannot be read (%v): check who owns it and its permissions", e.Path, e.Err)
	case NotAFile:
		return fmt.Sprintf("%s is not a regular file: move it away and try again", e.Path)
	case NotAFolder:
		return fmt.Sprintf("%s is not a folder: move it away, or choose another folder with LAMINA_CONFIG_DIR", e.Path)
	case DanglingLink:
		return fmt.Sprintf("%s is a symbolic link to something that does not exist: restore its target or remove the link", e.Path)
	case NewerVersion:
		return fmt.Sprintf("%s was written by a newer lamina and is left untouched: update this lamina", e.Path)
	default:
		return fmt.Sprintf("%s cannot be written (%v): make room or fix its permissions, or choose another folder "+
			"with LAMINA_CONFIG_DIR", e.Path, e.Err)
	}
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// NoHomeError means that something had to be stored and there is no home folder to store it in.
type NoHomeError struct{}

// Error names the way out.
func (*NoHomeError) Error() string {
	return "there is no home folder to store the sign-in in: set HOME or LAMINA_CONFIG_DIR, " +
		"or pass a key in LAMINA_API_KEY, which is not stored"
}

// BusyError means that another process held a lock for longer than we wait. Nothing was changed; trying again is safe.
type BusyError struct {
	Path   string // the lock file
	Waited time.Duration
}

// Error says what was busy.
func (e *BusyError) Error() string {
	return fmt.Sprintf("another lamina holds %s (waited %s): try again in a moment", e.Path, e.Waited.Round(time.Second))
}

// Retryable reports that the same command may succeed when it is run again.
func (*BusyError) Retryable() bool { return true }
