package transfer

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// SaveFrom writes what r returns to path as Save does.
func (d *Downloader) SaveFrom(r io.Reader, path string) (size int64, err error) {
	_, err = d.write(path, func(f *os.File) (string, error) {
		size, err = io.Copy(f, r)
		if disk := (*fs.PathError)(nil); errors.As(err, &disk) {
			err = diskError(err)
		}
		return path, err
	})
	return size, err
}
