package content

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// startOptions are the options of a command that starts a run.
type startOptions struct {
	webhook runinfo.WebhookOptions
	wait    bool
	waiting runinfo.WaitOptions
	saving  runinfo.SaveOptions
}

func (o *startOptions) add(f *pflag.FlagSet) {
	o.webhook.Add(f)
	f.BoolVarP(&o.wait, "wait", "w", false, "wait until the run ends")
	o.waiting.Add(f)
	o.saving.Add(f)
}

func (o *startOptions) validate(cmd *cobra.Command, env *cmdutil.Env) error {
	if err := cmdutil.AtMostOne(cmd, "webhook", "no-webhook"); err != nil {
		return err
	}
	if (o.saving.Where != "" || o.saving.Open) && !o.wait {
		return fail.Usage("", "--download and --open need --wait: a run that has just started has no outputs")
	}
	if err := o.saving.Check(env); err != nil {
		return err
	}
	return o.waiting.Check()
}

// typed returns the flags that repeat the options. `lamina run` has them, too.
func (o *startOptions) typed() []string {
	args := o.webhook.Typed()
	if o.wait {
		args = append(args, "--wait")
	}
	if o.saving.Where != "" {
		args = append(args, "--download", o.saving.Where)
	}
	return args
}
