//go:build !windows

package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// HasPermissionBits reports whether the mode of a file decides which users may access it.
const HasPermissionBits = true

var errModeIgnored = errors.New("the file system ignores permissions")

// MakePrivate removes the permissions of group and others from a file or folder, and reports whether there were any. A
// missing file is no error. It does not change a folder that is shared on purpose: a sticky one, such as /tmp, or one of
// another user.
func MakePrivate(path string) (wasExposed bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !IsExposed(info) {
		return false, nil //nolint:nilerr // reading the file reports the same error
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && info.IsDir() && int(owner.Uid) != os.Geteuid() {
		return false, nil
	}
	if err := os.Chmod(path, info.Mode().Perm()&^0o077); err != nil {
		return true, err
	}
	if info, err = os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return true, errModeIgnored
	}
	return true, nil
}

// IsExposed reports whether other users have permissions on a file or folder that is not sticky.
func IsExposed(info fs.FileInfo) bool {
	return info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSticky == 0
}

// Adopt gives a file that root created to the owner of the folder, so that its owner can still read it after
// `sudo lamina`.
func Adopt(path, folder string) {
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

// IsTrusted reports whether a file belongs to this user or to root.
func IsTrusted(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && (owner.Uid == 0 || int(owner.Uid) == os.Geteuid())
}

// IsOwned reports whether this user owns a file, or is root.
func IsOwned(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return !ok || os.Geteuid() == 0 || int(owner.Uid) == os.Geteuid()
}

// Rename implements Disk.
func (System) Rename(from, to string) error { return os.Rename(from, to) }

// SyncDir implements Disk. Some file systems cannot flush a folder; the rename is then complete but may not survive a loss
// of power.
func (System) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return nil // a folder that may be written but not read
	}
	defer func() { _ = f.Close() }()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
