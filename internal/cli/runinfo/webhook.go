package runinfo

import (
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

// WebhookOptions say where the end of a run is delivered.
type WebhookOptions struct {
	address string
	isOff   bool
}

// Add declares the flags.
func (o *WebhookOptions) Add(f *pflag.FlagSet) {
	f.StringVar(&o.address, "webhook", "", "when the run ends, send a webhook delivery to this `URL`; 'default' is the saved address (lamina config), 'none' sends none")
	f.BoolVar(&o.isOff, "no-webhook", false, "send no webhook delivery, even if an address is saved")
}

// URL returns the address for the webhook delivery; "" means none.
func (o *WebhookOptions) URL(env *cmdutil.Env) (string, error) {
	switch {
	case o.isOff, o.address == "none":
		return "", nil
	case o.address == "default", o.address == "local":
		saved, err := env.Sessions.SavedWebhook()
		if err == nil && saved == "" {
			err = fail.Usage("name the address with --webhook URL", "there is no saved webhook address")
		}
		return saved, err
	case o.address == "":
		saved, err := env.Sessions.SavedWebhook()
		if err == nil && saved != "" {
			env.Say("When the run ends, a webhook delivery is sent to %s", saved)
		}
		return saved, err
	}
	if session.CheckWebhook(o.address) != nil {
		return "", fail.Usage("name an address such as https://example.com/hook", "--webhook must be an http or https URL, 'default' or 'none', not %q", o.address)
	}
	return o.address, nil
}
