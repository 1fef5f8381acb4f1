package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// testLimit is the limit of the files in memory, in bytes.
const testLimit = 1 << 30

// eachFiles runs a test on files in memory and in a data file.
func eachFiles(t *testing.T, test func(t *testing.T, f *Files)) {
	t.Helper()
	for _, tt := range []struct{ name, file string }{
		{"in memory", ""},
		{"in a data file", filepath.Join(t.TempDir(), "state.db")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, err := OpenStore(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = st.Close() })
			files, err := OpenFiles(st, testLimit)
			if err != nil {
				t.Fatal(err)
			}
			test(t, files)
		})
	}
}

// ids returns the ids of all files.
func ids(t *testing.T, f *Files) []string {
	t.Helper()
	all, err := f.IDs()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilesOfAnySize(t *testing.T) {
	t.Parallel()
	eachFiles(t, func(t *testing.T, files *Files) {
		for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2*chunkSize + chunkSize/2} {
			want := RandomBytes(size)
			f, err := files.Write(bytes.NewReader(want), int64(size))
			sum := sha256.Sum256(want)
			if err != nil || f.Size != int64(size) || f.Digest != hex.EncodeToString(sum[:]) {
				t.Fatalf("Write of %d bytes = %+v, %v; want the size and the digest", size, f, err)
			}
			if got, err := io.ReadAll(files.Open(f)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("Open: got %d bytes, %v; want the %d written bytes", len(got), err, size)
			}
			for _, start := range []int{0, chunkSize - 2, chunkSize, size - 3} {
				if start < 0 || start+3 > size {
					continue
				}
				var got [3]byte
				if _, err := files.Open(f).ReadAt(got[:], int64(start)); err != nil || !bytes.Equal(got[:], want[start:start+3]) {
					t.Errorf("ReadAt(%d) of %d bytes = %x, %v; want %x", start, size, got, err, want[start:start+3])
				}
			}
		}
	})
}

func TestFilesAreStoredInFullOrNotAtAll(t *testing.T) {
	t.Parallel()
	eachFiles(t, func(t *testing.T, files *Files) {
		kept, err := files.Write(strings.NewReader("kept"), 4)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write(bytes.NewReader(make([]byte, chunkSize+2)), chunkSize+1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("Write of too many bytes: got %v, want %v", err, ErrTooLarge)
		}
		for _, cut := range []error{io.ErrUnexpectedEOF, errors.New("cut off")} {
			src := io.MultiReader(bytes.NewReader(make([]byte, chunkSize+1)), iotest.ErrReader(cut))
			if _, err := files.Write(src, 1<<30); !errors.Is(err, cut) {
				t.Errorf("Write: got %v, want the error of the source %v", err, cut)
			}
		}
		if left := ids(t, files); len(left) != 1 || left[0] != kept.ID {
			t.Errorf("got files %v, want only %s", left, kept.ID)
		}
		if err := errors.Join(files.Remove(kept.ID), files.Remove(kept.ID)); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(files.Open(kept)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("reading a removed file: got %v, want an unexpected end", err)
		}
		if files.space != testLimit || len(ids(t, files)) != 0 {
			t.Errorf("got %d bytes of space and files %v, want all space and no files", files.space, ids(t, files))
		}
	})
}

func TestStoreDoesNotLoadFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	for range 2 {
		st, err := OpenStore(file)
		if err != nil {
			t.Fatal(err)
		}
		files, err := OpenFiles(st, testLimit)
		if err != nil {
			t.Fatal(err)
		}
		if st.buckets[bucketFiles] != nil {
			t.Error("the contents of files are in the memory of the store")
		}
		if _, err := files.Write(strings.NewReader("x"), 1); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
