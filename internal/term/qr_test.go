package term

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestQRFits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"https://a.example/device?user_code=BCDF-GHJK", strings.Repeat("x", 300)} {
		code, ok := QR(text, 200)
		if !ok {
			t.Fatalf("no code for %d characters", len(text))
		}
		lines := strings.Split(strings.TrimSuffix(code, "\n"), "\n")
		width := ansi.StringWidth(lines[0])
		for i, line := range lines {
			if ansi.StringWidth(line) != width || !strings.HasSuffix(line, "\x1b[0m") {
				t.Errorf("line %d: %q", i, line)
			}
		}
		if strings.TrimSpace(ansi.Strip(lines[0])) != "" {
			t.Errorf("no quiet zone: %q", lines[0])
		}
		if _, ok := QR(text, width); !ok {
			t.Error("a terminal that is just wide enough is refused")
		}
		if _, ok := QR(text, width-1); ok {
			t.Error("the code is wider than the terminal")
		}
	}
	if _, ok := QR(strings.Repeat("x", 5000), 1000); ok {
		t.Error("a text that fits in no code")
	}
}
