package config

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// An Inspection is what the store's folder looks like from outside, found without changing anything.
type Inspection struct {
	Folder FileState
	Files  []FileState // what holds or held secrets: the document, a sign-in under way, damaged copies
	Temps  []string    // paths of what processes left that died while writing
	Locks  []LockState
}

// A FileState is a file or folder seen from outside.
type FileState struct {
	Path    string
	Mode    fs.FileMode
	Exposed bool // others than the owner may read or write it, as far as the system's permissions can tell
	Owned   bool // this user owns it, or may do everything
}

// A LockState is a lock file.
type LockState struct {
	Path string
	Held bool
	PID  int // of the holder, where the system tells; else 0
}

// Inspect looks at the folder. A folder that does not exist gives an empty Inspection.
func (s *Store) Inspect() Inspection {
	var found Inspection
	info, err := os.Stat(s.Dir)
	if s.Dir == "" || err != nil {
		return found
	}
	found.Folder = fileState(s.Dir, info)
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return found
	}
	for _, entry := range entries {
		path := filepath.Join(s.Dir, entry.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil || !info.Mode().IsRegular():
		case s.isLeftover(entry.Name(), info):
			found.Temps = append(found.Temps, path)
		case filepath.Ext(entry.Name()) == ".lock":
			found.Locks = append(found.Locks, lockState(path, info))
		default:
			found.Files = append(found.Files, fileState(path, info))
		}
	}
	return found
}

func fileState(path string, info fs.FileInfo) FileState {
	open := chmodMatters && info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSticky == 0
	return FileState{Path: path, Mode: info.Mode().Perm(), Exposed: open, Owned: isMine(info)}
}

// lockState takes the lock for a moment, together with others that only look.
func lockState(path string, info fs.FileInfo) LockState {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	if free, err := lock.TryRLock(); free || err != nil {
		_ = lock.Unlock()
		return LockState{Path: path}
	}
	return LockState{Path: path, Held: true, PID: lockHolder(info)}
}

// leftoverAge is how old the copy of a file must be before nobody can still be writing it.
const leftoverAge = time.Minute

func (s *Store) isLeftover(name string, info fs.FileInfo) bool {
	_, random, isCopy := strings.Cut(name, ".json.")
	isCopy = isCopy && !strings.HasPrefix(random, "damaged-")
	return isCopy && s.now().Sub(info.ModTime()) > leftoverAge
}

// Repair does what is safe without asking: it makes what others could read private, and removes what dead processes left.
// It returns what it did, one sentence each. Errors: those of Lock.
func (s *Store) Repair(ctx context.Context) ([]string, error) {
	found := s.Inspect()
	if found.Folder.Path == "" {
		return nil, nil
	}
	unlock, err := s.Lock(ctx, documentLock) // so that nobody is writing now
	if err != nil {
		return nil, err
	}
	defer unlock()
	var done []string
	for _, f := range append(found.Files, found.Folder) {
		if !f.Exposed {
			continue
		}
		if wasOpen, err := makePrivate(f.Path); wasOpen && err == nil {
			done = append(done, f.Path+" is private now")
		}
	}
	if found.Folder.Exposed && len(done) == 0 { // taking the lock has done it
		done = append(done, s.Dir+" is private now")
	}
	for _, path := range found.Temps {
		if os.Remove(path) == nil {
			done = append(done, path+" is removed")
		}
	}
	return done, nil
}
