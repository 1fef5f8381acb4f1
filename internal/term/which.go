package term

import (
	"fmt"
	"os/exec"
	"runtime"
)

// WhichBrowser returns the program that OpenBrowser would start first. It returns an error if no program of BROWSER is found, and
// exec.ErrNotFound if the system has no known program.
func WhichBrowser(getenv func(string) string) (string, error) {
	return whichBrowser(getenv, runtime.GOOS, exec.LookPath)
}

func whichBrowser(getenv func(string) string, system string, find func(string) (string, error)) (string, error) {
	programs, err := findBrowsers(getenv, system, find)
	switch {
	case err != nil:
		return "", err
	case len(programs) == 0:
		return "the default browser of Windows", nil
	}
	return programs[0].words[0], nil
}

// findBrowsers returns the installed programs that can open a page, in the order in which they are tried: those of BROWSER, else the
// system's. On Windows, it returns none for the system's browser.
func findBrowsers(getenv func(string) string, system string, find func(string) (string, error)) ([]browserCommand, error) {
	if commands := browserCommands(getenv("BROWSER")); len(commands) > 0 {
		return installed(commands, find)
	}
	switch system {
	case "windows":
		return nil, nil
	case "darwin":
		return installed([]browserCommand{{words: []string{"open"}}}, find)
	}
	var names []string
	if getenv("WSL_DISTRO_NAME") != "" {
		names = append(names, "wslview")
	}
	if getenv("TERMUX_VERSION") != "" {
		names = append(names, "termux-open-url")
	}
	var commands []browserCommand
	for _, name := range append(names, "xdg-open", "x-www-browser", "www-browser") { // the last three in the order of pkg/browser
		commands = append(commands, browserCommand{words: []string{name}})
	}
	found, err := installed(commands, find)
	if err != nil {
		return nil, fmt.Errorf("could not find a browser: %w", exec.ErrNotFound)
	}
	return found[:1], nil
}

// installed returns the commands with a program that is found, with its path. A command may be the path of a program with spaces, without
// quotes. If none is found, it returns the error of the first one.
func installed(commands []browserCommand, find func(string) (string, error)) ([]browserCommand, error) {
	var all []browserCommand
	var first error
	for _, c := range commands {
		path, err := find(c.words[0])
		if err != nil && len(c.words) > 1 {
			if whole, wholeErr := find(c.raw); wholeErr == nil {
				path, err, c.words = whole, nil, c.words[:1]
			}
		}
		if err == nil {
			all = append(all, browserCommand{c.raw, append([]string{path}, c.words[1:]...)})
		} else if first == nil {
			first = err
		}
	}
	if len(all) == 0 {
		return nil, first
	}
	return all, nil
}
