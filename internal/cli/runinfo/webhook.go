package runinfo

import (
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
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

// NoWebhook returns the options of a request that starts no run.
func NoWebhook() WebhookOptions { return WebhookOptions{isOff: true} }

// URL returns the address for the webhook delivery; "" means none.
func (o *WebhookOptions) URL(env *cmdutil.Env) (string, error) {
	return env.WebhookURL(o.address, o.isOff, "lamina run APP")
}
