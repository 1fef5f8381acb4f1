package runinfo

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

// notifyOption is the value of --notify: the length of a wait from which its end is notified. It is a duration, or on or off.
type notifyOption struct {
	text  string
	after time.Duration
	isOn  bool
}

func (n *notifyOption) add(f *pflag.FlagSet) {
	f.Var(n, "notify", "ring the bell of the terminal, and show a notification, when a wait of 10s or more ends; --notify=30s changes the length")
	f.Lookup("notify").NoOptDefVal = "on"
}

// Set implements pflag.Value.
func (n *notifyOption) Set(text string) (err error) {
	n.after, n.isOn, err = session.ParseNotify(text)
	n.text = text
	return err
}

// String implements pflag.Value.
func (n *notifyOption) String() string { return n.text }

// Type implements pflag.Value. The flag is shown like one without a value.
func (n *notifyOption) Type() string { return "bool" }

// announce notifies the user of the end of a wait that began at a time, if it was long. Nothing of the service is in the notification.
func (n *notifyOption) announce(env *cmdutil.Env, began time.Time, err error) {
	option := *n
	if option.text == "" {
		_ = option.Set(env.Sessions.StoredSetting(session.SettingNotify))
	}
	text := describeEnd(err)
	if !option.isOn || env.InCI() || text == "" || env.Now().Sub(began) < option.after {
		return
	}
	env.Streams.Notify("lamina: "+text, env.Getenv)
}

// describeEnd says how a wait ended; "" if the user ended it.
func describeEnd(err error) string {
	if err == nil {
		return "the run completed"
	}
	var f *fail.Error
	if !errors.As(err, &f) {
		return "the wait failed"
	}
	switch f.Code {
	case fail.Interrupted:
		return ""
	case fail.RunFailed:
		return "the run failed"
	case fail.RunCancelled:
		return "the run was cancelled"
	case fail.StillRunning:
		return "the run still runs, and the waiting time is over"
	}
	return "the wait failed"
}
