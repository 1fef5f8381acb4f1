// Package completion knows where shells find completion scripts, and installs them.
package completion

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Bash is the completion script for bash. It needs no package.
//
//go:embed lamina.bash
var Bash string

// mark is in every completion script of this program.
const mark = "completion for lamina"

// Shells lists the shells for which there is a script.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Shell returns the name of the user's shell: the one that started this process if that is known, else the one of SHELL.
func Shell(getenv func(string) string) string {
	parent, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", os.Getppid()))
	if name := known(strings.TrimSpace(string(parent))); err == nil && name != "" {
		return name
	}
	name := filepath.Base(getenv("SHELL"))
	if getenv("SHELL") == "" && getenv("PSModulePath") != "" {
		name = "powershell"
	}
	return cmp.Or(known(name), name)
}

// known returns the shell with the given name of a program; "" if there is no script for it.
func known(program string) string {
	if program == "pwsh" {
		return "powershell"
	}
	for _, name := range Shells() {
		if program == name {
			return name
		}
	}
	return ""
}

// File returns the file in which Install keeps the script of a shell; "" if there is no script for the shell.
func File(shell string, getenv func(string) string) string {
	home := cmp.Or(getenv("HOME"), getenv("USERPROFILE"))
	config := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	data := cmp.Or(getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))
	switch shell {
	case "bash":
		return filepath.Join(cmp.Or(getenv("BASH_COMPLETION_USER_DIR"), filepath.Join(data, "bash-completion")), "completions", "lamina")
	case "zsh":
		return filepath.Join(cmp.Or(getenv("ZDOTDIR"), home), ".zfunc", "_lamina")
	case "fish":
		return filepath.Join(config, "fish", "completions", "lamina.fish")
	case "powershell":
		return filepath.Join(config, "powershell", "lamina.ps1")
	}
	return ""
}

// Install writes a script to file, and reports whether that changed the file. It creates missing folders, and does not replace a
// file that is no completion script of this program.
func Install(file string, write func(io.Writer) error) (changed bool, err error) {
	var script bytes.Buffer
	if err := write(&script); err != nil {
		return false, err
	}
	old, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(old, script.Bytes()):
		return false, nil
	case err == nil && !bytes.Contains(old, []byte(mark)):
		return false, fmt.Errorf("%s exists and is not a completion script of lamina; it was not changed", file)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // shells refuse nothing here, and it holds no secret
		return false, err
	}
	return true, os.WriteFile(file, script.Bytes(), 0o644) //nolint:gosec // a public script
}

// Next says what the user does to use an installed script. It asks exists for files of the system.
func Next(shell, file string, getenv func(string) string, exists func(string) bool) string {
	quoted := "'" + strings.ReplaceAll(file, "'", `'\\''`) + "'"
	switch shell {
	case "bash":
		if HasBashCompletion(exists) {
			return "Open a new shell to use it."
		}
		return "The package bash-completion, which loads the script, was not found. Load it by this line in ~/.bashrc:\n\n  . " + quoted
	case "zsh":
		startup := filepath.Join(cmp.Or(getenv("ZDOTDIR"), getenv("HOME")), ".zshrc")
		if text, err := os.ReadFile(startup); err == nil && strings.Contains(string(text), ".zfunc") {
			return "Open a new shell to use it."
		}
		return "Have zsh find it by these lines in " + startup + ":\n\n  fpath=('" + filepath.Dir(file) + "' $fpath)\n  autoload -Uz compinit && compinit"
	case "powershell":
		return "Load it by this line in the file that $PROFILE names:\n\n  . '" + strings.ReplaceAll(file, "'", "''") + "'"
	}
	return "fish uses it from now on."
}

// Exists reports whether there is a file.
func Exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// HasBashCompletion reports whether the package bash-completion is installed.
func HasBashCompletion(exists func(string) bool) bool {
	for _, prefix := range []string{"/usr", "/usr/local", "/opt/homebrew", "/opt/local"} {
		if exists(prefix + "/share/bash-completion/bash_completion") {
			return true
		}
	}
	return false
}
