package assetfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"time"
)

// A file of at least largeFile bytes is hashed while it is uploaded only if the network is slower than maxPace, in bytes a second.
// Hashing it on a faster network takes longer than uploading it again.
const (
	largeFile = 512 << 20
	trialSize = 64 << 20
	maxPace   = 250 << 20
)

// A hashingReader computes the SHA-256 of a file while the file is read from its start to its end. A second reading from the start
// begins a new hash.
type hashingReader struct {
	io.ReaderAt
	size int64
	now  func() time.Time

	hash    hash.Hash // nil after a read out of order, or when hashing is too slow
	next    int64
	read    time.Time     // when the last read ended
	waiting time.Duration // between reads, while the network took the bytes
}

// ReadAt implements io.ReaderAt.
func (h *hashingReader) ReadAt(p []byte, off int64) (int, error) {
	if off == 0 {
		h.hash, h.next, h.waiting = sha256.New(), 0, 0
	} else {
		h.waiting += h.now().Sub(h.read)
	}
	n, err := h.ReaderAt.ReadAt(p, off)
	if off != h.next || h.isTooSlow() {
		h.hash = nil
	}
	if h.hash != nil {
		h.hash.Write(p[:n])
		h.next += int64(n)
	}
	h.read = h.now()
	return n, err
}

// isTooSlow reports whether hashing slows the upload down.
func (h *hashingReader) isTooSlow() bool {
	return h.size >= largeFile && h.next >= trialSize && h.waiting.Seconds()*maxPace < float64(h.next)
}

// sum returns the hash of the whole file in hexadecimal; "" if it is unknown.
func (h *hashingReader) sum() string {
	if h.hash == nil || h.next != h.size {
		return ""
	}
	return hex.EncodeToString(h.hash.Sum(nil))
}

// SHA256 reads the whole file and returns its SHA-256 in hexadecimal. An error does not contain the path.
func (f *File) SHA256(ctx context.Context) (string, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return "", withoutPath(err)
	}
	defer file.Close()
	return sumOf(ctx, file, f.Size)
}

// sumOf reads a whole file and returns its SHA-256 in hexadecimal.
func sumOf(ctx context.Context, r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	buf := make([]byte, 256<<10)
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		h.Write(buf[:n])
		off += int64(n)
		if err != nil && off < size {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
