package output

import "testing"

func TestWrap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		text  string
		width int
		hang  int
		want  string
	}{
		{"fits", "one two", 7, 0, "one two"},
		{"breaks at a space", "one two three", 8, 0, "one two\nthree"},
		{"hangs", "  one two", 7, 2, "  one\n  two"},
		{"never in a word", "see https://example.com/a/long/address now", 12, 0, "see\nhttps://example.com/a/long/address\nnow"},
		{"a lone long word", "https://example.com/", 5, 0, "https://example.com/"},
		{"each line", "a b\nc d", 1, 0, "a\nb\nc\nd"},
		{"wide letters", "世界 世界", 8, 0, "世界\n世界"},
		{"colours", "\x1b[31merror:\x1b[0m it", 9, 0, "\x1b[31merror:\x1b[0m it"},
		{"spaces inside", "a  b c", 4, 0, "a  b\nc"},
		{"nothing", "", 0, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := wrap(tt.text, tt.width, tt.hang); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
