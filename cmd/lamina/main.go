// Lamina is the command line of uselamina.ai.
package main

import (
	"context"
	"os"

	"github.com/uselamina/lamina/internal/cli"
)

// Set by the release build; otherwise the build information of the Go tool is used.
var version, commit, date string

func main() {
	env := cli.System(version, commit, date)
	os.Exit(cli.Main(context.Background(), env, os.Args[1:]))
}
