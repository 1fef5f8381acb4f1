package term

import (
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/pkg/browser"

	"github.com/uselamina/lamina/internal/child"
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
	case system == "linux" && getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" && !opensElsewhere(getenv):
		return "there is no display"
	}
	return ""
}

// opensElsewhere reports whether Linux runs inside of Windows (WSL) or Android (Termux), where pages open without a display.
func opensElsewhere(getenv func(string) string) bool {
	return getenv("WSL_DISTRO_NAME") != "" || getenv("TERMUX_VERSION") != ""
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

// browserPatience is the time in which a browser that cannot show a page usually says so with its exit status.
const browserPatience = 5 * time.Second

// OpenBrowser opens a URL in the program that BROWSER names, or else in the system's browser. It tries the commands of BROWSER in
// order. The program gets environ as its environment, and outlives this process. OpenBrowser waits up to 5 seconds for a failure.
// Errors name programs, never the URL.
func OpenBrowser(url string, getenv func(string) string, environ []string) error {
	programs, err := findBrowsers(getenv, runtime.GOOS, exec.LookPath)
	if len(programs) == 0 && err == nil {
		return browser.OpenURL(url) // Windows knows the default browser; it gets the environment of this process
	}
	for _, program := range programs {
		var p *child.Process
		if p, err = child.Start(environ, program.withURL(url)...); err == nil {
			err = p.Settle(browserPatience)
		}
		if err == nil {
			return nil
		}
	}
	return err
}
