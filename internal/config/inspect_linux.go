package config

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// lockHolder returns the process that holds the lock of a file, from the kernel's list of locks, which names the inode. It
// returns 0 if the list does not show the process, as inside a container.
func lockHolder(info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	raw, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0
	}
	inode := fmt.Sprintf(":%d", stat.Ino)
	for line := range strings.Lines(string(raw)) {
		// 1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234567 0 EOF
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], inode) {
			continue
		}
		if pid, err := strconv.Atoi(fields[4]); err == nil && pid > 0 {
			return pid
		}
	}
	return 0
}
