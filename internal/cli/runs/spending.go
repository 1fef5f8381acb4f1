package runs

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

// spendingLimit is the largest number of credits that a run may cost.
type spendingLimit struct {
	credits   float64
	isLimited bool
	source    string
}

func (l *spendingLimit) add(f *pflag.FlagSet) {
	f.Float64Var(&l.credits, "max-credits", 0, "do not start a run that may cost more than `N` credits")
}

// read takes the limit from the flag, or else from the settings.
func (l *spendingLimit) read(cmd *cobra.Command, env *cmdutil.Env) error {
	if cmd.Flags().Changed("max-credits") {
		l.isLimited, l.source = true, "--max-credits"
		if !(l.credits >= 0) {
			return fail.Usage("", "--max-credits must not be negative")
		}
		return nil
	}
	text, err := env.Sessions.CommandSetting(session.SettingMaxCredits)
	if err != nil || text == "" {
		return err
	}
	l.isLimited, l.source = true, "the setting "+session.SettingMaxCredits
	l.credits, err = strconv.ParseFloat(text, 64)
	return err
}

// check asks the service what a run costs, and refuses a run that may cost more than the limit. An unknown cost is refused too.
func (l *spendingLimit) check(ctx context.Context, client *api.Client, appID string) error {
	if !l.isLimited {
		return nil
	}
	estimate, err := client.Estimate(ctx, appID)
	if err != nil {
		return &fail.Error{Around: "the cost of the run is unknown, and " + l.source + " limits it: %s; no run was started", Err: err}
	}
	cost := estimate.Data.EstimatedCredits
	most := max(cost.Expected, cost.Max)
	if most <= l.credits {
		return nil
	}
	return &fail.Error{
		Code: fail.QuotaExceeded, Hint: fail.CommandLine("config", "list"),
		Message: fmt.Sprintf("the run may cost %g credits, and %s allows %g; no run was started", most, l.source, l.credits),
	}
}
