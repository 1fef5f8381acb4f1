package cmdutil_test

import (
	"testing"

	"github.com/uselamina/lamina/internal/cmdutil"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	commands := []string{"api", "apps", "auth", "completion", "dev", "demo", "login", "logout", "profile", "run", "runs", "whoami"}
	tests := []struct{ name, word, want string }{
		{"swapped letters", "rnus", "runs"},
		{"one letter too many", "loginn", "login"},
		{"one letter missing", "profle", "profile"},
		{"three letters", "compleshun", ""},
		{"two wrong letters", "whoumi", "whoami"},
		{"equally near", "aps", ""},
		{"short and far", "env", ""},
		{"far", "logs", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := cmdutil.Nearest(tt.word, commands); got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.word, got, tt.want)
			}
		})
	}
}
