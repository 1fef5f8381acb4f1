package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mount mounts a file system in memory until the end of the test.
func mount(t testing.TB, folder, options string) {
	t.Helper()
	err := syscall.Mount("tmpfs", folder, "tmpfs", 0, options)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("needs permission to mount: run it as root, or with unshare -Urm go test ./cmd/lamina -run FullFileSystem")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
}

// writeFiller writes a file that leaves so many free pages on the file system of a folder. It returns the path of the file, and the number
// of free inodes that there were.
func writeFiller(t testing.TB, folder string, pages int) (path string, inodes int) {
	t.Helper()
	var state syscall.Statfs_t
	if err := syscall.Statfs(folder, &state); err != nil {
		t.Fatal(err)
	}
	room := (int64(state.Bfree) - int64(pages)) * int64(state.Bsize) //nolint:unconvert // an int32 on some machines
	path = filepath.Join(folder, "filler")
	if err := os.WriteFile(path, make([]byte, max(0, room)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, int(state.Ffree)
}

// mountDisk moves the configuration to a small file system, which is unmounted at the end of the test.
func (u *signedInUser) mountDisk(options string) {
	u.t.Helper()
	folder := filepath.Dir(u.configPath())
	files := map[string][]byte{u.configPath(): nil, u.profilesPath(): nil}
	for path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			u.t.Fatal(err)
		}
		files[path] = raw
	}
	mount(u.t, folder, "mode=700,"+options)
	for path, raw := range files {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			u.t.Fatal(err)
		}
	}
}

// fillDisk leaves so many free pages and so many free inodes on the file system.
func (u *signedInUser) fillDisk(pages, inodes int) {
	u.t.Helper()
	folder := filepath.Dir(u.configPath())
	_, free := writeFiller(u.t, folder, pages)
	for left := free - 1; left > inodes; left-- {
		if err := os.WriteFile(filepath.Join(folder, "name-"+strings.Repeat("x", left)), nil, 0o600); err != nil {
			u.t.Fatal(err)
		}
	}
}

// freeDisk removes what fillDisk wrote.
func (u *signedInUser) freeDisk() {
	u.t.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(u.configPath()), "name-*"))
	for _, name := range append(found, filepath.Join(filepath.Dir(u.configPath()), "filler")) {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

// TestTortureFullFileSystem refreshes on a file system with room for only the first blocks or files that a refresh needs.
// Either the refresh works, or nothing is sent and the error names the file.
func TestTortureFullFileSystem(t *testing.T) {
	t.Parallel()
	user := newSignedInUser(t)
	user.mountDisk("size=256k,nr_inodes=40")
	user.expireToken()
	user.wantSuccess(user.runParallel(1, "whoami")) // makes the lock files, which stay empty
	worked, rounds := 0, min(tortureRounds(), 20)   // the rounds hardly differ
	for range rounds {
		for free := range 8 {
			for _, c := range []struct {
				name          string
				pages, inodes int
			}{{fmt.Sprint(free, " pages"), free, 30}, {fmt.Sprint(free, " inodes"), 30, free}} {
				t.Run(c.name, func(t *testing.T) {
					if user.with(t).refreshOnDisk(c.pages, c.inodes) {
						worked++
					}
				})
				if t.Failed() {
					return
				}
			}
		}
	}
	if worked == 0 || worked == 16*rounds {
		t.Errorf("got %d of %d refreshes that worked, want some: is the disk ever full, and ever not?", worked, 16*rounds)
	}
}

// refreshOnDisk refreshes with so many free pages and inodes, and reports whether that worked.
func (u *signedInUser) refreshOnDisk(pages, inodes int) (worked bool) {
	u.t.Helper()
	u.expireToken()
	u.fillDisk(pages, inodes)
	before := u.refreshToken()
	e := u.run(u.command("whoami"))
	received, granted := u.countRefreshes()
	isStored := u.refreshToken() != before
	switch {
	case e.status == 0 && received == 1 && granted == 1 && isStored:
		worked = true
	case e.status == 1 && received == 0 && !isStored && strings.Contains(e.stderr, ".json cannot be written"):
	default:
		u.t.Errorf("got exit status %d, %d refreshes, new token stored: %v, want all of a refresh or nothing: %s", e.status, received, isStored, e.stderr)
	}
	u.freeDisk()
	u.wantSuccess(u.runParallel(1, "whoami"))
	return worked
}

// TestTortureSlowSync refreshes on a disk on which each fsync and each rename takes a quarter of a second.
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
	u := newSignedInUser(t)
	for range min(tortureRounds(), 10) { // each takes seconds
		u.expireToken()
		u.wantSuccess(u.runAll(12, func() *exec.Cmd {
			cmd := u.command("whoami")
			cmd.Path, cmd.Args = strace, append(append([]string{}, slowly...), cmd.Args...)
			return cmd
		}))
		u.wantRefreshes(1)
	}
}
