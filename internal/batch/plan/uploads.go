package plan

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/uselamina/lamina/internal/disk"
)

// An Upload is a file whose bytes are at the service.
type Upload struct {
	SHA256 string `json:"sha256"`
	URL    string `json:"url"`
	Bytes  int64  `json:"bytes"`
}

// Uploads are the files that were uploaded for a batch, by their SHA-256. Each is written when its upload is complete, so that an
// interrupted command does not upload it again.
type Uploads struct {
	urls map[string]string
	file *os.File
}

// OpenUploads reads the uploads of the folder of a batch. A line that was not written completely is left out.
func OpenUploads(dir string) (*Uploads, error) {
	path := filepath.Join(dir, uploadsName)
	u := &Uploads{urls: map[string]string{}}
	f, err := disk.Append(path)
	if err != nil {
		return nil, err
	}
	u.file = f
	in := bufio.NewReader(f)
	for {
		line, err := readLine(in)
		var upload Upload
		if json.Unmarshal(line, &upload) == nil && upload.SHA256 != "" && upload.URL != "" {
			u.urls[upload.SHA256] = upload.URL
		}
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				_, err = f.WriteString("\n")
			} else {
				err = nil
			}
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if len(line) == 0 || line[len(line)-1] != '\n' {
			return u, nil
		}
	}
}

// URL returns the URL of the bytes with a SHA-256; "" if they were not uploaded.
func (u *Uploads) URL(sha256 string) string { return u.urls[sha256] }

// Add remembers an upload, and flushes it to the disk.
func (u *Uploads) Add(upload Upload) error {
	if _, err := u.file.Write(append(compact(upload), '\n')); err != nil {
		return err
	}
	u.urls[upload.SHA256] = upload.URL
	return u.file.Sync()
}

// Close closes the file. One without uploads is removed.
func (u *Uploads) Close() error {
	err := u.file.Close()
	if len(u.urls) > 0 {
		return err
	}
	if removed := os.Remove(u.file.Name()); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}
