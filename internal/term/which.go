package term

import (
	"os/exec"
	"runtime"
	"strings"
)

// WhichBrowser returns the program that OpenBrowser would start. It returns an error if the program that BROWSER names is not
// found, and exec.ErrNotFound if the system has no known program.
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
	for _, opener := range []string{"xdg-open", "x-www-browser", "www-browser"} { // in the order of pkg/browser
		if path, err := find(opener); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
