package cli

import (
	"fmt"
	"slices"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

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
	losers   []chooser       // those that would have chosen, in their order
	pin      *config.Project // nil if the folder has none
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
	name := doc.CurrentProfileOf(p.Name)
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
func (e *Env) findPin() (*config.Project, error) {
	if e.Folder == nil || e.pinned {
		return e.pin, nil
	}
	folder, err := e.Folder()
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a folder that was removed pins nothing
	}
	e.pin, err = config.FindProject(folder, config.Home(e.Getenv))
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
		return &config.ProjectError{Path: c.pin.Path, Detail: "its base_url: " + err.Error()}
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
func (e *Env) wantedWorkspace(pin *config.Project) (id, says string, err error) {
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
