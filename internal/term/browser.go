package term

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/pkg/browser"
)

// NoBrowser returns why no browser can be opened here for the person at the keyboard, or "" if one probably can.
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
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}

// OpenBrowser shows a URL in the program that BROWSER names, or else in the system's browser.
func OpenBrowser(url string, getenv func(string) string) error {
	if command := strings.Fields(getenv("BROWSER")); len(command) > 0 {
		cmd := exec.Command(command[0], append(command[1:], url)...) //nolint:gosec,noctx // the person's browser, which outlives us
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("could not start the browser: %w", err)
		}
		go func() { _ = cmd.Wait() }()
		return nil
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	return browser.OpenURL(url)
}
