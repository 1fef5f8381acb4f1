package webhook

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// status is the state of webhooks on this machine.
type status struct {
	PublicURL  string     `json:"publicUrl"` // the saved address of deliveries; empty if there is none
	Deliveries int        `json:"deliveries"`
	Newest     *time.Time `json:"newest"` // of the deliveries
	Bytes      int64      `json:"bytes"`
	Folder     string     `json:"folder"`
	Polled     bool       `json:"polled"`  // --poll continues where it ended
	Targets    []string   `json:"targets"` // without their queries, which may be secret
}

func newStatus(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show the saved address, and what is in the inbox",
		Example: "lamina webhook status\nlamina webhook status --jq .data.publicUrl",
		Args:    cmdutil.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := readStatus(env)
			if err != nil {
				return err
			}
			return env.Print(s, func(p *output.Page) { writeStatus(p, env, s) })
		},
	}
}

func writeStatus(p *output.Page, env *cmdutil.Env, s status) {
	address := s.PublicURL
	if address == "" {
		address = "none; save one with: " + env.Command("config", "set", "webhook", "URL")
	}
	newest := ""
	if s.Newest != nil {
		newest = ", newest " + output.Past(*s.Newest, env.Now())
	}
	p.Fields("address", address, "deliveries", fmt.Sprintf("%d (%s)%s", s.Deliveries, output.Bytes(s.Bytes), newest), "folder", s.Folder)
	for _, target := range s.Targets {
		p.Fields("sent on to", target)
	}
	if s.Polled {
		p.Line("listen --poll continues where it ended.")
	}
}

func readStatus(env *cmdutil.Env) (status, error) {
	dir, err := readFolder(env)
	if err != nil {
		return status{}, err
	}
	address, err := env.Sessions.SavedWebhook()
	if err != nil {
		return status{}, err
	}
	s := status{PublicURL: address, Folder: dir, Targets: shortAll(savedTargets(dir))}
	if s.Deliveries, s.Newest, err = count(dir); err != nil {
		return status{}, err
	}
	if s.Bytes, err = inbox.Size(dir); err != nil {
		return status{}, err
	}
	_, err = os.Stat(filepath.Join(dir, cursorFile))
	s.Polled = err == nil
	return s, nil
}

// count returns the number of deliveries in a folder, and when the newest one came.
func count(dir string) (total int, newest *time.Time, err error) {
	for d, err := range inbox.All(dir) {
		if err != nil {
			return 0, nil, err
		}
		total, newest = total+1, &d.ReceivedAt
	}
	return total, newest, nil
}

type clearOptions struct {
	env   *cmdutil.Env
	inbox bool
}

// cleared is what was removed.
type cleared struct {
	PublicURL  string `json:"publicUrl"`
	Deliveries int    `json:"deliveries"`
}

func newClear(env *cmdutil.Env) *cobra.Command {
	opts := &clearOptions{env: env}
	cmd := &cobra.Command{
		Use:   "clear",
		Short: "Remove the saved address of deliveries, or empty the inbox",
		Long: "Remove the saved address, so that runs send no deliveries by themselves. With --inbox, remove the deliveries of this account\n" +
			"instead, and where --poll ended: it begins with the runs that end from then on.",
		Example: "lamina webhook clear\nlamina webhook clear --inbox",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return clearAll(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.inbox, "inbox", false, "remove the deliveries in the inbox instead")
	return cmd
}

func clearAll(ctx context.Context, opts *clearOptions) error {
	env := opts.env
	if opts.inbox {
		return clearInbox(env)
	}
	var removed cleared
	err := env.Sessions.Store().Update(ctx, func(doc *config.Document) error {
		removed.PublicURL = doc.Webhook().PublicURL
		doc.SetWebhook("", env.Now())
		return nil
	})
	if err != nil {
		return err
	}
	if own, err := env.Sessions.SavedWebhook(); err == nil && own != "" {
		env.Note("the profile has an address of its own: %s", env.Command("config", "unset", "webhook"))
	}
	return env.Print(removed, func(p *output.Page) {
		if removed.PublicURL == "" {
			p.Line("There is no saved address.")
			return
		}
		p.Line("Removed the saved address %s.", short(removed.PublicURL))
	})
}

func clearInbox(env *cmdutil.Env) error {
	dir, err := readFolder(env)
	if err != nil {
		return err
	}
	total, _, err := count(dir)
	if err != nil {
		return err
	}
	if err := inbox.Clear(dir, cursorFile, targetsFile, keysFile); err != nil {
		return inboxError(err)
	}
	return env.Print(cleared{Deliveries: total}, func(p *output.Page) {
		p.Line("Removed %s.", map[bool]string{true: "1 delivery", false: fmt.Sprintf("%d deliveries", total)}[total == 1])
	})
}
