package platform

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// bucketMedia holds the bytes of files: file id → bucket of chunk number → bytes. It is not held in memory.
const bucketMedia = "media"

const (
	chunkSize      = 1 << 20 // bytes
	maxMediaMemory = 1 << 30 // bytes of all files together, without a data file
)

var (
	// errTooLarge means that a file has more bytes than are allowed.
	errTooLarge = errors.New("the file is too large")
	// errNoRoom means that the files that are held in memory are as large as they may be.
	errNoRoom = errors.New("there is no room for more files")
)

// A storedFile is what is known of a file in media. Its id is never a name from outside.
type storedFile struct {
	ID     string `json:"id"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"` // SHA-256 in hex
}

// media keeps files in chunks: in the data file, or in memory where there is none. A chunk is written at a time, so
// that a large file neither fills the memory nor keeps others from writing.
type media struct {
	db *bbolt.DB // nil: memory only

	mu     sync.RWMutex
	memory map[string][][]byte // file id → chunks
	room   int64               // bytes that memory may still take
}

func newMedia(db *bbolt.DB) *media {
	return &media{db: db, memory: map[string][][]byte{}, room: maxMediaMemory}
}

// write keeps what src holds, of limit bytes at most, in full or not at all. It fails with errTooLarge, with errNoRoom,
// or as src does.
func (m *media) write(src io.Reader, limit int64) (f storedFile, err error) {
	f.ID = randomToken(16)
	defer func() {
		if err != nil {
			_ = m.remove(f.ID) // else sweep finds it
		}
	}()
	hash := sha256.New()
	src = io.TeeReader(io.LimitReader(src, limit+1), hash)
	var chunk bytes.Buffer
	for i := 0; ; i++ {
		chunk.Reset()
		n, readErr := io.CopyN(&chunk, src, chunkSize)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return f, readErr
		}
		if f.Size += n; f.Size > limit {
			return f, errTooLarge
		}
		if n > 0 {
			if err := m.putChunk(f.ID, i, chunk.Bytes()); err != nil {
				return f, err
			}
		}
		if readErr != nil {
			f.Digest = hex.EncodeToString(hash.Sum(nil))
			return f, nil
		}
	}
}

// open returns a reader of a file, which needs no closing.
func (m *media) open(f storedFile) *io.SectionReader {
	return io.NewSectionReader(chunkReader{m, f.ID}, 0, f.Size)
}

// A chunkReader reads a file at any place. It holds nothing between two calls: a transaction that stays open for as
// long as a client reads would keep the data file from being written.
type chunkReader struct {
	media *media
	id    string
}

func (r chunkReader) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		number, start := (off+int64(n))/chunkSize, (off+int64(n))%chunkSize
		copied := 0
		err := r.media.viewChunk(r.id, int(number), func(chunk []byte) {
			copied = copy(p[n:], chunk[min(int(start), len(chunk)):])
		})
		if err == nil && copied == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
		n += copied
	}
	return n, nil
}

func chunkKey(number int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(number)) }

// putChunk adds the next chunk to a file. The bytes remain the caller's.
func (m *media) putChunk(id string, number int, chunk []byte) error {
	if m.db == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.room < int64(len(chunk)) {
			return errNoRoom
		}
		m.room -= int64(len(chunk))
		m.memory[id] = append(m.memory[id], slices.Clone(chunk))
		return nil
	}
	return m.db.Update(func(btx *bbolt.Tx) error {
		file, err := btx.Bucket([]byte(bucketMedia)).CreateBucketIfNotExists([]byte(id))
		if err != nil {
			return err
		}
		return file.Put(chunkKey(number), chunk)
	})
}

// viewChunk shows a chunk to fn, which must not keep it: nothing if there is none.
func (m *media) viewChunk(id string, number int, fn func(chunk []byte)) error {
	if m.db == nil {
		m.mu.RLock()
		defer m.mu.RUnlock()
		if chunks := m.memory[id]; number < len(chunks) {
			fn(chunks[number])
		}
		return nil
	}
	return m.db.View(func(btx *bbolt.Tx) error {
		if file := btx.Bucket([]byte(bucketMedia)).Bucket([]byte(id)); file != nil {
			fn(file.Get(chunkKey(number)))
		}
		return nil
	})
}

// remove forgets a file, if it is there.
func (m *media) remove(id string) error {
	if m.db == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, chunk := range m.memory[id] {
			m.room += int64(len(chunk))
		}
		delete(m.memory, id)
		return nil
	}
	return m.db.Update(func(btx *bbolt.Tx) error {
		err := btx.Bucket([]byte(bucketMedia)).DeleteBucket([]byte(id))
		if errors.Is(err, bbolterrors.ErrBucketNotFound) {
			return nil
		}
		return err
	})
}

// sweep forgets the files that a process left behind when it ended while they were written, which are those that no
// asset has.
func (m *media) sweep(live map[string]bool) error {
	if m.db == nil {
		return nil
	}
	return m.db.Update(func(btx *bbolt.Tx) error {
		files, err := btx.CreateBucketIfNotExists([]byte(bucketMedia))
		if err != nil {
			return err
		}
		var dead [][]byte
		err = files.ForEachBucket(func(id []byte) error {
			if !live[string(id)] {
				dead = append(dead, slices.Clone(id))
			}
			return nil
		})
		for _, id := range dead {
			err = errors.Join(err, files.DeleteBucket(id))
		}
		return err
	})
}
