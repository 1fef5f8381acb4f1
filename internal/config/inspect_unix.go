//go:build !windows

package config

import (
	"io/fs"
	"os"
	"syscall"
)

func isMine(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return !ok || os.Geteuid() == 0 || int(owner.Uid) == os.Geteuid()
}
