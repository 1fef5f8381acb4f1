package inbox

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// markSuffix ends the names of the files of marks.
const markSuffix = ".mark"

// A Mark remembers up to which delivery a consumer has come, so that the next process continues there. It survives the end of the process
// at once, and a loss of power after Close.
type Mark struct {
	file *os.File
}

// OpenMark opens the mark with a name in the folder of an inbox, and returns the number of the last delivery before it; 0 if there is none.
func OpenMark(dir, name string) (*Mark, uint64, error) {
	f, err := os.OpenFile(filepath.Join(dir, name+markSuffix), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	seq, _ := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64) // a damaged mark is like none
	return &Mark{file: f}, seq, nil
}

// Set moves the mark behind the delivery with a number.
func (m *Mark) Set(seq uint64) error {
	_, err := fmt.Fprintf(io.NewOffsetWriter(m.file, 0), "%020d\n", seq)
	return err
}

// Close flushes the mark to the disk.
func (m *Mark) Close() error {
	err := m.file.Sync()
	if closeErr := m.file.Close(); err == nil {
		err = closeErr
	}
	return err
}
