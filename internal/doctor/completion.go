package doctor

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"
)

// maxStartupFile is how much of a shell's startup file is searched, in bytes.
const maxStartupFile = 1 << 20

// checkCompletion looks for a completion script in the places where shells find them.
func checkCompletion(_ context.Context, e *examination) Finding {
	shell := filepath.Base(e.sessions.Getenv("SHELL"))
	places, isKnown := completionPlaces(shell, e.sessions.Getenv)
	if !isKnown {
		return skip("the shell is not bash, zsh or fish")
	}
	if file := enablingFile(places); file != "" {
		return ok("%s completes commands: %s", shell, file)
	}
	return warn("lamina completion --help", "%s does not complete commands", shell)
}

// enablingFile returns the first file that enables completion; "" if none does.
func enablingFile(places []completionPlace) string {
	for _, place := range places {
		text, err := readStart(place.file, maxStartupFile)
		if err == nil && (place.isScript || strings.Contains(text, "lamina completion")) {
			return place.file
		}
	}
	return ""
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
	data := cmp.Or(getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))
	startup := func(path ...string) { places = append(places, completionPlace{filepath.Join(path...), false}) }
	script := func(path ...string) { places = append(places, completionPlace{filepath.Join(path...), true}) }
	switch shell {
	case "bash":
		startup(home, ".bashrc")
		startup(home, ".bash_profile")
		startup(home, ".bash_completion")
		script(data, "bash-completion/completions/lamina")
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
