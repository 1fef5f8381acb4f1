package doctor

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/completion"
)

// maxStartupFile is how much of a shell's startup file is searched, in bytes.
const maxStartupFile = 1 << 20

// checkCompletion looks for a completion script in the places where shells find them.
func checkCompletion(_ context.Context, e *examination) Finding {
	shell := completion.Shell(e.sessions.Getenv)
	places, isKnown := completionPlaces(shell, e.sessions.Getenv)
	if !isKnown {
		return skip("the shell is not bash, zsh or fish")
	}
	if shell == "bash" && !completion.HasBashCompletion(completion.Exists) { // which loads the scripts
		places = slices.DeleteFunc(places, func(p completionPlace) bool { return p.isScript })
	}
	if file := enablingFile(shell, e.sessions.Getenv, places); file != "" {
		return ok("%s completes commands: %s", shell, file)
	}
	return warn("lamina completion install", "%s does not complete commands", shell)
}

// enablingFile returns the first file that enables completion; "" if none does.
func enablingFile(shell string, getenv func(string) string, places []completionPlace) string {
	for _, place := range places {
		text, err := readStart(place.file, maxStartupFile)
		if err == nil && (place.isScript || strings.Contains(text, "lamina completion") || loads(shell, getenv, text)) {
			return place.file
		}
	}
	return ""
}

// loads reports whether the script that `lamina completion install` writes exists, and a startup file names it or, for zsh, its folder.
func loads(shell string, getenv func(string) string, startup string) bool {
	file := completion.File(shell, getenv)
	named := file
	if shell == "zsh" {
		named = filepath.Base(filepath.Dir(file))
	}
	return completion.Exists(file) && strings.Contains(startup, named)
}

// A completionPlace is a file that may enable completion.
type completionPlace struct {
	file     string
	isScript bool // the file is the completion script itself; else it is a startup file that may load one
}

// completionPlaces lists the files that may enable completion in a shell, and reports whether the shell is supported.
func completionPlaces(shell string, getenv func(string) string) (places []completionPlace, isKnown bool) {
	home := getenv("HOME")
	config := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	startup := func(path ...string) { places = append(places, completionPlace{filepath.Join(path...), false}) }
	script := func(path ...string) { places = append(places, completionPlace{filepath.Join(path...), true}) }
	switch shell {
	case "bash":
		startup(home, ".bashrc")
		startup(home, ".bash_profile")
		startup(home, ".bash_completion")
		script(completion.File("bash", getenv))
		script("/usr/share/bash-completion/completions/lamina")
		script("/etc/bash_completion.d/lamina")
		script("/usr/local/etc/bash_completion.d/lamina")
		script("/opt/homebrew/etc/bash_completion.d/lamina")
	case "zsh":
		startup(cmp.Or(getenv("ZDOTDIR"), home), ".zshrc")
		script("/usr/share/zsh/vendor-completions/_lamina")
		script("/usr/share/zsh/site-functions/_lamina")
		script("/usr/local/share/zsh/site-functions/_lamina")
		script("/opt/homebrew/share/zsh/site-functions/_lamina")
		for _, dir := range filepath.SplitList(getenv("FPATH")) {
			script(dir, "_lamina")
		}
	case "fish":
		script(config, "fish/completions/lamina.fish")
		startup(config, "fish/config.fish")
		script("/usr/share/fish/vendor_completions.d/lamina.fish")
		script("/usr/local/share/fish/vendor_completions.d/lamina.fish")
	default:
		return nil, false
	}
	return places, true
}
