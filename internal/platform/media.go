package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// errTooLarge means that a file has more bytes than are allowed.
var errTooLarge = errors.New("the file is too large")

// A mediaFolder keeps the bytes of assets in files named by their id. It lies beside the data file or, without one, is
// temporary. It is made when first written to.
type mediaFolder struct {
	beside string // the data file, or ""

	mu  sync.Mutex
	dir string
}

func (m *mediaFolder) path() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir != "" {
		return m.dir, nil
	}
	if m.beside == "" {
		dir, err := os.MkdirTemp("", "lamina-media-")
		m.dir = dir
		return dir, err
	}
	dir := m.beside + ".media"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	m.dir = dir
	partial, err := filepath.Glob(filepath.Join(dir, "partial-*")) // left by a process that was killed
	for _, name := range partial {
		_ = os.Remove(name)
	}
	return dir, err
}

// write keeps what src holds as a file, of limit bytes at most, in full or not at all. It returns the size and the
// SHA-256 in hex, and fails with errTooLarge.
func (m *mediaFolder) write(id string, src io.Reader, limit int64) (size int64, digest string, err error) {
	dir, err := m.path()
	if err != nil {
		return 0, "", err
	}
	tmp, err := os.CreateTemp(dir, "partial-")
	if err != nil {
		return 0, "", err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(tmp, hash), io.LimitReader(src, limit+1))
	if err != nil {
		return 0, "", err
	}
	if size > limit {
		return 0, "", errTooLarge
	}
	if err = tmp.Sync(); err != nil {
		return 0, "", err
	}
	if err = tmp.Close(); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(hash.Sum(nil)), os.Rename(tmp.Name(), filepath.Join(dir, id))
}

// open opens the file of an asset. The id is our own, never a name from outside.
func (m *mediaFolder) open(id string) (*os.File, error) {
	dir, err := m.path()
	if err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(dir, id))
}

// close removes the files, if they are temporary.
func (m *mediaFolder) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beside != "" || m.dir == "" {
		return nil
	}
	return os.RemoveAll(m.dir)
}
