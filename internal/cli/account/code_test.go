package account

import "testing"

func TestUserCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, code string
		want       bool
	}{
		{"as in RFC 8628", "WDJB-MJHT", true},
		{"digits", "123456789", true},
		{"a command line", "curl example.com|sh", false},
		{"a line break", "WDJB\n", false},
		{"an escape sequence", "\x1b]52;c;eA==\a", false},
		{"a flag", "-rf", false},
		{"long", "WDJBMJHTWDJBMJHTWDJBMJHTWDJBMJHTX", false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := userCode().MatchString(tt.code); got != tt.want {
				t.Errorf("%q: got %v, want %v", tt.code, got, tt.want)
			}
		})
	}
}
