package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/term"
)

// printedError is the error object of JSON mode.
type printedError struct {
	Error string
	Code  string
	Hint  string
}

// runWrong runs a command line that is wrong, and returns its error.
func runWrong(t *testing.T, args ...string) printedError {
	t.Helper()
	streams, stdout, stderr := term.Test("")
	env := &cmdutil.Env{Streams: streams, Getenv: func(string) string { return "" }, Now: time.Now}
	if status := Main(context.Background(), env, args); status != 2 || stdout.Len() > 0 {
		t.Fatalf("%v: got exit status %d and stdout %q, want 2 and none", args, status, stdout)
	}
	var printed printedError
	if err := json.Unmarshal(stderr.Bytes(), &printed); err != nil {
		t.Fatalf("%v: got stderr %q: %v", args, stderr, err)
	}
	return printed
}

// checkHint checks that a hint is a command line that the program accepts, and that it neither signs in nor starts a server.
func checkHint(t *testing.T, hint string) {
	t.Helper()
	if path, isHelp := strings.CutSuffix(hint, " --help"); isHelp {
		if cmd, rest, err := Tree().Find(strings.Fields(path)[1:]); err != nil || len(rest) > 0 && cmd.Name() != "run" {
			t.Errorf("got the hint %q, want a command that exists", hint)
		}
	} else if checkLines(t, "hint", hint) != 1 {
		t.Errorf("got the hint %q, want a command", hint)
	}
	for _, start := range []string{"lamina login", "lamina auth login", "lamina dev", "lamina demo"} {
		if strings.HasPrefix(hint, start) && !strings.Contains(hint, "--help") {
			t.Errorf("got the hint %q, want none that signs in or starts a server", hint)
		}
	}
}

func TestSuggestedCommands(t *testing.T) {
	t.Parallel()
	tests := []struct{ typed, want string }{
		{"logs", "lamina runs list"},
		{"logs 0b7b0d3e", "lamina runs watch 0b7b0d3e"},
		{"watch 0b7b0d3e", "lamina runs watch 0b7b0d3e"},
		{"config delete output", "lamina config unset output"},
		{"config show", "lamina config list"},
		{"config show output", "lamina config get output"},
		{"describe poster", "lamina apps get poster"},
		{"complete bash", "lamina completion bash"},
		{"env", "lamina doctor"},
		{"configure", "lamina config list"},
		{"settings list", "lamina config list"},
		{"rnus", "lamina runs"},
		{"rnus list", "lamina runs list"},
		{"rnus get 0b7b0d3e", "lamina runs get 0b7b0d3e"},
		{"apps search product photo", "lamina apps list product photo"},
		{"auth list", "lamina profile list"},
		{"auth switch work", "lamina profile use work"},
		{"Runs list", "lamina runs list"},
		{"WHOAMI", "lamina whoami"},
		{"auth Rotate", "lamina auth rotate"},
		{"ls", "lamina apps list"},
		{"ps", "lamina runs list"},
		{"show 0b7b0d3e", "lamina apps get 0b7b0d3e"},
		{"result 0b7b0d3e", "lamina runs get 0b7b0d3e"},
		{"stop 0b7b0d3e", "lamina runs cancel 0b7b0d3e"},
		{"start poster", "lamina run poster"},
		{"exec", "lamina run --help"},
		{"invoke", "lamina run --help"},
		{"delete", "lamina --help"},
		{"status", "lamina auth status"},
		{"token", "lamina auth token"},
		{"keys", "lamina auth status"},
		{"accounts", "lamina profile list"},
		{"switch", "lamina profile use --help"},
		{"update", "lamina upgrade"},
		{"deploy", "lamina run --help"},
		{"sign-in", "lamina login --help"},
		{"sign_in", "lamina login --help"},
		{"signout", "lamina logout"},
		{"serve", "lamina dev --help"},
		{"dve", "lamina dev --help"},
		{"credits", "lamina usage"},
		{"upload photo.jpg", "lamina assets upload photo.jpg"},
		{"publish", "lamina publishing"},
		{"model list", "lamina models list"},
		{"image", "lamina generate --help"},
		{"refine", "lamina runs feedback --help"},
		{"lgoin", "lamina login --help"},
		{"auth lgin", "lamina auth login --help"},
		{"setting", "lamina config list"},
		{"runz", "lamina --help"},
		{"runs logs 0b7b0d3e", "lamina runs watch 0b7b0d3e"},
		{"runs delete 0b7b0d3e", "lamina runs --help"},
		{"runs show 0b7b0d3e", "lamina runs get 0b7b0d3e"},
		{"runs start poster", "lamina run poster"},
		{"profile delete work", "lamina profile remove work"},
		{"profile switch work", "lamina profile use work"},
		{"profile add", "lamina login --help"},
		{"laghav keys delete k1", "lamina laghav keys revoke k1"},
		{"app", "lamina apps"},
		{"workflow list", "lamina apps list"},
		{"execution get r1", "lamina executions get r1"},
		{"zzz", "lamina --help"},
		{"runs zzz", "lamina runs --help"},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			t.Parallel()
			got := runWrong(t, strings.Fields(tt.typed)...)
			if got.Hint != tt.want {
				t.Errorf("got the hint %q, want %q", got.Hint, tt.want)
			}
			if got.Code != "unknown_subcommand" {
				t.Errorf("got the code %q, want unknown_subcommand", got.Code)
			}
			checkHint(t, got.Hint)
		})
	}
}

func TestEquallyNearCommands(t *testing.T) {
	t.Parallel()
	tests := []struct{ typed, want string }{
		{"runz", `unknown command "runz" for lamina; did you mean one of these: run, runs?`},
		{"zzz", `unknown command "zzz" for lamina`},
		{"x", `unknown command "x" for lamina`},
	}
	for _, tt := range tests {
		if got := runWrong(t, tt.typed).Error; got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestSynonymsNameOnlyWhatExists checks every row of the tables: the suggestion for each word is a command line that exists.
func TestSynonymsNameOnlyWhatExists(t *testing.T) {
	t.Parallel()
	for _, line := range cmdutil.SynonymLines() {
		if _, rest, err := Tree().Find(strings.Fields(line)); err == nil && len(rest) == 0 {
			continue // this word has become a command
		}
		checkHint(t, runWrong(t, strings.Fields(line)...).Hint)
	}
}

// TestSignInIsFoundAfterEveryFlag checks that fail knows which flags of every command take a value: a sign-in is repeated by a hint even
// if such a flag stands before it.
func TestSignInIsFoundAfterEveryFlag(t *testing.T) {
	t.Parallel()
	Tree().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		args := []string{"--" + f.Name}
		if f.NoOptDefVal == "" {
			args = append(args, "whoami")
		}
		hint := fail.Context{Args: append(args, "login", "--no-browser")}.SignIn("")
		if !strings.HasSuffix(hint, "login --no-browser") {
			t.Errorf("after --%s: got the hint %q, want the sign-in that was typed", f.Name, hint)
		}
	})
}

func TestSuggestedFlags(t *testing.T) {
	t.Parallel()
	const help = " --help"
	tests := []struct {
		name    string
		args    []string
		message string // the part after the cause
		hint    string
	}{
		{"gh's format", []string{"apps", "list", "--format", "json"}, "did you mean -o?", "lamina apps list -o json"},
		{"joined", []string{"apps", "list", "--format=json"}, "did you mean -o?", "lamina apps list -o json"},
		{"gh's limit", []string{"runs", "list", "-L", "2"}, "did you mean --limit?", "lamina runs list --limit 2"},
		{"gh's limit, joined", []string{"runs", "list", "-L2"}, "did you mean --limit?", "lamina runs list --limit 2"},
		{"no color", []string{"runs", "list", "--no-color"}, "did you mean --color never?", "lamina runs list --color never"},
		{"verbose", []string{"whoami", "--verbose"}, "did you mean --debug?", "lamina whoami --debug"},
		{"underscore", []string{"whoami", "--no_input"}, "did you mean --no-input?", "lamina whoami --no-input"},
		{"upper case", []string{"whoami", "--Profile", "x"}, "did you mean --profile?", "lamina whoami --profile x"},
		{"abbreviation", []string{"run", "poster", "--downl", "x"}, "did you mean --download?", "lamina run poster --download x"},
		{"misspelled", []string{"run", "poster", "--dowload", "x"}, "did you mean --download?", "lamina run poster --download x"},
		{"nothing near", []string{"whoami", "--zzz"}, "", "lamina whoami" + help},
		{"inputs as flags", []string{"run", "poster", "--text", "hi there", "--size=3", "--wait"}, "inputs of an app are set with --input NAME=VALUE", "lamina run poster --input 'text=hi there' --input size=3 --wait"},
		{"inputs of a workflow", []string{"lamatic", "run", "w", "--sentences", "1"}, "inputs of an app are set with --input NAME=VALUE", "lamina lamatic run w --input sentences=1"},
		{"gh's field", []string{"run", "poster", "--field", "text=hi"}, "did you mean --input?", "lamina run poster --input text=hi"},
		{"an input that may be a secret", []string{"run", "poster", "--text", "hi", "--api-token", "s3cr3t"}, "", "lamina run" + help},
		{"curl's data", []string{"api", "/v1/runs", "--data", "{}"}, "", "lamina api" + help},
		{"inputs of the API", []string{"api", "/v1/runs", "--body", "x.json"}, "did you mean --file?", "lamina api /v1/runs --file x.json"},
		{"a key on the command line", []string{"login", "--api-key", "s3cr3t", "--format", "json"}, "did you mean -o?", "lamina login" + help},
		{"inputs without a flag", []string{"run", "poster", "text=hi", "--profile", "x"}, "", "lamina run poster --input text=hi --profile x"},
		{"inputs without a flag that may be a secret", []string{"run", "poster", "token=hi"}, "", "lamina run poster" + help},
		{"gh's fields", []string{"runs", "get", "r1", "--json", "runId"}, "", "lamina runs get r1 --json --jq .data.runId"},
		{"gh's fields of a list", []string{"runs", "list", "--json", "runId,status"}, "", "lamina runs list --json --jq '.data[] | {runId, status}'"},
		{"gh's fields of a list that takes words", []string{"apps", "list", "--json", "appId,name"}, "", "lamina apps list --json --jq '.data[] | {appId, name}'"},
		{"a search", []string{"apps", "list", "--search", "photo"}, "lamina apps list takes it as an argument", "lamina apps list photo"},
		{"a search, joined", []string{"apps", "list", "--query=photo"}, "lamina apps list takes it as an argument", "lamina apps list photo"},
		{"a search where none is", []string{"runs", "list", "--query", ".data"}, "did you mean --jq?", "lamina runs list --jq .data"},
		{"the app as a flag", []string{"run", "--app", "poster", "--wait"}, "lamina run takes it as an argument", "lamina run poster --wait"},
		{"the run as a flag", []string{"runs", "get", "--run-id", "r1"}, "lamina runs get takes it as an argument", "lamina runs get r1"},
		{"a pair for another flag", []string{"run", "poster", "--set", "text=hi"}, "did you mean --input?", "lamina run poster --input text=hi"},
		{"a pair for a file", []string{"run", "poster", "--inputs", "text=hi"}, "did you mean --input?", "lamina run poster --input text=hi"},
		{"curl's -f", []string{"run", "poster", "-f", "text=hi"}, "did you mean --input?", "lamina run poster --input text=hi"},
		{"gh's template", []string{"whoami", "--template", "{{.x}}"}, "did you mean --jq?", "lamina whoami" + help},
		{"a key as a flag", []string{"whoami", "--api-key", "s3cr3t"}, "it is set with LAMINA_API_KEY", "export LAMINA_API_KEY=KEY"},
		{"an address as a flag", []string{"whoami", "--base-url", "https://x.example"}, "it is set with LAMINA_BASE_URL", "export LAMINA_BASE_URL=URL"},
		{"an address of a sign-in", []string{"login", "--host", "https://x.example"}, "did you mean --api-url?", "lamina login --api-url https://x.example"},
		{"a port", []string{"dev", "--port", "4000"}, "did you mean --addr?", "lamina dev --addr 127.0.0.1:4000"},
		{"one word too many", []string{"run", "poster", "hello"}, "", "lamina run poster" + help},
		{"another argument", []string{"whoami", "me"}, "", "lamina whoami" + help},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runWrong(t, append(tt.args, "-o", "json")...)
			if !strings.HasSuffix(got.Error, tt.message) || tt.message == "" && strings.Contains(got.Error, "; ") {
				t.Errorf("got the message %q, want %q at its end", got.Error, tt.message)
			}
			if hint := strings.TrimSuffix(got.Hint, " -o json"); hint != tt.hint {
				t.Errorf("got the hint %q, want %q", hint, tt.hint)
			}
			if strings.Contains(got.Error+got.Hint, "s3cr3t") {
				t.Errorf("got a secret: %v", got)
			}
			if tt.args[0] != "login" && tt.args[0] != "dev" && !strings.HasPrefix(got.Hint, "export ") { // the command that was typed
				checkHint(t, strings.TrimSuffix(got.Hint, " -o json"))
			}
		})
	}
}
