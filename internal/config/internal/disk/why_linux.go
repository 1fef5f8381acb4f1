package disk

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// WhyUnwritable names the state of a file or of its folder that explains why a write failed: "" if none does.
func WhyUnwritable(path string, _ error) string {
	for _, at := range []struct{ path, what string }{{path, ""}, {filepath.Dir(path), "in a folder that is "}} {
		var stat unix.Statx_t
		var mount unix.Statfs_t
		switch {
		case unix.Statx(unix.AT_FDCWD, at.path, 0, unix.STATX_BASIC_STATS, &stat) != nil:
			continue
		case stat.Attributes&unix.STATX_ATTR_IMMUTABLE != 0:
			return at.what + "immutable, see chattr"
		case stat.Attributes&unix.STATX_ATTR_APPEND != 0:
			return at.what + "append-only, see chattr"
		case unix.Statfs(at.path, &mount) == nil && mount.Flags&unix.ST_RDONLY != 0:
			return "on a read-only mount"
		}
	}
	return ""
}
