package transfer

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// SaveFrom writes what r returns to path as Save does.
func (d *Downloader) SaveFrom(r io.Reader, path string) (int64, error) {
	return d.write(path, func(f *os.File) (int64, error) {
		n, err := io.Copy(f, r)
		if disk := (*fs.PathError)(nil); errors.As(err, &disk) {
			err = diskError(err)
		}
		return n, err
	})
}
