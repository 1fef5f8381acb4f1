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
		{"after a login with a key", fail.Context{Args: []string{"login", "--api-key", "lma_secret"}}, "", nil, "lamina login --with-api-key"},
		{"after a login with a key, joined", fail.Context{Args: []string{"login", "--api-key=lma_secret", "--profile", "x"}}, "", nil, "lamina login --profile x --with-api-key"},
		{"after a login with a key from stdin", fail.Context{Args: []string{"login", "--with-api-key", "--profile=x"}}, "", nil, "lamina login --with-api-key --profile=x"},
		{"after the second step", fail.Context{Args: []string{"login", "--device", "--resume", "--profile", "x"}}, "", nil, "lamina login --device --profile x --json"},
		{
			"the second step after the first",
			fail.Context{Args: []string{"--profile", "x", "login", "--device", "-o", "json", "--storage", "keyring"}}, "", []string{"--device", "--resume", "--storage", "keyring"},
			"lamina --profile x login --device --resume --storage keyring",
		},
		{"a format", fail.Context{Args: []string{"login", "-o", "text", "--storage", "file"}}, "", nil, "lamina login --storage file"},
		{"a profile before the command", fail.Context{Args: []string{"--profile", "x", "login", "--device"}}, "", nil, "lamina --profile x login --device"},
		{"a profile before the command, joined", fail.Context{Args: []string{"--profile=x", "auth", "login", "--device"}}, "", nil, "lamina --profile=x auth login --device"},
		{"a flag with a value before the command", fail.Context{Args: []string{"-o", "json", "login", "--device"}}, "", nil, "lamina login --device --json"},
		{"a login only as a value", fail.Context{Args: []string{"--jq", "login", "whoami", "--device"}}, "", nil, "lamina login"},
		{
			"a key instead of a browser",
			fail.Context{Args: []string{"login", "--no-browser", "--remember", "--storage", "file"}}, "", []string{"--with-api-key"}, "lamina login --storage file --with-api-key",
		},
		{
			"another value of a setting",
			fail.Context{Args: []string{"login", "--provider", "p", "--set", "a=1", "--set=b=2", "--set", "c"}}, "", []string{"--set", "b=VALUE"},
			"lamina login --provider p --set a=1 --set b=VALUE",
		},
		{"an address that a file sets", fail.Context{Args: []string{"whoami", "--env-file", "my keys.env", "--workspace=w"}}, "", nil, "lamina login --workspace w --env-file 'my keys.env'"},
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
		{"the last profile counts", []string{"whoami", "--profile", "a", "--profile=b"}, "lamina apps list", "lamina apps list --profile b"},
		{"file with the key", []string{"whoami", "--env-file", "keys.env"}, "lamina apps list", "lamina apps list --env-file keys.env"},
		{"certificate and workspace", []string{"whoami", "--ca-file=ca.pem", "--workspace", "w"}, "lamina apps list", "lamina apps list --workspace w --ca-file ca.pem"},
		{"quoted argument with a comma", []string{"whoami", "--profile", "a"}, "lamina runs download x 'a, b'", "lamina runs download x 'a, b' --profile a"},
		{"a command of auth without --provider", []string{"whoami", "--provider", "laghav"}, "lamina auth scan .", "lamina auth scan ."},
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
		{"a comma at the end, which ends the command of a hint", "a,", "'a,'"},
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
