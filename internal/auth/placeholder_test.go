package auth_test

import (
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/provider"
)

// TestCheckAPIKeyRefusesPlaceholders: what cannot be a key is described, and is never sent.
func TestCheckAPIKeyRefusesPlaceholders(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"double quotes", `"lma_0123456789abcdef"`, "quotes"},
		{"single quotes", `'lma_0123456789abcdef'`, "quotes"},
		{"one quote", `lma_0123456789abcdef"`, "quotes"},
		{"backquotes", "`lma_0123456789abcdef`", "quotes"},
		{"assignment", "LAMINA_API_KEY=lma_0123456789abcdef", "assignment"},
		{"lower-case assignment", "key=lma_0123456789abcdef", "assignment"},
		{"export", "export LAMINA_API_KEY=lma_0123456789abcdef", "assignment"},
		{"header value", "Bearer lma_0123456789abcdef", "header"},
		{"header", "x-api-key: lma_0123456789abcdef", "header"},
		{"masked", "***", "masked"},
		{"masked middle", "lma_****cdef", "masked"},
		{"bullets", "••••••••", "masked"},
		{"shortened", "lma_01…", "masked"},
		{"dots", "lma_...", "masked"},
		{"redacted", "[redacted]", "masked"},
		{"x", "lma_xxxxxxxxxxxx", "placeholder"},
		{"undefined", "undefined", "missing value"},
		{"null", "NULL", "missing value"},
		{"your key", "YOUR_API_KEY", "missing value"},
		{"shell variable", "$LAMINA_API_KEY", "not expanded"},
		{"shell variable in braces", "${LAMINA_API_KEY}", "not expanded"},
		{"command", "$(pass lamina)", "not expanded"},
		{"Windows variable", "%LAMINA_API_KEY%", "not expanded"},
		{"template", "{{lamina_key}}", "not expanded"},
		{"CI expression", "${{ secrets.LAMINA_API_KEY }}", "not expanded"},
		{"angle brackets", "<key>", "not expanded"},
		{"1Password", "op://vault/lamina/key", "reference"},
		{"AWS", "arn:aws:secretsmanager:eu-west-1:1:secret:lamina", "reference"},
		{"vault", "vault:secret/data/lamina#key", "reference"},
		{"file", "file:///run/secrets/key", "reference"},
		{"address", "https://app.uselamina.ai", "address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, _, err := auth.CheckAPIKey(provider.Lamina(), tt.text)
			if err == nil {
				t.Fatalf("got key %q, want an error", key.Reveal())
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "0123456789") {
				t.Errorf("got %q, want %q in it and no key", err, tt.want)
			}
		})
	}
}

func TestCheckAPIKeyAcceptsKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"lma_0123456789abcdef", "lma_test", "lma_x", "lma_axxxxb", "abcdef0123456789+/==", "abcd==", "a.b-c_d~e", "lt-0x0x0x0x", "eyJhbGciOi.eyJzdWIi.c2ln",
	} {
		if _, _, err := auth.CheckAPIKey(provider.Lamina(), key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
}
