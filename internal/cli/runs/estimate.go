package runs

import (
	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/output"
)

// showEstimate shows what a run of the app costs. If that is above the limit, the command fails as the run would.
func (o *runOptions) showEstimate(cmd *cobra.Command) error {
	env := o.env
	if err := o.spending.Read(cmd.Flags(), env); err != nil {
		return err
	}
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	_, id, err := appinfo.Get(cmd.Context(), env, client, o.appID)
	if err != nil {
		return complete.SuggestApp(cmd.Context(), env, o.appID, func(id string) string { return runAgain(env, o.appID, id) }, err)
	}
	reply, err := client.Estimate(cmd.Context(), id)
	if err != nil {
		return err
	}
	if err := o.spending.CheckEstimate(env, reply.Data); err != nil {
		return err
	}
	return env.Printer.Data(reply.Raw, func(p *output.Page) { appinfo.WriteEstimate(p, reply.Data) })
}
