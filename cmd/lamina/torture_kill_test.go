//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestTortureKill kills a command at each step of a refresh. The next command must find a session that works after at most
// one refresh. Only SIGKILL between the rotation and the rename may lose the session, and then the error must say so.
func TestTortureKill(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signal syscall.Signal
	}{{"SIGKILL", syscall.SIGKILL}, {"SIGTERM", syscall.SIGTERM}, {"SIGINT", syscall.SIGINT}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newSignedInUser(t)
			proxy := newTokenProxy(u)
			for range tortureRounds() {
				for _, step := range []string{"start", "journal", "request", "rotated", "write", "renamed", "any"} {
					u.killAt(proxy, step, c.signal)
					if t.Failed() {
						t.Fatalf("killed at step %q", step)
					}
				}
			}
		})
	}
}

// killAt runs a command with an expired token, kills it at a step, and checks the session.
func (u *signedInUser) killAt(proxy *tokenProxy, step string, signal syscall.Signal) {
	u.t.Helper()
	u.expireToken()
	before := u.refreshToken()
	k := &killer{cmd: u.command("whoami"), signal: signal, started: make(chan struct{}), ended: make(chan struct{})}
	k.arm(u, proxy, step, before)
	if err := k.cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	close(k.started)
	_ = k.cmd.Wait()
	close(k.ended)
	k.polling.Wait()
	proxy.setHooks(nil, nil)
	time.Sleep(20 * time.Millisecond) // a request that was sent may not have arrived yet
	proxy.busy.Wait()
	u.checkAfterKill(proxy, before, signal)
}

// A killer sends a signal to a command once.
type killer struct {
	cmd     *exec.Cmd
	signal  syscall.Signal
	once    sync.Once
	started chan struct{} // closed when the command runs
	ended   chan struct{} // closed when the command has ended
	polling sync.WaitGroup
}

// arm sets up the kill at a step of the refresh of a token.
func (k *killer) arm(u *signedInUser, proxy *tokenProxy, step, token string) {
	switch step {
	case "start":
		k.killWhen(func() bool { return true })
	case "journal": // the refresh journal is written
		k.killWhen(func() bool { return u.hasFile("refresh-*.json*") })
	case "request": // the refresh has arrived
		proxy.setHooks(k.killAndPause, nil)
	case "rotated": // the service has rotated the token, and has not responded
		proxy.setHooks(nil, k.killAndPause)
	case "write": // the new tokens are in a temporary file
		rotated := make(chan struct{})
		proxy.setHooks(nil, func() { close(rotated) })
		k.killWhen(func() bool { return isClosed(rotated) && u.hasFile("config.json.tmp-*") })
	case "renamed": // the new tokens are in the configuration
		k.killWhen(func() bool {
			raw, _ := os.ReadFile(u.configPath())
			return !bytes.Contains(raw, []byte(token))
		})
	case "any":
		end := time.Now().Add(time.Duration(rand.IntN(60)) * time.Millisecond)
		k.killWhen(func() bool { return time.Now().After(end) })
	}
}

// kill sends the signal, unless it was sent before.
func (k *killer) kill() {
	k.once.Do(func() {
		<-k.started
		_ = k.cmd.Process.Signal(k.signal)
	})
}

// killAndPause is a hook of the proxy: it kills the command and lets it die before the request continues.
func (k *killer) killAndPause() {
	k.kill()
	time.Sleep(20 * time.Millisecond)
}

// killWhen kills the command as soon as a condition holds, unless the command ends first.
func (k *killer) killWhen(isReached func() bool) {
	k.polling.Go(func() {
		for ; !isReached(); time.Sleep(50 * time.Microsecond) {
			if isClosed(k.ended) {
				return
			}
		}
		k.kill()
	})
}

// isClosed reports whether a channel is closed.
func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// hasFile reports whether a file in the configuration folder matches a pattern.
func (u *signedInUser) hasFile(pattern string) bool {
	found, err := filepath.Glob(filepath.Join(u.home, ".lamina", pattern))
	return err == nil && len(found) > 0
}

// checkAfterKill runs the next command after a kill. The session works after at most one refresh or, if SIGKILL came
// between the rotation and the rename, the error says that the response was lost.
func (u *signedInUser) checkAfterKill(proxy *tokenProxy, before string, signal syscall.Signal) {
	u.t.Helper()
	e := u.run(u.command("whoami"))
	_, granted := u.countRefreshes()
	isLost := e.status == 4 && u.refreshToken() == before // had the next command refreshed, the token would be another
	switch {
	case granted != 1:
		u.t.Errorf("got %d granted refreshes for one expiry, want 1", granted)
	case isLost && signal != syscall.SIGKILL:
		u.t.Errorf("got a lost session after %s, want it kept", signal)
	case isLost && !strings.Contains(e.stderr, lostAnswer):
		u.t.Errorf("got stderr %q for a lost session, want %q", e.stderr, lostAnswer)
	case !isLost && e.status != 0:
		u.t.Errorf("next command: got exit status %d, want 0: %s", e.status, e.stderr)
	}
	if isLost {
		u.login()
		u.setAddress(proxy.URL)
	}
}
