// Package cli is the program: the tree of commands, one file per noun; env.go has what commands receive; exit.go is
// where an error becomes words and an exit status.
package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/term"
)

// System returns the environment of this process.
func System(build Build) *Env {
	return &Env{
		Streams: term.System(os.Getenv),
		Getenv:  os.Getenv,
		Now:     time.Now,
		Build:   build.complete(),
		OpenBrowser: func(url string) error {
			return term.OpenBrowser(url, os.Getenv)
		},
		Folder: os.Getwd,
	}
}

// Main runs the command that args name and returns the exit status. SIGINT and SIGTERM end its context.
func Main(ctx context.Context, env *Env, args []string) int {
	env.args = append([]string{}, args...)
	root := newRoot(env)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var typed *usageError
	if errors.As(err, &typed) && typed.hint == "" {
		typed.hint = cmd.CommandPath() + " --help"
	}
	env.settle()
	return env.exit(args, err)
}

// heedSignals gives a command a context that SIGINT and SIGTERM end. It costs a thread, so only commands that may take
// a while have it.
func heedSignals(cmd *cobra.Command) (stop func()) {
	ctx, forget := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	cmd.SetContext(ctx)
	context.AfterFunc(ctx, forget) // a second Ctrl-C ends what does not heed the first
	// With a handler, a write to a closed stdout is an error instead of the end of the process.
	closed := make(chan os.Signal, 1)
	signal.Notify(closed, syscall.SIGPIPE)
	return func() {
		forget()
		signal.Stop(closed)
	}
}
