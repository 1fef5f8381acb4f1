package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/uselamina/lamina/internal/disk"
)

// A DamagedError means that a journal has a line that this program cannot have written.
type DamagedError struct {
	Path   string
	Line   int // from 1, counted from where the reading began; 0 if unknown
	Reason string
}

// Error names the file and the line.
func (e *DamagedError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s: line %d: %s", e.Path, e.Line, e.Reason)
}

// A ForeignError means that a journal belongs to another batch, or was written by a version with another format.
type ForeignError struct {
	Path    string
	Version int    // of the format, 0 if the journal names none
	Batch   string // the batch of the journal
}

// Error says whose journal it is.
func (e *ForeignError) Error() string {
	if e.Version != version {
		return fmt.Sprintf("%s: the journal has the format %d; this version reads %d", e.Path, e.Version, version)
	}
	return fmt.Sprintf("%s: the journal belongs to the batch %q", e.Path, e.Batch)
}

// Read calls fn for each record of a journal from an offset on, with the offset of the record. It returns the offset after the last
// complete line: an incomplete last line is ignored, because its writer may just be writing it, or was killed. At offset 0 it checks
// the header. Errors: *DamagedError, *ForeignError, that of fn, those of disk.Open, and those of package os.
func Read(path, batch string, offset int64, fn func(offset int64, r Record) error) (next int64, err error) {
	f, err := disk.Open(path)
	if err != nil {
		return offset, err
	}
	defer func() { _ = f.Close() }()
	return read(f, path, batch, offset, fn)
}

func read(f io.ReadSeeker, path, batch string, offset int64, fn func(offset int64, r Record) error) (int64, error) {
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return offset, err
	}
	lines := bufio.NewReaderSize(f, 64<<10)
	var long []byte // of a line longer than the buffer
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); line, err = lines.ReadSlice('\n') {
			long = append(long, line...)
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		switch {
		case errors.Is(err, io.EOF):
			return offset, nil
		case err != nil:
			return offset, err
		case offset == 0:
			err = checkHeader(line, path, batch)
		default:
			err = decode(line, path, n, func(r Record) error { return fn(offset, r) })
		}
		if err != nil {
			return offset, err
		}
		offset += int64(len(line))
	}
}

func checkHeader(line []byte, path, batch string) error {
	var h header
	if json.Unmarshal(line, &h) != nil || h.Journal == 0 {
		return &DamagedError{Path: path, Line: 1, Reason: "it is not the first line of a journal"}
	}
	if h.Journal != version || h.Batch != batch {
		return &ForeignError{Path: path, Version: h.Journal, Batch: h.Batch}
	}
	return nil
}

func decode(line []byte, path string, n int, fn func(Record) error) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return &DamagedError{Path: path, Line: n, Reason: "it is not a record"}
	}
	if r.ID == "" || r.Attempt < 0 {
		return &DamagedError{Path: path, Line: n, Reason: "the record names no item"}
	}
	return fn(r)
}

// maxLine is the length of a record above which it is not read.
const maxLine = 1 << 30

// At returns the record at an offset that Read gave.
func At(f io.ReaderAt, offset int64) (Record, error) {
	var r Record
	line, err := disk.LineAt(f, offset, maxLine)
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	return r, err
}
