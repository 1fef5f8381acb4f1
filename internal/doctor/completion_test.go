package doctor

import (
	"path/filepath"
	"testing"
)

func TestCompletionPlaces(t *testing.T) {
	t.Parallel()
	getenv := newSessions(t, "HOME=/h", "FPATH=/a"+string(filepath.ListSeparator)+"/b", "ZDOTDIR=/z").Getenv
	tests := []struct {
		name, shell, first, last string
	}{
		{"bash", "bash", "/h/.bashrc", "/opt/homebrew/etc/bash_completion.d/lamina"},
		{"zsh", "zsh", "/z/.zshrc", "/b/_lamina"},
		{"fish", "fish", "/h/.config/fish/completions/lamina.fish", "/usr/local/share/fish/vendor_completions.d/lamina.fish"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			places, isKnown := completionPlaces(tt.shell, getenv)
			if !isKnown || len(places) == 0 {
				t.Fatalf("got %v, %v, want places", places, isKnown)
			}
			if got := filepath.ToSlash(places[0].file); got != tt.first {
				t.Errorf("got %s first, want %s", got, tt.first)
			}
			if got := filepath.ToSlash(places[len(places)-1].file); got != tt.last {
				t.Errorf("got %s last, want %s", got, tt.last)
			}
		})
	}
	if places, isKnown := completionPlaces("nu", getenv); isKnown {
		t.Errorf("got %v for nu, want none", places)
	}
}

func TestEnablingFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		text     string // of the file; empty: there is none
		isScript bool
		enables  bool
	}{
		{"startup file that loads the script", "source <(lamina completion bash)\n", false, true},
		{"unrelated startup file", "set x 1\n", false, false},
		{"script", "# completion\n", true, true},
		{"missing script", "", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file, want := filepath.Join(t.TempDir(), "file"), ""
			if tt.text != "" {
				write(t, file, tt.text, 0o600)
			}
			if tt.enables {
				want = file
			}
			if got := enablingFile("bash", newSessions(t).Getenv, []completionPlace{{file, tt.isScript}}); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestCheckCompletion(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write(t, filepath.Join(home, ".bashrc"), "source <(lamina completion bash)\n", 0o600)
	expect(t, checkCompletion(t.Context(), examine(t, newSessions(t, "HOME="+home, "SHELL=/bin/bash"))), OK, ".bashrc")
	expect(t, checkCompletion(t.Context(), examine(t, newSessions(t, "HOME="+home, "SHELL=/bin/zsh"))), Warning, "zsh does not complete")
	write(t, filepath.Join(home, ".zfunc", "_lamina"), "# zsh completion for lamina\n", 0o600)
	expect(t, checkCompletion(t.Context(), examine(t, newSessions(t, "HOME="+home, "SHELL=/bin/zsh"))), Warning, "zsh does not complete")
	write(t, filepath.Join(home, ".zshrc"), "fpath=(~/.zfunc $fpath)\n", 0o600)
	expect(t, checkCompletion(t.Context(), examine(t, newSessions(t, "HOME="+home, "SHELL=/bin/zsh"))), OK, ".zshrc")
	script := filepath.Join(home, ".local/share/bash-completion/completions/lamina")
	write(t, script, "# bash completion for lamina\n", 0o600)
	write(t, filepath.Join(home, ".bashrc"), ". '"+script+"'\n", 0o600)
	expect(t, checkCompletion(t.Context(), examine(t, newSessions(t, "HOME="+home, "SHELL=/bin/bash"))), OK, ".bashrc")
	expect(t, checkCompletion(t.Context(), examine(t, newSessions(t, "HOME="+home, "SHELL=/bin/nu"))), Skipped, "not bash, zsh or fish")
}
