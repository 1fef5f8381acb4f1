package content

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// startOptions are the options of a command that starts a run. `lamina run` has all of them.
type startOptions struct {
	webhook  runinfo.WebhookOptions
	wait     bool
	waiting  runinfo.WaitOptions
	saving   runinfo.SaveOptions
	spending runinfo.SpendingLimit
	flags    *pflag.FlagSet
}

// add declares the flags. addLimit declares those of the spending limit.
func (o *startOptions) add(cmd *cobra.Command, addLimit func(*runinfo.SpendingLimit, *pflag.FlagSet)) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	o.webhook.Add(f)
	f.BoolVarP(&o.wait, "wait", "w", false, "wait until the run ends")
	o.waiting.Add(f)
	o.saving.Add(f)
	addLimit(&o.spending, f)
	cmd.Flags().AddFlagSet(f)
	o.flags = f
}

func (o *startOptions) validate(cmd *cobra.Command, env *cmdutil.Env) error {
	if err := cmdutil.AtMostOne(cmd, "webhook", "no-webhook"); err != nil {
		return err
	}
	if o.saving.Where != "" && !o.wait {
		return fail.Usage("", "--download needs --wait: a run that has just started has no outputs")
	}
	if err := o.saving.Check(env); err != nil {
		return err
	}
	return o.waiting.Check()
}

// typed returns the flags that repeat the options, also for `lamina run`.
func (o *startOptions) typed() []string {
	if o.flags == nil {
		return nil
	}
	return typedFlags(o.flags)
}

// finish waits for the run of an outcome, or prints the outcome.
func (o *startOptions) finish(ctx context.Context, env *cmdutil.Env, client *api.Client, raw json.RawMessage, out api.ContentOutcome) error {
	if o.wait {
		o.waiting.Names[out.AppID] = complete.ShortName(out.AppName)
		began := env.Now()
		err := runinfo.WaitAndSave(ctx, env, client, out.RunID, o.waiting, o.saving)
		o.waiting.Announce(env, began, err)
		return err
	}
	err := env.Printer.Data(raw, startedPage(out, env.Command("runs", "wait", out.RunID)))
	if err == nil && o.saving.Open {
		err = runinfo.OpenResult(env, out.RunID, nil)
	}
	return runinfo.WithRunID(out.RunID, err)
}
