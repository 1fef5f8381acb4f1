package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/output"
)

// Build says which build of the program this is.
type Build struct {
	Version string
	Commit  string
	Date    string
}

// complete fills what the release build did not set from what the Go tool recorded.
func (b Build) complete() Build {
	if b.Version != "" {
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

// String is the version on one line.
func (b Build) String() string {
	line := "lamina " + b.Version
	if b.Commit != "" {
		line += fmt.Sprintf(" (%.12s %s)", b.Commit, b.Date)
	}
	return line
}

// platformName is the system and the processor that this was built for.
func platformName() string { return runtime.GOOS + "/" + runtime.GOARCH }

// userAgent names this program to a service.
func (e *Env) userAgent() string { return "lamina/" + e.Build.Version + " (" + platformName() + ")" }

func newVersionCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this program",
		Example: "lamina version\nlamina version --jq .cli",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			value := map[string]string{
				"cli": env.Build.Version, "commit": env.Build.Commit, "date": env.Build.Date,
				"go": runtime.Version(), "platform": platformName(),
			}
			return env.print(value, func(p *output.Page) {
				p.Line("%s", env.Build.String())
				p.Line("%s %s", runtime.Version(), platformName())
			})
		},
	}
}
