package cmdutil

import (
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

// WebhookURL returns the address for the webhook delivery of a run; "" means none. typed is the value of --webhook, which may be
// empty; isOff is that of --no-webhook. Without both, it is the saved address. command begins the hint of the error for another value.
func (e *Env) WebhookURL(typed string, isOff bool, command string) (string, error) {
	switch {
	case isOff, typed == "none":
		return "", nil
	case typed == "default", typed == "local":
		saved, err := e.Sessions.SavedWebhook()
		if err == nil && saved == "" {
			err = fail.Usage("name the address with --webhook URL", "there is no saved webhook address")
		}
		return saved, err
	case typed == "":
		saved, err := e.Sessions.SavedWebhook()
		if err == nil && saved != "" {
			e.Say("When the run ends, a webhook delivery is sent to %s", saved)
		}
		return saved, err
	}
	if session.CheckWebhook(typed) != nil {
		return "", fail.Usage(command+" --webhook https://example.com/hook", "--webhook must be an http or https URL, 'default' or 'none', not %q", typed)
	}
	return typed, nil
}
