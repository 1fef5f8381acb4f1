//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestTortureSlowDisk refreshes while other writers sync all the time, which slows a real disk down. A file system in
// memory is hardly affected; TestTortureSlowSync delays the calls themselves.
func TestTortureSlowDisk(t *testing.T) {
	t.Parallel()
	u := newSignedInUser(t)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			f, err := os.Create(filepath.Join(u.home, fmt.Sprintf("busy-%d", i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for block := make([]byte, 1<<20); ctx.Err() == nil; {
				_, _ = f.WriteAt(block, 0)
				_ = f.Sync()
			}
		})
	}
	for range tortureRounds() {
		u.expireToken()
		u.wantSuccess(u.runParallel(16, "whoami"))
		u.wantRefreshes(1)
	}
	stop()
	writers.Wait()
}

// TestTortureFullDisk limits the size of files, so that a write fails as on a full disk. Nothing is sent, the session is
// kept, and the error names the file.
func TestTortureFullDisk(t *testing.T) {
	t.Parallel()
	user := newSignedInUser(t)
	for _, blocks := range []string{"0", "1", "2"} {
		t.Run(blocks+" blocks", func(t *testing.T) {
			u := user.with(t)
			u.expireToken()
			before := u.refreshToken()
			cmd := u.command()
			cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "ulimit -f " + blocks + "; exec lamina whoami"}
			if e := u.run(cmd); e.status != 1 || !strings.Contains(e.stderr, ".json cannot be written") {
				t.Errorf("got exit status %d and %q, want 1 and the file that cannot be written", e.status, e.stderr)
			}
			u.wantRefreshes(0)
			if u.refreshToken() != before {
				t.Error("got another refresh token in the configuration, want the old one")
			}
		})
	}
	user.wantSuccess(user.runParallel(1, "whoami"))
}
