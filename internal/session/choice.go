package session

import (
	"errors"
	"fmt"
	"slices"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// SourceKind says where the choice of a profile comes from. The values are part of JSON output.
type SourceKind string

// The kinds of sources, in the order in which they win.
const (
	FromFlag        SourceKind = "flag"
	FromEnvironment SourceKind = "environment"
	FromProject     SourceKind = "pin" // the project config
	FromCurrent     SourceKind = "current"
	FromDefault     SourceKind = "default"
	fromArgument    SourceKind = "argument"
)

// Source is one setting that names a profile.
type Source struct {
	Kind    SourceKind
	Name    string // for messages: --profile, LAMINA_PROFILE, the path of the project config
	Profile string
}

// IsImplicit reports whether the profile applies only because nothing else names one.
func (s Source) IsImplicit() bool { return s.Kind == FromDefault || s.Kind == FromCurrent }

// Choice is the profile to use, with the source that named it.
type Choice struct {
	Source
	Provider   provider.Provider
	Overridden []Source        // the other sources, in the order in which they win
	Project    *config.Project // nil if the folder has no project config
}

// Choose returns the service and the profile that a command uses: flag, environment, project config, current profile, default.
func (m *Manager) Choose(doc *config.Document) (Choice, error) {
	p, err := m.wantedProvider(doc)
	if err != nil {
		return Choice{}, err
	}
	project, err := m.findProject()
	if err != nil {
		return Choice{}, err
	}
	if m.Flags.Profile == "" {
		if err := m.RefuseBlank("LAMINA_PROFILE"); err != nil {
			return Choice{}, err
		}
	}
	ambient := []Source{{FromEnvironment, "LAMINA_PROFILE", m.Getenv("LAMINA_PROFILE")}}
	if project != nil {
		ambient = append(ambient, Source{FromProject, project.Path, project.Profile})
	}
	if !p.IsDefault() { // these name a profile of the default service unless the profile says otherwise
		ambient = slices.DeleteFunc(ambient, func(s Source) bool { return !isOf(doc, s.Profile, p) })
	}
	all := append([]Source{{FromFlag, "--profile", m.Flags.Profile}}, ambient...)
	all = slices.DeleteFunc(append(all, currentOf(doc, p)), func(s Source) bool { return s.Profile == "" })
	c := Choice{Source: all[0], Provider: p, Overridden: all[1:], Project: project}
	m.chosen = &c
	if err := config.CheckProfileName(c.Profile); err != nil {
		return Choice{}, fail.Usage("", "%s: %v", c.Name, err)
	}
	return c, c.checkProvider(doc)
}

// LoadAndChoose reads the configuration and chooses the profile.
func (m *Manager) LoadAndChoose() (*config.Document, Choice, error) {
	doc, err := m.Load()
	if err != nil {
		return nil, Choice{}, err
	}
	c, err := m.Choose(doc)
	return doc, c, err
}

// currentOf returns the profile that applies to a service when nothing names one.
func currentOf(doc *config.Document, p provider.Provider) Source {
	name := CurrentProfile(doc, p)
	if name == "" || name == p.DefaultProfile() {
		return Source{FromDefault, "the default", p.DefaultProfile()}
	}
	return Source{FromCurrent, "the current profile", name}
}

// CurrentProfile returns the profile that `lamina profile use` chose for a service; "" if none.
func CurrentProfile(doc *config.Document, p provider.Provider) string {
	if p.IsDefault() {
		return doc.CurrentProfile()
	}
	return doc.CurrentProfileOf(p.Name)
}

// SetCurrentProfile chooses the profile that commands of a service use from now on.
func SetCurrentProfile(doc *config.Document, p provider.Provider, name string) {
	if p.IsDefault() {
		doc.SetCurrentProfile(name)
	} else {
		doc.SetCurrentProfileOf(p.Name, name)
	}
}

// isOf reports whether a profile holds a credential of a service.
func isOf(doc *config.Document, name string, p provider.Provider) bool {
	profile, ok := doc.Profile(name)
	return name != "" && ok && ProviderOf(profile.Credential) == p.Name
}

// ProfilesOf lists the profiles that hold a credential of a service.
func ProfilesOf(doc *config.Document, p provider.Provider) []string {
	return slices.DeleteFunc(doc.ProfileNames(), func(name string) bool { return !isOf(doc, name, p) })
}

// checkProvider refuses a profile of another service.
func (c Choice) checkProvider(doc *config.Document) error {
	profile, ok := doc.Profile(c.Profile)
	if !ok || ProviderOf(profile.Credential) == c.Provider.Name {
		return nil
	}
	return fail.Usage("lamina profile list", "profile %s, selected by %s, belongs to %s, and this command is for %s; nothing was sent",
		c.Profile, c.Name, ProviderOf(profile.Credential), c.Provider.Name)
}

// findProject looks up the project config of the working folder, once.
func (m *Manager) findProject() (*config.Project, error) {
	if m.Folder == nil || m.searched {
		return m.project, nil
	}
	folder, err := m.Folder()
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a folder that was removed has no project config
	}
	m.project, err = config.FindProject(folder, config.Home(m.Getenv))
	m.searched = err == nil
	return m.project, err
}

// missing returns the error for a chosen profile that holds no credential.
func (m *Manager) missing(doc *config.Document, c Choice) error {
	known := ProfilesOf(doc, c.Provider)
	if c.Provider.IsDefault() && c.Kind == FromDefault && len(known) == 0 {
		return &auth.NotSignedInError{Profile: c.Profile}
	}
	e := &fail.Error{Code: fail.NotLoggedIn, Hint: m.FailContext().MissingCredential(c.Profile)}
	switch {
	case c.Provider.IsDefault() && c.IsImplicit():
		e.Message = fmt.Sprintf("profile %s, %s, is not signed in", c.Profile, c.Name)
	case c.Provider.IsDefault():
		e.Message = fmt.Sprintf("profile %s, selected by %s, is not signed in", c.Profile, c.Name)
	case c.Kind == FromDefault:
		e.Message = fmt.Sprintf("you are not signed in to %s, and %s is not set", c.Provider.Title, c.Provider.EnvKey)
	default:
		e.Message = fmt.Sprintf("profile %s, selected by %s, holds no key of %s", c.Profile, c.Name, c.Provider.Title)
	}
	if len(known) > 0 {
		e.Details = []api.Detail{{Field: "profile", Message: "choose an existing one", Allowed: known}}
	} else if c.Provider.IsDefault() {
		e.Message += "; there is no other profile"
	}
	return e
}

// notSignedIn returns the error of a command that needs a credential, if there is no folder that could have one.
func (m *Manager) notSignedIn(err error) error {
	if none := (*config.NoHomeError)(nil); errors.As(err, &none) {
		_, _ = m.Choose(&config.Document{}) // the hint depends on the service
		return &auth.NotSignedInError{Err: err}
	}
	return err
}

// NamedProfile returns the profile that a command takes as an argument.
func (m *Manager) NamedProfile(name string) (config.Profile, error) {
	doc, err := m.Load()
	if err != nil {
		return config.Profile{}, err
	}
	if err := config.CheckProfileName(name); err != nil {
		return config.Profile{}, fail.Usage("lamina profile list", "%v", err)
	}
	p, ok := doc.Profile(name)
	if !ok {
		return p, m.missing(doc, Choice{Source: Source{fromArgument, "the argument", name}, Provider: provider.Lamina()})
	}
	return p, nil
}

// ChosenProfile returns the profile that the flags, the environment and the configuration select.
func (m *Manager) ChosenProfile() (config.Profile, Choice, error) {
	doc, c, err := m.LoadAndChoose()
	if err != nil {
		return config.Profile{}, c, m.notSignedIn(err)
	}
	p, ok := doc.Profile(c.Profile)
	if !ok {
		return p, c, m.missing(doc, c)
	}
	return p, c, nil
}

// ChooseFor reads the configuration and returns the profile that commands of a service use.
func (m *Manager) ChooseFor(p provider.Provider) (Choice, error) {
	m.service = &p
	_, c, err := m.LoadAndChoose()
	return c, err
}
