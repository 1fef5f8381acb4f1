package term

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestQR(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"short", "https://a.example/device?user_code=BCDF-GHJK"},
		{"long", strings.Repeat("x", 300)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, ok := QR(tt.text, 200)
			if !ok {
				t.Fatalf("got no code for %d characters", len(tt.text))
			}
			lines := strings.Split(strings.TrimSuffix(code, "\n"), "\n")
			width := ansi.StringWidth(lines[0])
			for i, line := range lines {
				if got := ansi.StringWidth(line); got != width || !strings.HasSuffix(line, "\x1b[0m") {
					t.Errorf("line %d: got %d columns in %q, want %d and a reset of the colors", i, got, line, width)
				}
			}
			if border := strings.TrimSpace(ansi.Strip(lines[0])); border != "" {
				t.Errorf("got %q in the border, want spaces", border)
			}
			if _, ok := QR(tt.text, width); !ok {
				t.Errorf("got no code for %d columns, which are enough", width)
			}
			if _, ok := QR(tt.text, width-1); ok {
				t.Errorf("got a code for %d columns, want none", width-1)
			}
		})
	}
	if _, ok := QR(strings.Repeat("x", 5000), 1000); ok {
		t.Error("got a code for 5000 characters, want none")
	}
}
