package scan

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const (
	windowSize = 512 << 10 // the bytes that are scanned at once
	overlap    = 8 << 10   // the bytes of a window that the next one repeats, if a line is longer; no key is longer than this
	headSize   = 8 << 10   // the bytes that decide whether a file is text
)

// text scans a text and calls found for each key. It returns why r is not scanned, or only in part: "" if it is scanned as a whole. What is
// not text is not read to its end.
func (f *Finder) text(r io.Reader, found func(line int, h Hit)) (whyNot string, err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	in := decoded(b, head)
	if in == nil {
		return notText, nil
	}
	if bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")) {
		whyNot = isPointer // the text is the address of the file
	}
	w := window{finder: f, found: found, line: 1}
	return whyNot, w.scan(bufio.NewReaderSize(in, 64<<10))
}

// decoded returns a text in UTF-8, or nil if it is not text. head is its beginning. UTF-16 is known by its byte order mark, or because
// every second byte is zero, as in ASCII.
func decoded(r io.Reader, head []byte) io.Reader {
	zeros := [2]int{}
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	isWide := bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")) // UTF-32
	order := unicode.LittleEndian
	switch {
	case !isWide && (bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))):
	case zeros[0]+zeros[1] == 0:
		return r
	case zeros[0] == 0 && zeros[1] >= len(head)/3:
	case zeros[1] == 0 && zeros[0] >= len(head)/3:
		order = unicode.BigEndian
	default:
		return nil
	}
	return transform.NewReader(r, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
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
