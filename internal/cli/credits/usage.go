// Package credits holds the command that shows credits and limits.
package credits

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

// NewUsage returns the command usage.
func NewUsage(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "usage",
		Short:   "Show the credits of the workspace and the rate limit",
		Example: "lamina usage\nlamina usage --jq .data.credits.balance",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return showUsage(cmd, env) },
	}
}

func showUsage(cmd *cobra.Command, env *cmdutil.Env) error {
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	reply, err := client.Usage(cmd.Context())
	if err != nil {
		return err
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) { writeUsage(p, reply.Data) })
}

func writeUsage(p *output.Page, u api.Usage) {
	if u == (api.Usage{}) {
		p.Line("The service names no credits and no rate limit.")
		return
	}
	p.Fields("credits", number(u.Credits.Balance), "spent", number(u.Credits.TotalSpent), "earned", number(u.Credits.TotalEarned),
		"rate limit", rateLimit(u))
}

// number returns a number as text; "" if the service did not send it.
func number(n loose.Number) string {
	if !n.IsSet {
		return ""
	}
	return output.Number(n.Value)
}

func rateLimit(u api.Usage) string {
	limit, window := u.RateLimit.Limit, u.RateLimit.WindowMs
	switch {
	case !limit.IsSet:
		return ""
	case limit.Value == 0:
		return "none"
	case window.Value == 60_000:
		return number(limit) + " requests a minute"
	case window.IsSet:
		return fmt.Sprintf("%s requests in %s seconds", number(limit), output.Number(window.Value/1000))
	}
	return number(limit) + " requests"
}
