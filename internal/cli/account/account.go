// Package account holds the commands for signing in and out, and for looking at and managing credentials: login, logout, whoami,
// auth and profile.
package account

import (
	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
)

// NewAuth returns the command auth.
func NewAuth(env *cmdutil.Env) *cobra.Command {
	login, logout := NewLogin(env), NewLogout(env)
	login.Short, logout.Short = "Sign in: the same as lamina login", "Sign out: the same as lamina logout"
	return cmdutil.NewNoun("auth", "See the credential in detail, and print a token for scripts",
		newStatus(env), newToken(env), newMove(env), newRotate(env), newScan(env), login, logout)
}
