package config

import "io/fs"

// isMine believes it: on Windows the profile folder's access list decides.
func isMine(fs.FileInfo) bool { return true }
