package disk

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// ErrLongLine is the error of a line that is longer than allowed.
var ErrLongLine = errors.New("the line is too long")

// LineAt returns the line that begins at an offset, with its line break. Errors: io.ErrUnexpectedEOF if the file ends before the line
// break, ErrLongLine if the line has more than limit bytes, and that of r.
func LineAt(r io.ReaderAt, offset int64, limit int) ([]byte, error) {
	line := make([]byte, 0, 512)
	for {
		n, err := r.ReadAt(line[len(line):cap(line)], offset+int64(len(line)))
		read := len(line) + n
		if end := bytes.IndexByte(line[len(line):read], '\n'); end >= 0 {
			line = line[:len(line)+end+1]
			if len(line) > limit {
				return nil, ErrLongLine
			}
			return line, nil
		}
		switch line = line[:read]; {
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case len(line) > limit:
			return nil, ErrLongLine
		}
		line = slices.Grow(line, len(line))
	}
}
