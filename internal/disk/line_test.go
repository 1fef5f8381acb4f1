package disk

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestLineAt: a line of any length is read from where it begins to its line break.
func TestLineAt(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 510, 511, 512, 513, 1023, 1024, 5000} {
		line := strings.Repeat("x", length) + "\n"
		r := strings.NewReader("first\n" + line + "last")
		if got, err := LineAt(r, 6, 5001); err != nil || string(got) != line {
			t.Errorf("line of %d bytes: got %d bytes, %v", length, len(got), err)
		}
		if _, err := LineAt(r, 6, length); !errors.Is(err, ErrLongLine) {
			t.Errorf("line of %d bytes and its line break, limit %d: %v", length, length, err)
		}
		for _, offset := range []int64{6 + int64(len(line)), 1 << 20} {
			if got, err := LineAt(r, offset, 5001); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("at %d: got %q, %v; want %v", offset, got, err, io.ErrUnexpectedEOF)
			}
		}
	}
}
