package session

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
)

// storedSession returns the session of a stored credential.
func (m *Manager) storedSession(base http.RoundTripper) (*Session, error) {
	if err := m.refuseBlankAddress(); err != nil {
		return nil, err
	}
	doc, chosen, err := m.LoadAndChoose()
	if err != nil {
		return nil, m.notSignedIn(err)
	}
	p := chosen.Provider
	profile, ok := doc.Profile(chosen.Profile)
	if !ok {
		return nil, m.missing(doc, chosen)
	}
	if chosen.Kind == FromFlag && m.Lookup(p.EnvKey) != "" {
		m.Note("%s is set, but --profile overrides it", p.EnvKey)
	}
	c := profile.Credential
	s := &Session{
		manager: m, Provider: p, BaseURL: c.BaseURL, Settings: c.Settings,
		Choice: chosen, Profile: chosen.Profile, Credential: c, Encryption: profile.Encryption,
	}
	if err := s.checkAddress(m.Store().PathOf(profile)); err != nil {
		return nil, err
	}
	if err := s.checkHost(); err != nil {
		return nil, err
	}
	if p.IsDefault() {
		if s.workspace, err = s.checkWorkspace(doc); err != nil {
			return nil, err
		}
	}
	s.source = &auth.Session{
		Store: m.Store(), Profile: s.Profile, Provider: p, HTTP: &http.Client{Transport: base, Timeout: m.RequestTimeout()}, Now: m.Now, Logf: m.Debugf,
		NoRefresh: m.BestEffort,
	}
	s.transport = &auth.Transport{Base: m.guard(p, base), Header: p.KeyHeader, Scheme: p.KeyScheme, Source: s.source}
	return s, nil
}

// refuseBlankAddress refuses empty variables of the wanted service before a profile is looked for, which may not exist.
func (m *Manager) refuseBlankAddress() error {
	p, err := m.wantedProvider(nil)
	if err != nil {
		return err
	}
	names := slices.Clone(p.BaseURLEnv)
	if p.IsDefault() && m.Flags.Workspace == "" {
		names = append(names, "LAMINA_WORKSPACE")
	}
	return m.RefuseBlank(names...)
}

// checkAddress refuses a stored credential without a valid address, as an edit of its file may leave it.
func (s *Session) checkAddress(file string) error {
	_, err := safeurl.Check(s.Credential.BaseURL)
	if err == nil {
		return nil
	}
	return &fail.Error{
		Code: fail.ConfigUnusable, Hint: s.manager.FailContext().SignIn(s.Profile), Err: err,
		Message: fmt.Sprintf("the address (baseUrl) of profile %s in %s: %v", s.Profile, file, err),
	}
}

// checkHost refuses to use a stored credential for another service than its own.
func (s *Session) checkHost() error {
	m, c := s.manager, s.Credential
	if err := m.RefuseBlank(s.Provider.BaseURLEnv...); err != nil {
		return err
	}
	if variable, wanted := m.LookupFirst(s.Provider.BaseURLEnv); wanted != "" {
		base, err := safeurl.Normalize(wanted)
		if err != nil {
			return BaseURLError(variable, err)
		}
		if !safeurl.SameOrigin(base, c.BaseURL) {
			return &fail.Error{
				Code: fail.WrongHost, Hint: m.FailContext().SignIn(s.Profile) + ", or unset " + variable,
				Message: fmt.Sprintf("profile %s belongs to %s, but %s is %s; the credential was not sent there", s.Profile, c.BaseURL, variable, base),
			}
		}
	}
	if !s.Provider.IsDefault() {
		return nil // the base_url of a project config is that of the default service
	}
	return s.Choice.CheckBase("profile "+s.Profile, c.BaseURL, "lamina profile list, then the same command with --profile NAME")
}

// CheckBase refuses an address that differs from the base_url of the project config. credential names what would be sent there.
func (c Choice) CheckBase(credential, base, hint string) error {
	if c.Project == nil || c.Project.BaseURL == "" {
		return nil
	}
	required, err := safeurl.Normalize(c.Project.BaseURL)
	if err != nil {
		return &config.ProjectError{Path: c.Project.Path, Detail: "its base_url: " + err.Error()}
	}
	if safeurl.SameOrigin(required, base) {
		return nil
	}
	return &fail.Error{
		Code: fail.WrongHost, Hint: hint,
		Message: fmt.Sprintf("%s belongs to %s, but %s requires %s; nothing was sent", credential, base, c.Project.Path, required),
	}
}

// wantedWorkspace returns the workspace that the credential must belong to, and the name of the source that requires it; "" if none
// does.
func (m *Manager) wantedWorkspace(project *config.Project) (id, source string, err error) {
	id, source = m.Flags.Workspace, "--workspace"
	if id == "" {
		if err := m.RefuseBlank("LAMINA_WORKSPACE"); err != nil {
			return "", "", err
		}
		id, source = m.Lookup("LAMINA_WORKSPACE"), "LAMINA_WORKSPACE"
	}
	switch {
	case project == nil || project.Workspace == "" || project.Workspace == id:
		return id, source, nil
	case id == "":
		return project.Workspace, project.Path, nil
	}
	return "", "", &fail.Error{
		Code: fail.WrongWorkspace, Hint: "leave out " + source + ", or work in another folder",
		Message: fmt.Sprintf("%s is workspace %s, but %s requires %s; nothing was sent", source, id, project.Path, project.Workspace),
	}
}

// WantedWorkspace returns the workspace of --workspace or LAMINA_WORKSPACE.
func (m *Manager) WantedWorkspace() string {
	id, _, _ := m.wantedWorkspace(nil)
	return id
}

// checkWorkspace refuses a credential of another workspace than the wanted one, before anything is sent. What is not known locally
// the service checks.
func (s *Session) checkWorkspace(doc *config.Document) (wanted string, err error) {
	wanted, source, err := s.manager.wantedWorkspace(s.Choice.Project)
	account := s.Credential.Account
	if err != nil || wanted == "" || account.WorkspaceID == "" || account.WorkspaceID == wanted {
		return wanted, err
	}
	return "", &fail.Error{
		Code: fail.WrongWorkspace, Hint: hintForWorkspace(doc, wanted, s.Credential.BaseURL),
		Message: fmt.Sprintf("profile %s belongs to workspace %s, but %s requires %s; nothing was sent", s.Profile, DescribeWorkspace(account), source, wanted),
	}
}

// hintForWorkspace says how to use a credential of a workspace.
func hintForWorkspace(doc *config.Document, workspace, base string) string {
	for _, name := range doc.ProfileNames() {
		p, _ := doc.Profile(name)
		if p.Credential.Account.WorkspaceID == workspace && safeurl.SameOrigin(p.Credential.BaseURL, base) {
			return "the same command with --profile " + name
		}
	}
	return "lamina login --profile NAME, and choose that workspace"
}

// DescribeWorkspace names an account's workspace: name, role and id; "" if it is unknown.
func DescribeWorkspace(a config.Account) string {
	if a.WorkspaceID == "" {
		return ""
	}
	return fmt.Sprintf("%s (%s, %s)", a.WorkspaceName, a.Role, a.WorkspaceID)
}

// NewKey prepares the storage of a profile's secrets: with --storage keyring it puts a new encryption key into the keyring.
func (m *Manager) NewKey(profile string, storage config.Storage) (config.Encryption, error) {
	if storage != config.StorageKeyring {
		return config.Encryption{}, nil
	}
	return m.Store().NewKey(profile)
}

// DropKey removes an encryption key that is no longer used. A failure is noted; the key alone is harmless.
func (m *Manager) DropKey(e config.Encryption) {
	if err := m.Store().DropKey(e); err != nil {
		m.Note("an unused encryption key stays in the keyring, as %s: %v", e.Entry(), err)
	}
}

// SavedWebhook returns the address that the settings hold for the deliveries of runs; "" if there is none.
func (m *Manager) SavedWebhook() (string, error) { return m.CommandSetting(SettingWebhook) }
