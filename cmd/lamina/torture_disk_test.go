//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Disks that are really full and really slow, as far as the machine lets us make them.

// ownDisk puts the configuration on a small file system of its own, which ends with the test.
func (v *victim) ownDisk(options string) {
	v.t.Helper()
	folder := filepath.Dir(v.path())
	document, err := os.ReadFile(v.path())
	if err != nil {
		v.t.Fatal(err)
	}
	err = syscall.Mount("tmpfs", folder, "tmpfs", 0, "mode=700,"+options)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		v.t.Skip("needs the right to mount: run it as root, or with unshare -Urm go test ./cmd/lamina -run TortureFullFileSystem")
	}
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	if err := os.WriteFile(v.path(), document, 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// fill takes the room of the disk but for some pages, and its names but for some files.
func (v *victim) fill(pages, names int) {
	v.t.Helper()
	folder := filepath.Dir(v.path())
	var state syscall.Statfs_t
	if err := syscall.Statfs(folder, &state); err != nil {
		v.t.Fatal(err)
	}
	room := (int64(state.Bfree) - int64(pages)) * int64(state.Bsize) //nolint:unconvert // an int32 on some machines
	if err := os.WriteFile(filepath.Join(folder, "filler"), make([]byte, max(0, room)), 0o600); err != nil {
		v.t.Fatal(err)
	}
	for left := int(state.Ffree) - 1; left > names; left-- {
		if err := os.WriteFile(filepath.Join(folder, "name-"+strings.Repeat("x", left)), nil, 0o600); err != nil {
			v.t.Fatal(err)
		}
	}
}

func (v *victim) makeRoom() {
	v.t.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(v.path()), "name-*"))
	for _, name := range append(found, filepath.Join(filepath.Dir(v.path()), "filler")) {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// A file system without room, without names, or with so little of them that it is full in the middle of a refresh:
// either all of it works, or nothing is spent, and the message names the file.
func TestTortureFullFileSystem(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	v.ownDisk("size=256k,nr_inodes=40")
	v.expire()
	v.wantAllFine(v.parallel(1, "whoami"))        // makes the lock files, which have no content
	worked, rounds := 0, min(tortureRounds(), 20) // they hardly differ
	for range rounds {
		for free := range 8 {
			for _, of := range []struct {
				what         string
				pages, names int
			}{{"pages", free, 30}, {"names", 30, free}} {
				v.expire()
				v.fill(of.pages, of.names)
				before := v.refreshToken()
				e := v.run(v.command("whoami"))
				asked, answered := v.refreshes()
				switch after := v.refreshToken(); {
				case e.status == 0 && asked == 1 && answered == 1 && after != before:
					worked++
				case e.status == 1 && asked == 0 && after == before && strings.Contains(e.stderr, ".json cannot be written"):
				default:
					t.Errorf("%d %s left: status %d after %d refreshes, stored: %v: %s", free, of.what, e.status, asked, after != before, e.stderr)
				}
				v.makeRoom()
				v.wantAllFine(v.parallel(1, "whoami"))
				if t.Failed() {
					return
				}
			}
		}
	}
	if worked == 0 || worked == 16*rounds {
		t.Errorf("%d of %d refreshes worked: the disk was never full, or always", worked, 16*rounds)
	}
}

// A disk on which each fsync and each rename takes a quarter of a second.
func TestTortureSlowSync(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace, which delays the calls: apt-get install strace")
	}
	slowly := []string{
		strace, "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,renameat,renameat2",
		"-e", "inject=fsync,renameat,renameat2:delay_enter=250000",
	}
	if out, err := exec.Command(slowly[0], append(slowly[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %s", out)
	}
	v := newVictim(t)
	slow := func(v *victim, args ...string) *exec.Cmd {
		cmd := v.command(args...)
		cmd.Path, cmd.Args = strace, append(append([]string{}, slowly...), cmd.Args...)
		return cmd
	}
	for range min(tortureRounds(), 10) { // each takes seconds
		v.expire()
		v.wantAllFine(v.inParallel(12, func() *exec.Cmd { return slow(v, "whoami") }))
		v.wantRefreshes(1)
	}
}
