//go:build !windows

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// HasPermissionBits reports whether the mode of a file decides which users may access it.
const HasPermissionBits = true

var errModeIgnored = errors.New("the file system ignores permissions")

// noFollow makes an open fail if the file is a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// open opens a regular file. It opens no file that another user owns, not through a link of another user, and, because a pipe
// would block, no other kind of file.
func open(path string, flag int) (*os.File, error) {
	real, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(real, flag|noFollow|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := checkOpened(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func checkOpened(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	return checkOwner(path, info)
}

// openLock opens a lock file that exists, and makes it private. It follows no link, neither symbolic nor hard: the lock of a
// user could be the file of another one.
func openLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, &TrustError{Path: path, Why: "is a symbolic link", IsLink: true}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkOpened(f, path)
	}
	if err == nil && statOf(info).Nlink > 1 {
		err = &TrustError{Path: path, Why: "is a link to another file", IsLink: true}
	}
	if err == nil && info.Mode().Perm() != 0o600 {
		_ = f.Chmod(0o600)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// isOnlyMode reports whether an open failed because of the permission bits. An immutable file and a read-only mount are other
// errors.
func isOnlyMode(err error) bool { return errors.Is(err, syscall.EACCES) }

// Resolve returns the file that a path leads to. Of a symbolic link, both the link and its target must be trusted; for root,
// a link of another user must lead to a file of that user.
func Resolve(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, err
	}
	if err := checkOwner(path, info); err != nil {
		return "", err
	}
	target, err := os.Stat(path) // unlike EvalSymlinks, it returns an errno for a loop of links
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	if owner := statOf(info).Uid; owner != 0 && os.Geteuid() == 0 && statOf(target).Uid != owner {
		return "", &TrustError{Path: path, Why: "is a symbolic link of user " + userName(owner) + " to a file of user " + userName(statOf(target).Uid)}
	}
	return real, checkOwner(real, target)
}

// checkOwner returns a *TrustError for a file of an untrusted user.
func checkOwner(path string, info fs.FileInfo) error {
	if IsTrusted(info) {
		return nil
	}
	return &TrustError{Path: path, Why: "belongs to user " + userName(statOf(info).Uid)}
}

func userName(uid uint32) string { return strconv.Itoa(int(uid)) }

func statOf(info fs.FileInfo) *syscall.Stat_t {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat
	}
	return &syscall.Stat_t{Uid: ^uint32(0)}
}

// CheckUnshared returns a *TrustError for a file or folder that another user owns or can write to. A sticky folder, such as
// /tmp, is shared on purpose: what is in it is checked on its own. A missing file is no error.
func CheckUnshared(path string) error {
	real, err := Resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return err
	}
	if isWritableByOthers(info) {
		return &TrustError{Path: path, Why: "can be changed by other users"}
	}
	return checkOwner(path, info)
}

// IsWritableByOthers reports whether other users have the permission to write to a file or a folder that is not sticky.
func IsWritableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && isWritableByOthers(info)
}

func isWritableByOthers(info fs.FileInfo) bool {
	return info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0
}

// MakePrivate removes the permissions of group and others from a file or folder, and reports whether there were any. A
// missing file is no error. It does not change what another user owns, nor a sticky folder, such as /tmp, which is shared on
// purpose.
func MakePrivate(path string) (wasExposed bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !IsExposed(info) || !info.Mode().IsRegular() && !info.IsDir() {
		return false, nil // reading the file reports the same error
	}
	real, err := Resolve(path)
	if err != nil || info.IsDir() && int(statOf(info).Uid) != os.Geteuid() && os.Geteuid() != 0 {
		return false, nil // reading the file reports the same error
	}
	f, err := os.OpenFile(real, os.O_RDONLY|noFollow|syscall.O_NONBLOCK, 0)
	if err != nil {
		return true, err
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil || !IsTrusted(info) || statOf(info).Nlink > 1 && !info.IsDir() {
		return true, errors.Join(err, errModeIgnored)
	}
	if err := f.Chmod(info.Mode().Perm() &^ 0o077); err != nil {
		return true, err
	}
	if info, err = f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		return true, errModeIgnored
	}
	return true, nil
}

// MakeFolder gives a folder that this process created private permissions and, if root created it, the owner of its parent.
func MakeFolder(path string) error {
	if os.Geteuid() != 0 {
		return os.Chmod(path, 0o700) //nolint:gosec // a folder needs its x bit
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	adopt(f, filepath.Dir(path))
	return f.Chmod(0o700)
}

// IsExposed reports whether other users have permissions on a file or folder that is not sticky.
func IsExposed(info fs.FileInfo) bool {
	return info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSticky == 0
}

// adopt gives a file that root created to the owner of the folder, so that its owner can still read it after `sudo lamina`.
func adopt(f *os.File, folder string) {
	if os.Geteuid() != 0 {
		return
	}
	if info, err := os.Stat(folder); err == nil && statOf(info).Uid != 0 && IsTrusted(info) {
		_ = f.Chown(int(statOf(info).Uid), int(statOf(info).Gid))
	}
}

// IsTrusted reports whether a file belongs to this user or to root. Root also trusts the user who called sudo, and
// the owner of the home folder.
func IsTrusted(info fs.FileInfo) bool {
	uid := statOf(info).Uid
	if uid == 0 || int(uid) == os.Geteuid() {
		return true
	}
	if os.Geteuid() != 0 {
		return false
	}
	home, err := os.Stat(os.Getenv("HOME")) //nolint:gosec // only its owner is looked at
	return strconv.Itoa(int(uid)) == os.Getenv("SUDO_UID") || err == nil && statOf(home).Uid == uid
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
