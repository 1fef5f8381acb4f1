package session

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/textfile"
)

// ProviderNames lists the services that users can sign in to: the built-in ones, then the described ones.
func (m *Manager) ProviderNames() []string {
	var names []string
	for _, p := range provider.All() {
		names = append(names, p.Name)
	}
	if m.Store().Dir == "" {
		return names
	}
	files, _ := filepath.Glob(filepath.Join(m.Store().ProvidersDir(), "*.json"))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}

// Providers returns the services that users can sign in to.
func (m *Manager) Providers() ([]provider.Provider, error) {
	all := provider.All()
	for _, name := range m.ProviderNames()[len(all):] {
		p, err := m.FindProvider(name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// FindProvider returns the service of a name or an alias: a built-in one, or one that a file describes.
func (m *Manager) FindProvider(name string) (provider.Provider, error) {
	if p, ok := provider.Find(name); ok {
		return p, nil
	}
	unknown := fail.Usage("lamina login --provider "+provider.Laghav().Name,
		"unknown service %q; the services are %s", name, strings.Join(m.ProviderNames(), ", "))
	if !provider.IsName(name) {
		return provider.Provider{}, unknown
	}
	if err := m.RefuseBlank("LAMINA_CONFIG_DIR"); err != nil {
		return provider.Provider{}, err
	}
	raw, err := m.Store().ReadProvider(name)
	if errors.Is(err, fs.ErrNotExist) {
		return provider.Provider{}, unknown
	}
	if untrusted := (*config.FileError)(nil); errors.As(err, &untrusted) {
		return provider.Provider{}, err
	}
	path := filepath.Join(m.Store().ProvidersDir(), name+".json")
	if err != nil {
		return provider.Provider{}, &fail.Error{Code: fail.InvalidProvider, Message: fmt.Sprintf("could not read %s: %v", path, err), Err: err}
	}
	text, err := textfile.Decode(raw)
	var p provider.Provider
	if err == nil {
		p, err = provider.Parse(text)
	}
	if err == nil && p.Name != name {
		err = fmt.Errorf("its name is %q, but must be %q like the name of the file", p.Name, name)
	}
	if err == nil {
		err = p.CheckVariables(m.ProviderNames())
	}
	if err != nil {
		return provider.Provider{}, &fail.Error{
			Code: fail.InvalidProvider, Message: fmt.Sprintf("%s cannot be used: %v", path, err), Hint: "lamina explain " + fail.InvalidProvider.Name,
		}
	}
	return p, nil
}

// wantedProvider returns the service of a command: the command's own, the one of --provider, the one of the profile that --profile or
// LAMINA_PROFILE names, else the default. If doc is nil, the configuration is read where it is needed.
func (m *Manager) wantedProvider(doc *config.Document) (provider.Provider, error) {
	name := cmp.Or(m.Flags.Profile, m.Getenv("LAMINA_PROFILE"))
	switch {
	case m.service != nil:
		return *m.service, nil
	case m.Flags.Provider != "":
		return m.FindProvider(m.Flags.Provider)
	case name == "":
		return provider.Lamina(), nil
	}
	if doc == nil {
		var err error
		if doc, err = m.Store().Load(); err != nil {
			return provider.Lamina(), nil //nolint:nilerr // a key of the environment works without the file; a stored credential reports the error
		}
	}
	if p, ok := doc.Profile(name); ok {
		return m.FindProvider(ProviderOf(p.Credential))
	}
	return provider.Lamina(), nil
}

// ProviderOf returns the name of a credential's service.
func ProviderOf(c config.Credential) string { return cmp.Or(c.Provider, provider.Lamina().Name) }

// CheckSetting refuses a value that cannot be sent, or that is not one of the allowed ones. An empty value passes.
func CheckSetting(s provider.Setting, value string) error {
	if len(value) > 1000 || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s must be one word of printable ASCII characters", s.Name)
	}
	if value != "" && len(s.Values) > 0 && !slices.Contains(s.Values, value) {
		return fmt.Errorf("%s must be one of %s, not %q", s.Name, strings.Join(s.Values, ", "), value)
	}
	return nil
}
