package auth

import (
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

func TestCheckAPIKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       config.Secret // "" means an error
		hasWarning bool
	}{
		{"key", "lma_abc", "lma_abc", false},
		{"white space", "  lma_abc\r\n", "lma_abc", false},
		{"byte order mark", "\ufefflma_abc\n", "lma_abc", false},
		{"unusual prefix", "sk-other", "sk-other", true},
		{"empty", "", "", false},
		{"only white space", " \n", "", false},
		{"space inside", "lma_a b", "", false},
		{"two lines", "lma_a\nlma_b", "", false},
		{"control character", "lma_\x1b[31m", "", false},
		{"not ASCII", "lma_é", "", false},
		{"too long", "lma_" + strings.Repeat("x", maxKey), "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, warning, err := CheckAPIKey(provider.Lamina(), test.text)
			if got != test.want || (warning != "") != test.hasWarning || (err != nil) != (test.want == "") {
				t.Errorf("CheckAPIKey(%q) = %q, %q, %v, want %q, warning: %v",
					test.text, got.Reveal(), warning, err, test.want.Reveal(), test.hasWarning)
			}
			if err != nil && strings.Contains(err.Error(), "lma_") {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}
