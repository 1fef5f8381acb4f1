package scan

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	windowSize = 512 << 10 // the bytes that are scanned at once
	overlap    = 8 << 10   // the bytes of a window that the next one repeats, if a line is longer; no key is longer than this
	headSize   = 8 << 10   // the bytes that decide whether a file is text
)

// text scans a text and calls found for each key. It returns false if r is not text; r is then not read to its end. A text in UTF-16 is
// scanned without its zero bytes, because keys are ASCII.
func (f *Finder) text(r io.Reader, found func(line int, h Hit)) (bool, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	var in io.Reader = b
	if bytes.IndexByte(head, 0) >= 0 {
		if !isUTF16(head) {
			return false, nil
		}
		in = withoutZeros{b}
	}
	w := window{finder: f, found: found, line: 1}
	return true, w.scan(bufio.NewReaderSize(in, 64<<10))
}

// isUTF16 reports whether every second byte of most of a text is zero, as in ASCII text in UTF-16.
func isUTF16(head []byte) bool {
	zeros := [2]int{}
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	most, least := max(zeros[0], zeros[1]), min(zeros[0], zeros[1])
	return least == 0 && most >= len(head)/3
}

// withoutZeros removes the zero bytes of a text.
type withoutZeros struct{ r io.Reader }

func (z withoutZeros) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	return len(p[:0]) + copyWithoutZeros(p[:n]), err
}

func copyWithoutZeros(p []byte) int {
	kept := p[:0]
	for _, b := range p {
		if b != 0 {
			kept = append(kept, b)
		}
	}
	return len(kept)
}

// A window is the part of a line that is scanned. Lines that are longer than a window are scanned in parts that overlap.
type window struct {
	finder *Finder
	found  func(line int, h Hit)
	line   int // number of the line
	offset int // bytes of the line before the window
	last   int // column of the last hit in the line
}

func (w *window) scan(b *bufio.Reader) error {
	buffer := make([]byte, 0, 64<<10)
	for {
		part, err := b.ReadSlice('\n')
		buffer = append(buffer, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if len(buffer) >= windowSize {
				w.report(buffer)
				w.offset += len(buffer) - overlap
				buffer = append(buffer[:0], buffer[len(buffer)-overlap:]...)
			}
		case err != nil && !errors.Is(err, io.EOF):
			return err
		default:
			w.report(buffer)
			if errors.Is(err, io.EOF) {
				return nil
			}
			w.line, w.offset, w.last, buffer = w.line+1, 0, 0, buffer[:0]
		}
	}
}

// report reports the hits of the window that no earlier window of the line had.
func (w *window) report(text []byte) {
	for _, h := range w.finder.Line(text) {
		h.Column += w.offset
		if h.Column > w.last {
			w.last = h.Column
			w.found(w.line, h)
		}
	}
}
