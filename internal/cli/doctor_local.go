package cli

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/term"
)

// checkLoopback4 tries the address to which a browser is sent back after a sign-in.
func checkLoopback4(ctx context.Context, _ *doctor) verdict {
	if err := tryLoopback(ctx, "tcp4", "127.0.0.1:0"); err != nil {
		return failed(codeCheckFailed, "lamina login --device", "a browser could not come back to 127.0.0.1: %v", shortCause(err))
	}
	return ok("a browser can come back to 127.0.0.1")
}

// checkLoopback6 tries the address that localhost means for some browsers.
func checkLoopback6(ctx context.Context, _ *doctor) verdict {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp6", "[::1]:0")
	if err != nil {
		return skip("there is no IPv6 on this machine; 127.0.0.1 is enough")
	}
	_ = listener.Close()
	if err := tryLoopback(ctx, "tcp6", "[::1]:0"); err != nil {
		return warn("lamina login --device", "a browser that prefers IPv6 could not come back to ::1: %v", shortCause(err))
	}
	return ok("a browser can come back to ::1")
}

// tryLoopback listens, connects to itself, and sends a byte through.
func tryLoopback(ctx context.Context, network, address string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return err
	}
	defer listener.Close()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	answered := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = conn.Write([]byte{1})
			_ = conn.Close()
		}
		answered <- err
	}()
	conn, err := new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(checkTime))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return err
	}
	return <-answered
}

// checkBrowser says what login would open.
func checkBrowser(_ context.Context, d *doctor) verdict {
	if reason := term.NoBrowser(d.env.Getenv); reason != "" {
		return warn("lamina login --device", "none can be opened here: %s; a code works from any device", reason)
	}
	program, err := term.WhichBrowser(d.env.Getenv)
	if err != nil {
		named := firstOf(d.env.Getenv("BROWSER"), "xdg-open")
		return warn("lamina login --device", "%s, which would show the sign-in, is not found; a code works from any device", term.Line(named))
	}
	return ok("login opens %s", term.Line(program))
}

// checkCompletion looks for a completion script where shells and people keep them.
func checkCompletion(_ context.Context, d *doctor) verdict {
	shell := filepath.Base(d.env.Getenv("SHELL"))
	places, known := completionPlaces(shell, d.env.Getenv)
	if !known {
		return skip("the shell is none of bash, zsh and fish")
	}
	for _, place := range places {
		raw, err := readStart(place.file)
		if err == nil && (place.ours || strings.Contains(raw, "lamina completion")) {
			return ok("%s completes commands, by %s", shell, place.file)
		}
	}
	return warn("lamina completion --help", "%s does not complete commands yet", shell)
}

// A completionPlace is a file that is a completion script of ours, or that may load one.
type completionPlace struct {
	file string
	ours bool
}

func completionPlaces(shell string, getenv func(string) string) (places []completionPlace, known bool) {
	home := getenv("HOME")
	config := firstOf(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	data := firstOf(getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))
	switch shell {
	case "bash":
		return []completionPlace{
			{filepath.Join(home, ".bashrc"), false}, {filepath.Join(home, ".bash_profile"), false}, {filepath.Join(home, ".bash_completion"), false},
			{filepath.Join(data, "bash-completion/completions/lamina"), true}, {"/usr/share/bash-completion/completions/lamina", true},
			{"/etc/bash_completion.d/lamina", true}, {"/usr/local/etc/bash_completion.d/lamina", true}, {"/opt/homebrew/etc/bash_completion.d/lamina", true},
		}, true
	case "zsh":
		places := []completionPlace{
			{filepath.Join(firstOf(getenv("ZDOTDIR"), home), ".zshrc"), false}, {"/usr/share/zsh/vendor-completions/_lamina", true},
			{"/usr/share/zsh/site-functions/_lamina", true}, {"/usr/local/share/zsh/site-functions/_lamina", true},
			{"/opt/homebrew/share/zsh/site-functions/_lamina", true},
		}
		for _, dir := range filepath.SplitList(getenv("FPATH")) {
			places = append(places, completionPlace{filepath.Join(dir, "_lamina"), true})
		}
		return places, true
	case "fish":
		return []completionPlace{
			{filepath.Join(config, "fish/completions/lamina.fish"), true}, {filepath.Join(config, "fish/config.fish"), false},
			{"/usr/share/fish/vendor_completions.d/lamina.fish", true}, {"/usr/local/share/fish/vendor_completions.d/lamina.fish", true},
		}, true
	}
	return nil, false
}

// readStart reads as much of a file as a shell's configuration is long.
func readStart(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", os.ErrInvalid
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(raw), err
}
