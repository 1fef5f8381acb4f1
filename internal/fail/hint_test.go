package fail_test

import (
	"testing"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	laghav := fail.Credential{Provider: provider.Laghav()}
	tests := []struct {
		name    string
		context fail.Context
		profile string
		flags   []string
		want    string
	}{
		{"default profile", fail.Context{}, "default", nil, "lamina login"},
		{"no profile", fail.Context{}, "", nil, "lamina login"},
		{"named profile", fail.Context{}, "work", nil, "lamina login --profile work"},
		{"flags", fail.Context{}, "work", []string{"--storage", "file"}, "lamina login --profile work --storage file"},
		{"another service", fail.Context{Credential: laghav}, "laghav", nil, "lamina login --provider laghav"},
		{"another service, named profile", fail.Context{Credential: laghav}, "team", nil, "lamina login --provider laghav --profile team"},
		{"after another command", fail.Context{Args: []string{"runs", "list", "--json"}}, "work", nil, "lamina login --profile work"},
		{"after the same login", fail.Context{Args: []string{"login", "--device", "--profile", "x"}}, "x", nil, "lamina login --device --profile x"},
		{"after the same login, by its other name", fail.Context{Args: []string{"auth", "login", "--device"}}, "x", nil, "lamina auth login --device"},
		{"after a login with a key", fail.Context{Args: []string{"login", "--api-key", "lma_secret"}}, "", nil, "lamina login"},
		{"after a login with a key, joined", fail.Context{Args: []string{"login", "--api-key=lma_secret"}}, "", nil, "lamina login"},
		{"after the second step", fail.Context{Args: []string{"login", "--device", "--resume"}}, "", nil, "lamina login"},
		{
			"after a login with the same flag",
			fail.Context{Args: []string{"login", "--storage", "keyring"}}, "", []string{"--storage", "file"}, "lamina login --storage file",
		},
		{
			"a code instead of a browser",
			fail.Context{Args: []string{"login", "--no-browser", "--issuer", "https://h.example", "--callback-port", "8080", "--browser"}}, "", []string{"--device"},
			"lamina login --issuer https://h.example --device",
		},
		{"a name that a shell would split", fail.Context{}, "a b", nil, "lamina login --profile 'a b'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.context.SignIn(tt.profile, tt.flags...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestHintsKeepSelectors checks that a suggested command works on the account that the failed command worked on.
func TestHintsKeepSelectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		hint string
		want string
	}{
		{"profile", []string{"runs", "get", "x", "--profile", "work"}, "lamina runs list", "lamina runs list --profile work"},
		{"profile, joined", []string{"--profile=work", "whoami"}, "lamina apps list", "lamina apps list --profile work"},
		{"provider", []string{"whoami", "--provider", "laghav"}, "lamina auth status", "lamina auth status --provider laghav"},
		{"a command without --provider", []string{"whoami", "--provider", "laghav"}, "lamina runs list", "lamina runs list"},
		{"present already", []string{"whoami", "--profile", "a"}, "lamina login --profile b", "lamina login --profile b"},
		{"before input", []string{"login", "--profile", "a"}, "lamina login --with-api-key < key.txt", "lamina login --with-api-key --profile a < key.txt"},
		{"before words", []string{"whoami", "--profile", "a"}, "lamina login, or unset X", "lamina login --profile a, or unset X"},
		{"help", []string{"whoami", "--profile", "a", "x"}, "lamina whoami --help", "lamina whoami --help"},
		{"a command without accounts", []string{"whoami", "--profile", "a"}, "lamina dev", "lamina dev"},
		{"no command", []string{"whoami", "--profile", "a"}, "unset LAMINA_API_KEY", "unset LAMINA_API_KEY"},
		{"after --", []string{"run", "x", "--", "--profile", "a"}, "lamina runs list", "lamina runs list"},
		{"quoted", []string{"whoami", "--profile", "a;b"}, "lamina runs list", "lamina runs list --profile 'a;b'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := fail.Context{Args: tt.args}.Describe(&fail.Error{Code: fail.NotFound, Message: "x", Hint: tt.hint}).Hint
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, arg, want string }{
		{"plain", "runs", "runs"},
		{"empty", "", "''"},
		{"space", "a b", "'a b'"},
		{"quote", "it's", `'it'\''s'`},
		{"command", "$(rm)", "'$(rm)'"},
		{"redirection", "a>b", "'a>b'"},
		{"control characters", "a\x1b[31mb\nc", "'ab c'"},
		{"address", "https://h.example/a,b@c", "https://h.example/a,b@c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := fail.Quote(tt.arg); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
