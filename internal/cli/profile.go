package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

func newProfileCmd(env *Env) *cobra.Command {
	return newNoun(env, "profile", "Use several accounts side by side", nil, func() []*cobra.Command {
		return []*cobra.Command{newProfileListCmd(env), newProfileUseCmd(env), newProfileRemoveCmd(env)}
	})
}

// A profileRow is a line of profile list.
type profileRow struct {
	Name             string         `json:"name"`
	Chosen           bool           `json:"chosen"`
	Provider         string         `json:"provider"`
	Kind             config.Kind    `json:"kind"`
	BaseURL          string         `json:"baseUrl"`
	Account          config.Account `json:"account"`
	Storage          config.Storage `json:"storage"`
	SessionExpiresAt *time.Time     `json:"sessionExpiresAt,omitempty"`
	Ended            bool           `json:"ended"`
}

func newProfileListCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the accounts that are signed in here, without asking the service",
		Example: "lamina profile list\nlamina profile list --jq '.profiles[].name'",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			doc, chosen, err := env.loadChosen()
			if err != nil {
				return err
			}
			return env.printProfiles(doc, chosen)
		},
	}
}

func (e *Env) printProfiles(doc *config.Document, chosen choice) error {
	rows := []profileRow{}
	for _, name := range doc.ProfileNames() {
		p, _ := doc.Profile(name)
		c := p.Credential
		rows = append(rows, profileRow{
			Name: name, Chosen: name == e.chosenOf(doc, chosen, c), Provider: providerOf(c), Kind: c.Kind, BaseURL: c.BaseURL, Account: c.Account,
			Storage: p.Encryption.Storage(), SessionExpiresAt: timeOrNil(c.RefreshExpiresAt), Ended: !c.EndedAt.IsZero(),
		})
	}
	value := struct {
		Chosen   string       `json:"chosen"`
		ChosenBy string       `json:"chosenBy"`
		Profiles []profileRow `json:"profiles"`
	}{chosen.profile, chosen.by, rows}
	return e.print(value, func(p *output.Page) {
		if len(rows) == 0 {
			p.Line("Nobody is signed in here.")
			return
		}
		var table [][]string
		for _, r := range rows {
			mark, ends := "", ""
			if r.Chosen {
				mark = "*"
			}
			if r.SessionExpiresAt != nil {
				ends = r.SessionExpiresAt.Local().Format("2 January 2006")
			}
			if r.Ended {
				ends = "over"
			}
			table = append(table, []string{
				mark, r.Name, r.Provider, firstOf(r.Account.Email, describeKind(r.Kind)), firstOf(r.Account.WorkspaceName, r.Account.WorkspaceID),
				string(r.Storage), ends, r.BaseURL,
			})
		}
		p.Table([]string{"", "PROFILE", "OF", "ACCOUNT", "WORKSPACE", "STORAGE", "ENDS UNUSED", "SERVICE"}, table)
		ofThis := func(r profileRow) bool { return r.Provider == chosen.provider.Name }
		used := func(r profileRow) bool { return r.Chosen && ofThis(r) }
		if !slices.ContainsFunc(rows, used) && (chosen.by != "default" || slices.ContainsFunc(rows, ofThis)) {
			p.Line("%s %s names %s, which is not among them", p.Busy("note:"), chosen.says, chosen.profile)
		}
	})
}

// chosenOf names the profile that commands of a credential's service use.
func (e *Env) chosenOf(doc *config.Document, chosen choice, c config.Credential) string {
	if name := providerOf(c); name != chosen.provider.Name {
		return firstOf(doc.CurrentProfileOf(name), name)
	}
	return chosen.profile
}

func newProfileUseCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Choose the account that commands use from now on",
		Example:           "lamina profile use work",
		Args:              needArgs("NAME"),
		ValidArgsFunction: env.completeProfiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return profileUse(cmd.Context(), env, args[0]) },
	}
}

func profileUse(ctx context.Context, env *Env, name string) error {
	named, err := env.namedProfile(name)
	if err != nil {
		return err
	}
	p, err := env.findProvider(providerOf(named.Credential))
	if err != nil {
		return err
	}
	err = env.store().Update(ctx, func(doc *config.Document) error {
		if p.IsLamina() {
			doc.SetCurrentProfile(name)
		} else {
			doc.SetCurrentProfileOf(p.Name, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	env.want = &p
	_, winner, err := env.loadChosen()
	if err != nil {
		return err
	}
	if env.Getenv(p.EnvKey) != "" {
		env.say("%s %s is set and wins as long as it is", env.styles().Busy("note:"), p.EnvKey)
	} else if winner.profile != name {
		env.say("%s here %s still chooses %s", env.styles().Busy("note:"), term.Line(winner.says), winner.profile)
	}
	return env.print(map[string]any{"current": name, "provider": p.Name}, func(page *output.Page) {
		whose := firstOf(named.Credential.Account.Email, map[bool]string{false: p.Title}[p.IsLamina()])
		page.Line("%s %s %s", page.Good("Commands now use profile"), page.Bold(name), nonEmpty("(%s)", whose))
	})
}

// namedProfile returns the profile of an argument.
func (e *Env) namedProfile(name string) (config.Profile, error) {
	doc, err := e.load()
	if err != nil {
		return config.Profile{}, err
	}
	if err := config.CheckProfileName(name); err != nil {
		return config.Profile{}, usage("lamina profile list", "%v", err)
	}
	p, ok := doc.Profile(name)
	if !ok {
		return p, choice{chooser: chooser{"argument", "the argument", name}, provider: provider.Lamina()}.missing(doc)
	}
	return p, nil
}

func newProfileRemoveCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Sign out of an account, and forget everything about it",
		Long: "End the session of an account at the service, and forget it here together with what was chosen for it: where its\n" +
			"secrets sit, and that it was the current one.",
		Example:           "lamina profile remove work",
		Args:              needArgs("NAME"),
		ValidArgsFunction: env.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := env.namedProfile(args[0])
			if err != nil {
				return err
			}
			remains, err := env.forget(cmd.Context(), p, (*config.Document).RemoveProfile)
			if err != nil {
				return err
			}
			value := map[string]any{"removed": p.Name, "remains": remains}
			return env.print(value, func(page *output.Page) {
				page.Line("%s %s (%s)", page.Good("Removed profile"), page.Bold(p.Name), p.Credential.BaseURL)
				for _, r := range remains {
					page.Line("%s %s", page.Busy("note:"), r)
				}
			})
		},
	}
}

// completeProfiles offers the profiles, with whose they are.
func (e *Env) completeProfiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	doc, err := e.store().Load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var lines []string
	for _, name := range doc.ProfileNames() {
		p, _ := doc.Profile(name)
		lines = append(lines, name+"\t"+term.Line(firstOf(p.Credential.Account.Email, p.Credential.BaseURL)))
	}
	return lines, cobra.ShellCompDirectiveNoFileComp
}

// nonEmpty formats a text, or leaves it out.
func nonEmpty(format, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(format, text)
}
