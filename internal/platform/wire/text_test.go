package wire

import (
	"bytes"
	"strings"
	"testing"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, want string
	}{
		{"  Lamina \t\r\n CLI ", "Lamina CLI"},
		{"a\x00b\x1b[31mc\x7f", "ab[31mc"},
		{"evil\u202egpj.exe", "evilgpj.e…"},
		{"zero\u200bwidth\ufeff", "zerowidth"},
		{"a\u2066b\u2069c\u2028d", "abc d"},
		{"caf\u0065\u0301", "cafe\u0301"},
		{"z" + strings.Repeat("\u0335", 9), "z\u0335\u0335"},
		{"0123456789ABC", "012345678…"},
		{"0123456789", "0123456789"},
		{"\xff\xfe", ""},
		{"Größe ✓ 東京", "Größe ✓ 東京"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			if got := CleanText(tt.in, 10); got != tt.want {
				t.Errorf("CleanText(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("a\u202eb\x1b]0;x\x07", 5)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(1, min(limit, 1000))
		got := CleanText(text, limit)
		if len([]rune(got)) > limit {
			t.Fatalf("CleanText(%q, %d) = %q, want at most %d characters", text, limit, got, limit)
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r == 0xfffd && !bytes.ContainsRune([]byte(text), 0xfffd)
		}) {
			t.Fatalf("CleanText(%q, %d) = %q, want no control characters", text, limit, got)
		}
	})
}
