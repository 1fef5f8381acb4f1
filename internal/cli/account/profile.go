package account

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// NewProfile returns the command profile.
func NewProfile(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("profile", "Use several accounts side by side", newProfileList(env), newProfileUse(env), newProfileRemove(env))
}

// profileRow is a line of profile list.
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

func newProfileList(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the profiles on this machine, without asking the service",
		Example: "lamina profile list\nlamina profile list --jq '.data.profiles[].name'",
		Args:    cmdutil.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			doc, chosen, err := env.Sessions.LoadAndChoose()
			if err != nil {
				return err
			}
			return printProfiles(env, doc, chosen)
		},
	}
}

func printProfiles(env *cmdutil.Env, doc *config.Document, chosen session.Choice) error {
	rows := []profileRow{}
	for _, name := range doc.ProfileNames() {
		p, _ := doc.Profile(name)
		c := p.Credential
		rows = append(rows, profileRow{
			Name: name, Chosen: name == chosenFor(doc, chosen, c), Provider: session.ProviderOf(c), Kind: c.Kind, BaseURL: c.BaseURL, Account: c.Account,
			Storage: p.Encryption.Storage(), SessionExpiresAt: timeOrNil(c.RefreshExpiresAt), Ended: !c.EndedAt.IsZero(),
		})
	}
	value := struct {
		Chosen   string             `json:"chosen"`
		ChosenBy session.SourceKind `json:"chosenBy"`
		Profiles []profileRow       `json:"profiles"`
	}{chosen.Profile, chosen.Kind, rows}
	return env.PrintWithOldFields(value, func(p *output.Page) { writeProfiles(p, rows, chosen) })
}

func writeProfiles(p *output.Page, rows []profileRow, chosen session.Choice) {
	if len(rows) == 0 {
		p.Line("No profile is signed in.")
		return
	}
	var table [][]string
	for _, r := range rows {
		mark, expires := "", ""
		if r.Chosen {
			mark = "*"
		}
		if r.SessionExpiresAt != nil {
			expires = output.Day(*r.SessionExpiresAt)
		}
		if r.Ended {
			expires = "expired"
		}
		table = append(table, []string{
			mark, r.Name, r.Provider, cmp.Or(r.Account.Email, r.Account.Name, describeKind(r.Kind)), cmp.Or(r.Account.WorkspaceName, r.Account.WorkspaceID),
			string(r.Storage), expires, r.BaseURL,
		})
	}
	p.Table([]string{"", "PROFILE", "PROVIDER", "ACCOUNT", "WORKSPACE", "STORAGE", "EXPIRES", "SERVICE"}, table)
	isOfProvider := func(r profileRow) bool { return r.Provider == chosen.Provider.Name }
	isUsed := func(r profileRow) bool { return r.Chosen && isOfProvider(r) }
	if !slices.ContainsFunc(rows, isUsed) && (chosen.Kind != session.FromDefault || slices.ContainsFunc(rows, isOfProvider)) {
		p.Line("%s %s", p.Busy("note:"), unusedNote(chosen))
	}
}

// unusedNote says that no profile of a list is in use, and why.
func unusedNote(chosen session.Choice) string {
	if chosen.Kind == session.FromDefault {
		return "none of these is in use; choose one with --profile NAME, or for all commands with: lamina profile use NAME"
	}
	return fmt.Sprintf("%s selects profile %s, which is not signed in", chosen.Name, chosen.Profile)
}

// chosenFor names the profile that commands use for the service of a credential.
func chosenFor(doc *config.Document, chosen session.Choice, c config.Credential) string {
	if name := session.ProviderOf(c); name != chosen.Provider.Name {
		return cmp.Or(doc.CurrentProfileOf(name), name)
	}
	return chosen.Profile
}

func newProfileUse(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Choose the profile that commands use from now on",
		Example:           "lamina profile use work",
		Args:              cmdutil.NeedArgs("NAME"),
		ValidArgsFunction: complete.Profiles(env),
		RunE:              func(cmd *cobra.Command, args []string) error { return profileUse(cmd.Context(), env, args[0]) },
	}
}

func profileUse(ctx context.Context, env *cmdutil.Env, name string) error {
	profile, err := env.Sessions.NamedProfile(name)
	if err != nil {
		return err
	}
	p, err := env.Sessions.FindProvider(session.ProviderOf(profile.Credential))
	if err != nil {
		return err
	}
	err = env.Sessions.Store().Update(ctx, func(doc *config.Document) error {
		session.SetCurrentProfile(doc, p, name)
		return nil
	})
	if err != nil {
		return err
	}
	chosen, err := env.Sessions.ChooseFor(p)
	if err != nil {
		return err
	}
	if env.Sessions.Lookup(p.EnvKey) != "" {
		env.Note("%s is set and overrides the profile", p.EnvKey)
	} else if chosen.Profile != name {
		env.Note("in this folder %s still selects %s", chosen.Name, chosen.Profile)
	}
	about := cmp.Or(profile.Credential.Account.Email, profile.Credential.Account.Name)
	if about == "" && !p.IsDefault() {
		about = p.Title
	}
	return env.PrintWithOldFields(map[string]any{"current": name, "provider": p.Name}, func(page *output.Page) {
		page.Line("%s %s %s", page.Good("Commands now use profile"), page.Bold(name), nonEmpty("(%s)", about))
	})
}

func newProfileRemove(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Sign out of a profile, and delete it",
		Long: "Revoke the session of a profile, and delete the profile from this machine together with its settings: where its\n" +
			"secrets are kept, and that it was the current one.",
		Example:           "lamina profile remove work",
		Args:              cmdutil.NeedArgs("NAME"),
		ValidArgsFunction: complete.Profiles(env),
		RunE:              func(cmd *cobra.Command, args []string) error { return profileRemove(cmd.Context(), env, args[0]) },
	}
}

func profileRemove(ctx context.Context, env *cmdutil.Env, name string) error {
	p, err := env.Sessions.NamedProfile(name)
	if err != nil {
		return err
	}
	remains, err := remove(ctx, env, p, (*config.Document).RemoveProfile)
	if err != nil {
		return err
	}
	value := map[string]any{"removed": p.Name, "remains": remains}
	return env.PrintWithOldFields(value, func(page *output.Page) {
		page.Line("%s %s (%s)", page.Good("Removed profile"), page.Bold(p.Name), p.Credential.BaseURL)
		writeNotes(page, remains)
	})
}
