package cmdutil

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build identifies a build of the program.
type Build struct {
	Version string
	Commit  string
	Date    string
	// IsRelease reports whether the release build set the version.
	IsRelease bool
}

// Complete fills in what the release build did not set, from the build information of the Go tool.
func (b Build) Complete() Build {
	if b.Version != "" {
		b.IsRelease = true
		return b
	}
	b.Version = "dev"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		}
	}
	return b
}

// String returns the version on one line.
func (b Build) String() string {
	line := "lamina " + b.Version
	if b.Commit != "" {
		line += fmt.Sprintf(" (%.12s %s)", b.Commit, b.Date)
	}
	return line
}

// Platform returns the operating system and the architecture of the build.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }
