package wire

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

// bucketFiles holds the contents of files: file id → bucket of chunk number → bytes. It is not loaded into memory.
const bucketFiles = "media"

const chunkSize = 1 << 20 // bytes

var (
	// ErrTooLarge means that a file has more bytes than allowed.
	ErrTooLarge = errors.New("the file is too large")
	// ErrNoSpace means that the files in memory have reached their size limit.
	ErrNoSpace = errors.New("there is no space for more files")
)

// A StoredFile is the description of a stored file. Its id is generated, never chosen by a client.
type StoredFile struct {
	ID     string `json:"id"`
	Size   int64  `json:"size"`   // bytes
	Digest string `json:"digest"` // SHA-256 in hex
}

// Files stores the contents of files in chunks: in the data file or, without one, in memory. Each chunk is a
// transaction of its own, so a large file does not fill the memory and does not block other writers.
type Files struct {
	db *bbolt.DB // nil: memory only

	mu     sync.RWMutex
	memory map[string][][]byte // file id → chunks
	space  int64               // bytes left in memory
}

// OpenFiles returns the files of a store. Without a data file, they may have memoryLimit bytes together.
func OpenFiles(st *Store, memoryLimit int64) (*Files, error) {
	f := &Files{db: st.db, memory: map[string][][]byte{}, space: memoryLimit}
	if f.db == nil {
		return f, nil
	}
	return f, f.db.Update(func(btx *bbolt.Tx) error {
		_, err := btx.CreateBucketIfNotExists([]byte(bucketFiles))
		return err
	})
}

// Write stores the contents of src, at most limit bytes. It stores all of them or none. It fails with ErrTooLarge,
// with ErrNoSpace or with the error of src.
func (f *Files) Write(src io.Reader, limit int64) (file StoredFile, err error) {
	file.ID = RandomToken(16)
	defer func() {
		if err != nil {
			_ = f.Remove(file.ID) // on failure, Sweep removes it later
		}
	}()
	hash := sha256.New()
	src = io.TeeReader(io.LimitReader(src, limit+1), hash)
	var chunk bytes.Buffer
	for i := 0; ; i++ {
		chunk.Reset()
		n, readErr := io.CopyN(&chunk, src, chunkSize)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return file, readErr
		}
		if file.Size += n; file.Size > limit {
			return file, ErrTooLarge
		}
		if n > 0 {
			if err := f.putChunk(file.ID, i, chunk.Bytes()); err != nil {
				return file, err
			}
		}
		if readErr != nil {
			file.Digest = hex.EncodeToString(hash.Sum(nil))
			return file, nil
		}
	}
}

// Open returns a reader of a file. It needs no closing.
func (f *Files) Open(file StoredFile) *io.SectionReader {
	return io.NewSectionReader(chunkReader{f, file.ID}, 0, file.Size)
}

// A chunkReader reads a file at any offset. It holds no transaction between two calls: a transaction that is open
// while a slow client reads would block the writers of the data file.
type chunkReader struct {
	files *Files
	id    string
}

func (r chunkReader) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		number, start := (off+int64(n))/chunkSize, (off+int64(n))%chunkSize
		copied := 0
		err := r.files.viewChunk(r.id, int(number), func(chunk []byte) {
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

// putChunk appends the next chunk to a file. It copies the bytes.
func (f *Files) putChunk(id string, number int, chunk []byte) error {
	if f.db == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.space < int64(len(chunk)) {
			return ErrNoSpace
		}
		f.space -= int64(len(chunk))
		f.memory[id] = append(f.memory[id], slices.Clone(chunk))
		return nil
	}
	return f.db.Update(func(btx *bbolt.Tx) error {
		file, err := btx.Bucket([]byte(bucketFiles)).CreateBucketIfNotExists([]byte(id))
		if err != nil {
			return err
		}
		return file.Put(chunkKey(number), chunk)
	})
}

// viewChunk calls fn with a chunk, if it exists. fn must not keep the bytes.
func (f *Files) viewChunk(id string, number int, fn func(chunk []byte)) error {
	if f.db == nil {
		f.mu.RLock()
		defer f.mu.RUnlock()
		if chunks := f.memory[id]; number < len(chunks) {
			fn(chunks[number])
		}
		return nil
	}
	return f.db.View(func(btx *bbolt.Tx) error {
		if file := btx.Bucket([]byte(bucketFiles)).Bucket([]byte(id)); file != nil {
			fn(file.Get(chunkKey(number)))
		}
		return nil
	})
}

// Remove deletes a file, if it exists.
func (f *Files) Remove(id string) error {
	if f.db == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, chunk := range f.memory[id] {
			f.space += int64(len(chunk))
		}
		delete(f.memory, id)
		return nil
	}
	return f.db.Update(func(btx *bbolt.Tx) error {
		err := btx.Bucket([]byte(bucketFiles)).DeleteBucket([]byte(id))
		if errors.Is(err, bbolterrors.ErrBucketNotFound) {
			return nil
		}
		return err
	})
}

// IDs returns the ids of all files.
func (f *Files) IDs() ([]string, error) {
	var ids []string
	if f.db == nil {
		f.mu.RLock()
		defer f.mu.RUnlock()
		for id := range f.memory {
			ids = append(ids, id)
		}
		return ids, nil
	}
	err := f.db.View(func(btx *bbolt.Tx) error {
		return btx.Bucket([]byte(bucketFiles)).ForEachBucket(func(id []byte) error {
			ids = append(ids, string(id))
			return nil
		})
	})
	return ids, err
}

// Sweep removes the files that are not in use: a process that ended during a Write leaves such files behind.
func (f *Files) Sweep(inUse map[string]bool) error {
	ids, err := f.IDs()
	for _, id := range ids {
		if !inUse[id] {
			err = errors.Join(err, f.Remove(id))
		}
	}
	return err
}
