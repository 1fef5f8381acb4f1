// Package upgrade holds the command upgrade, which says how to upgrade this program.
package upgrade

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

// New returns the command upgrade.
func New(env *cmdutil.Env) *cobra.Command {
	check := false
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Show the command that upgrades this program",
		Long: "Show the command of the package manager that installed this program, which upgrades it: Homebrew, Scoop, winget, npm, pnpm,\n" +
			"dpkg, rpm or go; or the page of the releases. Nothing is changed. Only with --check a request is sent, to github.com.",
		Example: "lamina upgrade\nlamina upgrade --check\nlamina upgrade --jq .data.command",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return upgrade(cmd.Context(), env, check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "ask github.com for the latest version")
	return cmd
}

// report is what the command prints.
type report struct {
	Version string `json:"version"`
	Latest  string `json:"latest,omitempty"` // with --check
	Path    string `json:"path"`
	installation
}

func upgrade(ctx context.Context, env *cmdutil.Env, check bool) error {
	found := findFacts(env.Build)
	r := report{Version: env.Build.Version, Path: found.path, installation: detect(found)}
	if check {
		client, err := env.Sessions.HTTPClient()
		if err != nil {
			return err
		}
		if r.Latest, err = latest(ctx, client, releases); err != nil {
			return err
		}
	}
	return env.Print(r, func(p *output.Page) {
		p.Fields("version", r.Version, "latest", r.Latest, "installed by", title(r.Method), "at", r.Path, "releases", r.URL)
		switch {
		case r.Latest != "" && r.Latest == strings.TrimPrefix(r.Version, "v"):
			p.Line("\n%s", p.Good("This is the latest version."))
		case r.Command != "":
			p.Line("\n%s", p.Command(r.Command))
		}
	})
}

// title names a method for users.
func title(method string) string {
	names := map[string]string{
		"brew": "Homebrew", "scoop": "Scoop", "dpkg": "a deb package", "rpm": "an rpm package", "go": "go install",
		"source": "a build of the source", "file": "a download",
	}
	return cmp.Or(names[method], method)
}

// findFacts returns the facts about this process.
func findFacts(build cmdutil.Build) facts {
	f := facts{isRelease: build.IsRelease, exists: func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}}
	f.path, _ = os.Executable()
	if real, err := filepath.EvalSymlinks(f.path); err == nil {
		f.path = real
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		f.isModule = info.Main.Sum != ""
	}
	return f
}
