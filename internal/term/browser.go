package term

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/pkg/browser"
)

// NoBrowser returns the reason why a browser cannot be opened on this machine for the user, or "" if it probably can.
func NoBrowser(getenv func(string) string) string {
	return noBrowser(getenv, runtime.GOOS, inContainer())
}

func noBrowser(getenv func(string) string, system string, container bool) string {
	switch {
	case getenv("BROWSER") == "none":
		return "BROWSER is set to none"
	case getenv("BROWSER") != "":
		return ""
	case getenv("SSH_CONNECTION") != "" || getenv("SSH_TTY") != "" || getenv("SSH_CLIENT") != "":
		return "this is an SSH session"
	case container:
		return "this is a container"
	case system == "linux" && getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" && getenv("WSL_DISTRO_NAME") == "":
		return "there is no display"
	}
	return ""
}

func inContainer() bool {
	if runtime.GOOS != "linux" {
		return false
	}
	for _, marker := range []string{"/.dockerenv", "/run/.containerenv"} { // of Docker and Podman
		if _, err := os.Stat(marker); err == nil {
			return true
		}
	}
	return false
}

// OpenBrowser opens a URL in the program that BROWSER names, or else in the system's browser. The program does not inherit
// API keys from the environment.
func OpenBrowser(url string, getenv func(string) string) error {
	command := strings.Fields(getenv("BROWSER"))
	if len(command) == 0 && runtime.GOOS == "windows" {
		return browser.OpenURL(url) // uses the shell, which knows the default browser
	}
	if len(command) == 0 {
		program, err := WhichBrowser(getenv)
		if err != nil {
			return fmt.Errorf("could not find a browser: %w", err)
		}
		command = []string{program}
	}
	cmd := exec.Command(command[0], append(command[1:], url)...) //nolint:gosec,noctx // the user's browser, which runs longer than this process
	cmd.Env = slices.DeleteFunc(os.Environ(), func(setting string) bool {
		name, _, _ := strings.Cut(setting, "=")
		return strings.HasSuffix(name, "_API_KEY")
	})
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("could not start the browser: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
