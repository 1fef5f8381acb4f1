package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
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

// A chooser is one that may choose the profile.
type chooser struct {
	by      string // flag, environment, pin, current or default, for programs
	says    string // what the person knows it as
	profile string
}

// A choice is the profile to use, and who chose it.
type choice struct {
	chooser
	provider provider.Provider
	losers   []chooser   // those that would have chosen, in their order
	pin      *config.Pin // nil if the folder has none
}

// choose decides on the service and its profile: flag, environment, the folder's pin, the current one.
func (e *Env) choose(doc *config.Document) (choice, error) {
	p, err := e.wanted(doc)
	if err != nil {
		return choice{}, err
	}
	pin, err := e.findPin()
	if err != nil {
		return choice{}, err
	}
	ambient := []chooser{{"environment", "LAMINA_PROFILE", e.Getenv("LAMINA_PROFILE")}}
	if pin != nil {
		ambient = append(ambient, chooser{"pin", pin.Path, pin.Profile})
	}
	if !p.IsLamina() { // what is said of Lamina's profile does not bind the other services
		ambient = slices.DeleteFunc(ambient, func(c chooser) bool { return !isOf(doc, c.profile, p) })
	}
	all := append([]chooser{{"flag", "--profile", e.flags.profile}}, ambient...)
	all = slices.DeleteFunc(append(all, currentOf(doc, p)), func(c chooser) bool { return c.profile == "" })
	c := choice{chooser: all[0], provider: p, losers: all[1:], pin: pin}
	if err := config.CheckProfileName(c.profile); err != nil {
		return choice{}, usage("", "%s: %v", c.says, err)
	}
	return c, c.checkProvider(doc)
}

// currentOf is the choice of last resort.
func currentOf(doc *config.Document, p provider.Provider) chooser {
	name := doc.CurrentOf(p.Name)
	if p.IsLamina() {
		name = doc.CurrentProfile()
	}
	if name == "" || name == p.DefaultProfile() {
		return chooser{"default", "the default", p.DefaultProfile()}
	}
	return chooser{"current", "the current profile", name}
}

// isOf reports whether a profile holds a credential of a service.
func isOf(doc *config.Document, name string, p provider.Provider) bool {
	profile, ok := doc.Profile(name)
	return name != "" && ok && providerOf(profile.Credential) == p.Name
}

// checkProvider refuses a profile that is of another service.
func (c choice) checkProvider(doc *config.Document) error {
	profile, ok := doc.Profile(c.profile)
	if !ok || providerOf(profile.Credential) == c.provider.Name {
		return nil
	}
	return &usageError{
		code: codeInvalidArgument, hint: "lamina profile list",
		message: fmt.Sprintf("profile %s, which %s names, is of %s, and this is for %s: nothing was sent",
			c.profile, c.says, providerOf(profile.Credential), c.provider.Name),
	}
}

// findPin looks for the pin of the working folder, once.
func (e *Env) findPin() (*config.Pin, error) {
	if e.Folder == nil || e.pinned {
		return e.pin, nil
	}
	folder, err := e.Folder()
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a folder that was removed pins nothing
	}
	e.pin, err = config.FindPin(folder, config.Home(e.Getenv))
	e.pinned = err == nil
	return e.pin, err
}

// missing is the error of a profile that nobody is signed in to.
func (c choice) missing(doc *config.Document) error {
	known := doc.ProfileNames()
	if !c.provider.IsLamina() {
		return c.missingKey(doc)
	}
	known = slices.DeleteFunc(known, func(name string) bool { return !isOf(doc, name, c.provider) })
	if c.by == "default" && len(known) == 0 {
		return &auth.NotSignedInError{Profile: c.profile}
	}
	e := &commandError{
		code: codeNotLoggedIn, hint: "lamina login --profile " + c.profile,
		message: fmt.Sprintf("nobody is signed in to profile %s, which %s names", c.profile, c.says),
	}
	if c.by == "default" || c.by == "current" {
		e.message = fmt.Sprintf("nobody is signed in to profile %s, which is %s", c.profile, c.says)
	}
	if len(known) == 0 {
		e.message += "; there is no other"
		return e
	}
	e.details = []api.Detail{{Field: "profile", Message: "choose one that is there", Allowed: known}}
	return e
}

// missingKey is the error of a service that nobody is signed in to.
func (c choice) missingKey(doc *config.Document) error {
	p := c.provider
	e := &commandError{
		code: codeNotLoggedIn, hint: loginCommand(p),
		message: fmt.Sprintf("nobody is signed in to %s, and %s is not set", p.Title, p.EnvKey),
	}
	if c.by != "default" {
		e.hint += " --profile " + c.profile
		e.message = fmt.Sprintf("profile %s, which %s names, holds no key of %s", c.profile, c.says, p.Title)
	}
	known := slices.DeleteFunc(doc.ProfileNames(), func(name string) bool { return !isOf(doc, name, p) })
	if len(known) > 0 {
		e.details = []api.Detail{{Field: "profile", Message: "choose one that is there", Allowed: known}}
	}
	return e
}

// checkBase refuses to use a credential of another service than the folder is pinned to. what names the credential.
func (c choice) checkBase(what, base, hint string) error {
	if c.pin == nil || c.pin.BaseURL == "" {
		return nil
	}
	pinned, err := auth.NormalizeBase(c.pin.BaseURL)
	if err != nil {
		return &config.PinError{Path: c.pin.Path, Detail: "its base_url: " + err.Error()}
	}
	if auth.SameOrigin(pinned, base) {
		return nil
	}
	return &commandError{
		code: codeWrongHost, hint: hint,
		message: fmt.Sprintf("%s is for %s, but %s pins this folder to %s: nothing was sent", what, base, c.pin.Path, pinned),
	}
}

// wantedWorkspace returns the workspace that a credential must be of, and who says so; "" if nobody does.
func (e *Env) wantedWorkspace(pin *config.Pin) (id, says string, err error) {
	id, says = e.flags.workspace, "--workspace"
	if id == "" {
		id, says = e.Getenv("LAMINA_WORKSPACE"), "LAMINA_WORKSPACE"
	}
	switch {
	case pin == nil || pin.Workspace == "" || pin.Workspace == id:
		return id, says, nil
	case id == "":
		return pin.Workspace, pin.Path, nil
	}
	return "", "", &commandError{
		code: codeWrongWorkspace, hint: "leave " + says + " out, or work in another folder",
		message: fmt.Sprintf("%s wants workspace %s, but %s pins this folder to %s: nothing was sent", says, id, pin.Path, pin.Workspace),
	}
}

// checkWorkspace refuses a login of another workspace than is wanted, before anything is sent. What is not known here
// the service checks.
func (e *Env) checkWorkspace(c choice, doc *config.Document, p config.Profile) (wanted string, err error) {
	wanted, says, err := e.wantedWorkspace(c.pin)
	a := p.Credential.Account
	if err != nil || wanted == "" || a.WorkspaceID == "" || a.WorkspaceID == wanted {
		return wanted, err
	}
	return "", &commandError{
		code: codeWrongWorkspace, hint: profileFor(doc, wanted, p.Credential.BaseURL),
		message: fmt.Sprintf("profile %s is of workspace %s, but %s wants %s: nothing was sent", p.Name, describeWorkspace(a), says, wanted),
	}
}

// profileFor names the way to a credential of a workspace.
func profileFor(doc *config.Document, workspace, base string) string {
	for _, name := range doc.ProfileNames() {
		p, _ := doc.Profile(name)
		if p.Credential.Account.WorkspaceID == workspace && auth.SameOrigin(p.Credential.BaseURL, base) {
			return "the same with --profile " + name
		}
	}
	return "lamina login --profile NAME, and choose that workspace"
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
			Storage: p.Vault.Storage(), SessionExpiresAt: timeOrNil(c.RefreshExpiresAt), Ended: !c.EndedAt.IsZero(),
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
		return firstOf(doc.CurrentOf(name), name)
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
			doc.SetCurrentOf(p.Name, name)
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
