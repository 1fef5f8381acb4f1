package term

import (
	"os/exec"
	"runtime"
	"strings"
)

// WhichBrowser returns the program with which OpenBrowser would show a page. Errors: what keeps the program that
// BROWSER names from being found; exec.ErrNotFound where the system has none that is known.
func WhichBrowser(getenv func(string) string) (string, error) {
	return whichBrowser(getenv, runtime.GOOS, exec.LookPath)
}

func whichBrowser(getenv func(string) string, system string, find func(string) (string, error)) (string, error) {
	if command := strings.Fields(getenv("BROWSER")); len(command) > 0 {
		return find(command[0])
	}
	switch system {
	case "windows":
		return "the default browser of Windows", nil
	case "darwin":
		return find("open")
	}
	for _, opener := range []string{"xdg-open", "x-www-browser", "www-browser"} { // as pkg/browser tries them
		if path, err := find(opener); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
