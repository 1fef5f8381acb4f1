package runinfo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// A SpendingLimit is the largest number of credits that a run may cost.
type SpendingLimit struct {
	credits   float64
	isLimited bool
	source    string
	// mayBeUnknown permits a run whose cost the service does not say.
	mayBeUnknown bool
}

// Add declares the flags of a command that knows its app.
func (l *SpendingLimit) Add(f *pflag.FlagSet) {
	f.Float64Var(&l.credits, "max-credits", 0, "do not start a run that may cost more than `N` credits, or whose cost is unknown")
	l.AddUnknown(f)
}

// AddUnknown declares the flag of a command whose cost is never known before. The limit is that of the settings.
func (l *SpendingLimit) AddUnknown(f *pflag.FlagSet) {
	f.BoolVar(&l.mayBeUnknown, "allow-unknown-cost", false, "start a run although max-credits is set and the service does not say what it costs")
}

// Read takes the limit from the flag, or else from the settings.
func (l *SpendingLimit) Read(f *pflag.FlagSet, env *cmdutil.Env) error {
	if f.Changed("max-credits") {
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

// Check asks the service what a run costs, and refuses a run that may cost more than the limit. An unknown cost is refused, too, unless
// that is permitted.
func (l *SpendingLimit) Check(ctx context.Context, env *cmdutil.Env, client *api.Client, appID string) error {
	if !l.isLimited {
		return nil
	}
	estimate, err := client.Estimate(ctx, appID)
	if err != nil {
		return l.checkUnknown(env, err)
	}
	return l.CheckEstimate(env, estimate.Data)
}

// CheckEstimate is Check for an estimate of the service.
func (l *SpendingLimit) CheckEstimate(env *cmdutil.Env, estimate api.CostEstimate) error {
	most, isKnown := estimate.EstimatedCredits.Most()
	switch {
	case !l.isLimited:
		return nil
	case !isKnown:
		return l.checkUnknown(env, nil)
	case most <= l.credits:
		return nil
	}
	return &fail.Error{
		Code: fail.QuotaExceeded, Hint: "to start it anyway, add --max-credits " + output.Number(most),
		Message: fmt.Sprintf("the run may cost %s credits, and %s allows %s; no run was started",
			output.Number(most), l.source, output.Number(l.credits)),
	}
}

// CheckUnpriced refuses a command whose cost is never known before, unless there is no limit or that is permitted.
func (l *SpendingLimit) CheckUnpriced(f *pflag.FlagSet, env *cmdutil.Env) error {
	if err := l.Read(f, env); err != nil || !l.isLimited {
		return err
	}
	return l.checkUnknown(env, nil)
}

// checkUnknown refuses a run of unknown cost, unless that is permitted. cause is why the cost is unknown; nil if the service does not say
// it. A credential that is refused, or a service that is not reached, would also fail the run: then it is not permitted.
func (l *SpendingLimit) checkUnknown(env *cmdutil.Env, cause error) error {
	if l.mayBeUnknown && !endsRun(cause) {
		env.Note("the cost of the run is unknown")
		return nil
	}
	e := &fail.Error{Code: fail.QuotaExceeded, Message: fmt.Sprintf("the cost of the run is unknown, and %s limits it; no run was started", l.source)}
	if cause != nil {
		e = &fail.Error{Around: "the cost of the run is unknown, and " + l.source + " limits it: %s; no run was started", Err: cause}
	}
	if !endsRun(cause) {
		e.Hint = "to start it anyway, add --allow-unknown-cost"
	}
	return e
}

// endsRun reports whether a failed estimate means that a run would fail, too.
func endsRun(err error) bool {
	var refused *api.Error
	var unexpected *api.UnexpectedError
	switch {
	case err == nil, errors.As(err, &unexpected):
		return false
	case errors.As(err, &refused):
		return refused.Status < 500 && refused.Status != http.StatusNotFound && refused.Status != http.StatusMethodNotAllowed
	}
	return true
}
