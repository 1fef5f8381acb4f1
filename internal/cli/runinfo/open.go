package runinfo

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/provider"
)

// AddOpen declares the flag --open.
func AddOpen(f *pflag.FlagSet, open *bool, what string) {
	f.BoolVar(open, "open", false, "open "+what+" in the browser")
}

// viewed are the extensions of files that programs only show. No other file of a service is opened: the program for it may run it.
var viewed = strings.Fields(".png .jpg .jpeg .gif .webp .avif .mp4 .webm .mov .mp3 .wav .ogg .m4a .txt .json")

// OpenResult opens the first saved output that can be viewed, or else the web page of the run.
func OpenResult(env *cmdutil.Env, runID string, files []SavedFile) error {
	for _, f := range files {
		path, err := filepath.Abs(f.Path)
		if err == nil && slices.Contains(viewed, strings.ToLower(filepath.Ext(path))) {
			env.Open(path)
			return nil
		}
	}
	session, err := env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return err
	}
	address, err := session.RunPage(runID)
	if err != nil {
		return err
	}
	env.Open(address)
	return nil
}
