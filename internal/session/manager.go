// Package session decides which credential a command uses, and makes the clients that send it. The flag --profile wins; then an
// API key in the environment; then the profile that LAMINA_PROFILE, the project config or `lamina profile use` names; then the
// default profile. Outside the local platform, this is the only package that builds HTTP transports. It does not import cobra.
package session

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/redact"
)

// Flags are the flags that concern credentials and connections.
type Flags struct {
	Profile   string // --profile
	Provider  string // --provider
	Workspace string // --workspace
	EnvFile   string // --env-file
	CAFile    string // --ca-file
}

// Manager opens the credential of one command, as a Session. Set the exported fields before you call a method.
type Manager struct {
	Flags Flags
	// Args is the command line without the program's name; hints repeat parts of it.
	Args   []string
	Getenv func(string) string
	// IsBlank reports whether an environment variable is set, but empty or only white space; nil: none is.
	IsBlank func(name string) bool
	Now     func() time.Time
	// Folder returns the working folder. If Folder is nil, no project config is looked up.
	Folder    func() (string, error)
	UserAgent string
	// InCI reports whether this is CI, where no user can sign in; nil means that it is not.
	InCI func() bool
	// Secrets collects what must not be shown; nil means that nothing is collected.
	Secrets *redact.Set

	// Say and Note write messages to the user. Note begins its message with "note:".
	Say, Note func(format string, args ...any)
	// Debug writes a line of the --debug log; nil means that it is off.
	Debug func(line string)
	// BestEffort is for work that must not delay the user, such as completion: no session is refreshed, and an access token is sent
	// only while it is valid.
	BestEffort bool

	service  *provider.Provider   // that the command itself is for; nil: --provider or the profile decides
	envFile  map[string]fileValue // variables of --env-file
	store    *config.Store
	opened   *Session
	chosen   *Choice // the last choice of a profile
	project  *config.Project
	settings *config.Document // of StoredSetting
	searched bool             // the project config was looked up; project is nil if there is none
}

// Store returns the store of the configuration. Every call returns the same store, because it caches the keys that it read from
// the keyring.
func (m *Manager) Store() *config.Store {
	if m.store == nil {
		m.store = &config.Store{Dir: config.DefaultDir(m.Getenv), Now: m.Now, LockWait: m.RequestTimeout() + lockMargin}
	}
	return m.store
}

// Load reads the configuration and prints its warnings as notes.
func (m *Manager) Load() (*config.Document, error) {
	if err := m.RefuseBlank("LAMINA_CONFIG_DIR"); err != nil {
		return nil, err
	}
	doc, err := m.Store().Load()
	if err != nil {
		return nil, err
	}
	for _, w := range doc.Warnings {
		m.Note("%s", w)
	}
	return doc, nil
}

// Open returns the session of the command. Further calls return the same session.
func (m *Manager) Open() (*Session, error) {
	if m.opened != nil {
		return m.opened, nil
	}
	base, err := m.Transport()
	if err != nil {
		return nil, err
	}
	s, err := m.environmentSession(base)
	if s == nil && err == nil {
		s, err = m.storedSession(base)
	}
	if err != nil {
		return nil, err
	}
	m.opened = s
	return s, nil
}

// OpenFor is Open for a command of one service; --provider is ignored. A session that is already open is returned as it is.
func (m *Manager) OpenFor(p provider.Provider) (*Session, error) {
	m.service = &p
	return m.Open()
}

// Opened returns the session if it is open already, else nil.
func (m *Manager) Opened() *Session { return m.opened }

// expiryNotice is the remaining idle lifetime below which the user is told when the session ends.
const expiryNotice = 3 * 24 * time.Hour

// Close lets a refresh in the background finish: it waits up to 2 seconds, or until the response is stored if the request was
// sent. It prints a note if the session expires soon.
func (m *Manager) Close() {
	s := m.opened
	if s == nil || s.source == nil {
		return
	}
	s.source.Wait(2 * time.Second)
	if left := s.source.RemainingIdle(s.Credential); left == 0 || left >= expiryNotice {
		return
	}
	doc, err := m.Store().Load() // this command may have refreshed the session: read its expiry again
	if err != nil {
		return
	}
	p, _ := doc.Profile(s.Profile)
	if left := s.source.RemainingIdle(p.Credential); left > 0 && left < expiryNotice {
		m.Note("the session of profile %s expires on %s if it is not used until then; for a new one: %s",
			s.Profile, m.Now().Add(left).Local().Format("2 January 15:04 MST"), m.FailContext().SignIn(s.Profile))
	}
}

// EndsSoon reports whether an idle lifetime above 0 is short enough for the note of Close.
func EndsSoon(left time.Duration) bool { return left < expiryNotice }

// FailContext returns what messages and hints depend on besides the error: the credential, the command line and the secrets.
func (m *Manager) FailContext() fail.Context {
	c := fail.Context{Args: m.Args, InCI: m.InCI != nil && m.InCI(), Secrets: m.Secrets}
	switch {
	case m.opened != nil:
		c.Credential = m.opened.describe()
	case m.chosen != nil:
		c.Credential = fail.Credential{Provider: m.chosen.Provider, Profile: m.chosen.Profile}
	case m.service != nil:
		c.Credential = fail.Credential{Provider: *m.service}
	}
	return c
}

// Describe returns the message, the hint, the code and the exit status of an error of this command.
func (m *Manager) Describe(err error) fail.Failure { return m.FailContext().Describe(err) }

// Lookup returns the value of an environment variable. For keys, addresses and settings of services that the environment lacks,
// it returns the value in the file of --env-file.
func (m *Manager) Lookup(name string) string { return cmp.Or(m.Getenv(name), m.envFile[name].text) }

// LookupFirst returns the first of these variables that is set, and its value. All of the environment come before those of the file.
func (m *Manager) LookupFirst(names []string) (name, value string) {
	for _, lookup := range []func(string) string{m.Getenv, m.Lookup} {
		for _, name := range names {
			if value := lookup(name); value != "" {
				return name, value
			}
		}
	}
	return "", ""
}

// lockMargin is how much longer a process waits for a lock than a request may take, because the holder of a refresh lock sends one
// request and stores its response.
const lockMargin = 5 * time.Second

// RequestTimeout is the time limit of one request, unless its service is slower: see provider.Provider. The time limit of locks follows
// from it.
func (m *Manager) RequestTimeout() time.Duration { return m.requestTimeout(0) }

// requestTimeout is the time limit of one request to a service that has another one than 30 seconds, or 0.
func (m *Manager) requestTimeout(ofService time.Duration) time.Duration {
	if d, err := time.ParseDuration(m.Getenv("LAMINA_REQUEST_TIMEOUT")); err == nil && d > 0 {
		return d
	}
	return cmp.Or(ofService, 30*time.Second)
}

// KeyPrefixes returns the prefixes of the keys of all services.
func (m *Manager) KeyPrefixes() []string {
	var prefixes []string
	for _, p := range m.usableProviders() {
		prefixes = append(prefixes, p.Prefixes()...)
	}
	return prefixes
}

// Debugf writes a message to the --debug log.
func (m *Manager) Debugf(format string, args ...any) {
	if m.Debug != nil {
		m.Debug(m.Secrets.Text("* " + fmt.Sprintf(format, args...)))
	}
}

// HTTPClient returns a client without a credential, for the authorization server.
func (m *Manager) HTTPClient() (*http.Client, error) {
	transport, err := m.Transport()
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport, Timeout: m.RequestTimeout()}, nil
}
