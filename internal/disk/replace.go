package disk

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Replace replaces a private file, in one step, with what write writes. After an error of write, the old file is still there.
func Replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 256<<10)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		Discard(f)
		return err
	}
	return Commit(f, path)
}
