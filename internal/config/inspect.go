package config

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/uselamina/lamina/internal/config/internal/disk"
)

// An Inspection describes the folder of a store.
type Inspection struct {
	Folder FileState
	Files  []FileState // the document, an unfinished sign-in, damaged copies, descriptions of services
	Temps  []string    // paths of the temporary files of processes that died during a write
	Locks  []LockState
}

// A FileState describes a file or folder.
type FileState struct {
	Path    string
	Mode    fs.FileMode
	Exposed bool // other users may read or write it, according to its permission bits
	Owned   bool // this user or root owns it
}

// A LockState describes a lock file.
type LockState struct {
	Path string
	Held bool
	PID  int // of the holder; 0 if the system does not say
}

// Inspect describes the folder and changes nothing. A missing folder gives a zero Inspection.
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
	providers, _ := filepath.Glob(filepath.Join(s.ProvidersDir(), "*.json"))
	for _, path := range providers {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			found.Files = append(found.Files, fileState(path, info))
		}
	}
	return found
}

func fileState(path string, info fs.FileInfo) FileState {
	return FileState{Path: path, Mode: info.Mode().Perm(), Exposed: disk.IsExposed(info), Owned: disk.IsTrusted(info)}
}

// lockState tries to take a shared lock, which does not block others that inspect the same file.
func lockState(path string, info fs.FileInfo) LockState {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	if free, err := lock.TryRLock(); free || err != nil {
		_ = lock.Unlock()
		return LockState{Path: path}
	}
	return LockState{Path: path, Held: true, PID: lockHolder(info)}
}

// leftoverAge is the age from which a temporary file cannot belong to a running write.
const leftoverAge = time.Minute

func (s *Store) isLeftover(name string, info fs.FileInfo) bool {
	_, random, isCopy := strings.Cut(name, ".json.")
	isCopy = isCopy && !strings.HasPrefix(random, "damaged-") && "."+random != unfinished
	return isCopy && s.now().Sub(info.ModTime()) > leftoverAge
}

// Repair fixes what is safe to fix without a question: it makes exposed files private, and removes the temporary files of
// dead processes. It returns one sentence for each change. Errors: those of Lock.
func (s *Store) Repair(ctx context.Context) ([]string, error) {
	found := s.Inspect()
	if found.Folder.Path == "" {
		return nil, nil
	}
	unlock, err := s.Lock(ctx, documentLock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var done []string
	for _, f := range append(found.Files, found.Folder) {
		if !f.Exposed {
			continue
		}
		if wasExposed, err := disk.MakePrivate(f.Path); wasExposed && err == nil {
			done = append(done, f.Path+" is private now")
		}
	}
	if found.Folder.Exposed && len(done) == 0 { // Lock has already made the folder private
		done = append(done, s.Dir+" is private now")
	}
	for _, path := range found.Temps {
		if os.Remove(path) == nil {
			done = append(done, path+" is removed")
		}
	}
	return done, nil
}
