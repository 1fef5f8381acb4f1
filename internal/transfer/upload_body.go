package transfer

import (
	"errors"
	"io"
	"sync"
)

// An uploadBody is the body of an upload. It reports how much was read, and keeps the read error of the file, to distinguish it
// from an error of the network. After close, which net/http may outlive, it does not read the file.
type uploadBody struct {
	file   *io.SectionReader
	onRead func(sent int64)

	mu       sync.Mutex
	sent     int64
	err      error
	isClosed bool
}

// Read implements io.Reader.
func (b *uploadBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.isClosed {
		return 0, io.ErrClosedPipe
	}
	n, err := b.file.Read(p)
	b.sent += int64(n)
	switch {
	case errors.Is(err, io.EOF) && b.sent < b.file.Size():
		b.err = errors.New("it became shorter while it was uploaded")
		return n, b.err
	case err != nil && !errors.Is(err, io.EOF):
		b.err = err
	case n > 0:
		b.onRead(b.sent)
	}
	return n, err
}

// close ends the reading of the file, and returns the read error; nil if there was none.
func (b *uploadBody) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isClosed = true
	return b.err
}
