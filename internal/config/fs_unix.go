//go:build !windows

package config

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

const chmodMatters = true

// makePrivate takes a file's or folder's permissions away from group and others. It reports whether they had any. A
// missing file is fine. A folder shared by nature (sticky, like /tmp, or somebody else's) is left alone.
func makePrivate(path string) (wasOpen bool, err error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return false, nil //nolint:nilerr // what cannot be looked at is reported where it is read
	}
	if info.Mode()&os.ModeSticky != 0 {
		return false, nil
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && info.IsDir() && int(owner.Uid) != os.Geteuid() {
		return false, nil
	}
	mode := info.Mode().Perm() &^ 0o077
	if err := os.Chmod(path, mode); err != nil {
		return true, err
	}
	if info, err = os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return true, fmt.Errorf("the file system ignores permissions")
	}
	return true, nil
}

// adopt gives a file made by root to the owner of its folder: after `sudo lamina …` the person must still be able to
// read it.
func adopt(path, folder string) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(folder)
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		_ = os.Lchown(path, int(owner.Uid), int(owner.Gid))
	}
}

// ownedByFriend reports whether a file belongs to this user or to root.
func ownedByFriend(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && (owner.Uid == 0 || int(owner.Uid) == os.Geteuid())
}

func rename(from, to string) error { return os.Rename(from, to) }

// syncDir makes a rename last through a loss of power. Some file systems cannot; then the rename stands anyway.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return nil // a folder one may write but not read
	}
	defer func() { _ = f.Close() }()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return &FileError{Path: dir, Problem: Unwritable, Err: cause(err)}
	}
	return nil
}
