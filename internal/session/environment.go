package session

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// environmentSession returns the session of a key in the environment; nil if there is none, or if --profile selects a stored
// credential. Such a key is sent to the service that the environment names, never to that of a stored credential.
func (m *Manager) environmentSession(base http.RoundTripper) (*Session, error) {
	if m.Flags.Profile != "" {
		return nil, nil
	}
	p, err := m.wantedProvider(nil)
	if err != nil {
		return nil, err
	}
	if err := m.RefuseBlank(p.EnvKey); err != nil {
		return nil, err
	}
	text := m.Lookup(p.EnvKey)
	if text == "" {
		return nil, nil
	}
	s := &Session{manager: m, Provider: p, Variable: p.EnvKey}
	var warning string
	if s.key, warning, err = auth.CheckAPIKey(p, text); err != nil {
		return nil, fail.Usage("set "+p.EnvKey+" to the key alone ("+p.KeysPlace()+"), or unset it", "%s: %v", s.describeVariable(), err)
	}
	if _, isKnown := p.Shape(s.key.Reveal()); warning != "" && !isKnown {
		m.Note("%s: %s", p.EnvKey, warning)
	}
	if s.Choice.Project, err = m.findProject(); err != nil {
		return nil, err
	}
	if err := s.readEnvironment(); err != nil {
		return nil, err
	}
	s.transport = keyTransport(p, m.guard(p, base), s.BaseURL, s.key)
	return s, nil
}

// describeVariable names the variable that holds the key, with the file that it comes from.
func (s *Session) describeVariable() string {
	c := s.describe()
	if c.File == "" {
		return c.Variable
	}
	return c.Variable + " in " + c.File
}

// readEnvironment sets the address and the settings that belong to a key of the environment.
func (s *Session) readEnvironment() (err error) {
	m, p := s.manager, s.Provider
	if s.BaseURL, err = m.baseFromEnvironment(p); err != nil {
		return err
	}
	if m.Getenv(p.EnvKey) != "" {
		if err := m.RefuseFileAddress(p, p.EnvKey+" of the environment", s.BaseURL); err != nil {
			return err
		}
	}
	if !p.IsDefault() {
		s.Settings, err = m.settingsFromEnvironment(p)
		return err
	}
	if err := s.Choice.CheckBase(p.EnvKey, s.BaseURL, "unset "+p.EnvKey+", or set LAMINA_BASE_URL to the service of the project config"); err != nil {
		return err
	}
	s.workspace, _, err = m.wantedWorkspace(s.Choice.Project)
	return err
}

// baseFromEnvironment returns the address that a key of the environment belongs to.
func (m *Manager) baseFromEnvironment(p provider.Provider) (string, error) {
	if err := m.RefuseBlank(p.BaseURLEnv...); err != nil {
		return "", err
	}
	variable, text := m.LookupFirst(p.BaseURLEnv)
	text = cmp.Or(text, p.BaseURL)
	if text == "" {
		return "", fail.Usage("export "+strings.Join(p.BaseURLEnv[:min(1, len(p.BaseURLEnv))], "")+"=https://HOST/PATH",
			"%s is set, but not the address of the service: %s", p.EnvKey, cmp.Or(p.BaseURLHelp, "each customer has an own address"))
	}
	base, err := Base(p, text)
	if err != nil {
		return "", BaseURLError(cmp.Or(variable, p.Name), err)
	}
	return base, nil
}

// RefuseFileAddress returns an error if base, an address of a service, comes from the file of --env-file and is not trusted. The
// address of the service itself is always trusted. A file, such as one of a cloned repository, must not direct a credential that does not come
// from it. credential names what would be sent there.
func (m *Manager) RefuseFileAddress(p provider.Provider, credential, base string, trusted ...string) error {
	variable, _ := m.LookupFirst(p.BaseURLEnv)
	value, inFile := m.envFile[variable]
	isTrusted := slices.ContainsFunc(append(trusted, p.BaseURL), func(t string) bool { return safeurl.SameOrigin(t, base) })
	if !inFile || m.Getenv(variable) != "" || isTrusted {
		return nil
	}
	return &fail.Error{
		Code: fail.WrongHost, Hint: "export " + variable + "=" + base + ", if you trust that address",
		Message: fmt.Sprintf("the address %s comes from %s of %s, and is not used with %s; nothing was sent", base, variable, m.place(value), credential),
	}
}

// Base returns the address of a service in the form in which it is stored and compared, without the beginning of the service's paths.
func Base(p provider.Provider, address string) (string, error) {
	base, err := safeurl.Normalize(address)
	return p.Base(base), err
}

// TypedRoot returns the end of a session's base URL that the environment names and Base removes, such as /v1; "" if there is none.
func (m *Manager) TypedRoot(s *Session) string {
	_, text := m.LookupFirst(s.Provider.BaseURLEnv)
	typed, err := safeurl.Normalize(text)
	root, isBelow := strings.CutPrefix(typed, s.BaseURL)
	if text == "" || err != nil || !isBelow || !strings.HasPrefix(root, "/") {
		return ""
	}
	return root
}

// BaseURLError returns the error for an address that an environment variable holds.
func BaseURLError(variable string, err error) error {
	return &fail.Error{Code: fail.InvalidArgument, Message: variable + ": " + err.Error(), Hint: "export " + variable + "=https://HOST", Err: err}
}

// settingsFromEnvironment returns the settings that belong to a key of the environment.
func (m *Manager) settingsFromEnvironment(p provider.Provider) (map[string]string, error) {
	settings := map[string]string{}
	for _, s := range p.Settings {
		if err := m.RefuseBlank(s.Env...); err != nil {
			return nil, err
		}
		variable, value := m.LookupFirst(s.Env)
		if err := CheckSetting(s, value); err != nil {
			return nil, fail.Usage("unset "+variable, "%s: %v", variable, err)
		}
		if value == "" && s.Required {
			hint := m.FailContext().SignIn("")
			if len(s.Env) > 0 {
				hint = "export " + s.Env[0] + "=VALUE"
			}
			return nil, fail.Usage(hint, "%s is set, but not the %s that it needs: %s", p.EnvKey, s.Title, s.Help)
		}
		if value != "" {
			settings[s.Name] = value
		}
	}
	return settings, nil
}
