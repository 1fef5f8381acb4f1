package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// A session is the credential that commands use: an API key of the environment, or what a login stored.
type session struct {
	provider   provider.Provider
	profile    string
	fromEnv    bool
	choice     choice
	vault      config.Encryption // of a login
	baseURL    string
	workspace  string            // that Lamina is to check; may be empty
	settings   map[string]string // of a service that is not Lamina
	credential config.Credential // of a login, as it was when the command began
	key        config.Secret     // of the environment
	source     *auth.Session     // nil for a key of the environment
	transport  http.RoundTripper // adds the credential
}

// hintBefore is how long before a session ends unused the person is told.
const hintBefore = 3 * 24 * time.Hour

// store is the folder of the configuration. There is one for each command, because it remembers what the keyring said.
func (e *Env) store() *config.Store {
	if e.kept == nil {
		e.kept = &config.Store{Dir: config.DefaultDir(e.Getenv), Now: e.Now}
	}
	return e.kept
}

// load reads the configuration and says what was repaired.
func (e *Env) load() (*config.Document, error) {
	doc, err := e.store().Load()
	if err != nil {
		return nil, err
	}
	for _, w := range doc.Warnings {
		e.printer.Warn("%s %s", e.styles().Busy("note:"), term.Line(w))
	}
	return doc, nil
}

// loadChosen reads the configuration and chooses the profile.
func (e *Env) loadChosen() (*config.Document, choice, error) {
	doc, err := e.load()
	if err != nil {
		return nil, choice{}, err
	}
	chosen, err := e.choose(doc)
	return doc, chosen, err
}

// open finds the credential, once.
func (e *Env) open() (*session, error) {
	if e.session != nil {
		return e.session, nil
	}
	next, err := e.transport()
	if err != nil {
		return nil, err
	}
	s, err := e.envSession(next)
	if s == nil && err == nil {
		s, err = e.storedSession(next)
	}
	e.session = s
	return s, err
}

// envSession returns the session of a key in the environment, nil if there is none or a profile was named with a flag. Such
// a key goes to the service that the environment names, never to that of a stored login.
func (e *Env) envSession(next http.RoundTripper) (*session, error) {
	if e.flags.profile != "" {
		return nil, nil
	}
	p, err := e.wanted(nil)
	if err != nil {
		return nil, err
	}
	text := e.Getenv(p.EnvKey)
	if text == "" {
		return nil, nil
	}
	key, warning, err := auth.CheckAPIKey(p, text)
	if err != nil {
		return nil, usage("unset "+p.EnvKey, "%s: %v", p.EnvKey, err)
	}
	if warning != "" && p.IsLamina() {
		e.say("%s %s: %s", e.styles().Busy("note:"), p.EnvKey, warning)
	}
	s := &session{provider: p, fromEnv: true, key: key}
	if s.choice.pin, err = e.findPin(); err != nil {
		return nil, err
	}
	if err := e.environmentOf(s); err != nil {
		return nil, err
	}
	s.transport = withKey(p, next, s.baseURL, key)
	return s, nil
}

// environmentOf finds where a key of the environment belongs, and what goes with it.
func (e *Env) environmentOf(s *session) (err error) {
	p := s.provider
	if s.baseURL, err = e.baseFromEnv(p); err != nil {
		return err
	}
	if !p.IsLamina() {
		s.settings, err = e.settingsFromEnv(p)
		return err
	}
	if err := s.choice.checkBase(p.EnvKey, s.baseURL, "unset "+p.EnvKey+", or set LAMINA_BASE_URL to the service that is pinned"); err != nil {
		return err
	}
	s.workspace, _, err = e.wantedWorkspace(s.choice.pin)
	return err
}

// storedSession returns the session of a login.
func (e *Env) storedSession(next http.RoundTripper) (*session, error) {
	doc, chosen, err := e.loadChosen()
	if err != nil {
		return nil, err
	}
	p, name := chosen.provider, chosen.profile
	profile, ok := doc.Profile(name)
	if !ok {
		return nil, chosen.missing(doc)
	}
	if chosen.by == "flag" && e.Getenv(p.EnvKey) != "" {
		e.say("%s %s is set, but --profile wins over it", e.styles().Busy("note:"), p.EnvKey)
	}
	c := profile.Credential
	s := &session{
		provider: p, profile: name, choice: chosen, vault: profile.Encryption, baseURL: c.BaseURL, settings: c.Settings, credential: c,
	}
	if err := e.checkHost(chosen, name, c); err != nil {
		return nil, err
	}
	if p.IsLamina() {
		if s.workspace, err = e.checkWorkspace(chosen, doc, profile); err != nil {
			return nil, err
		}
	}
	s.source = &auth.Session{
		Store: e.store(), Profile: name, Provider: p, HTTP: &http.Client{Transport: next, Timeout: e.requestTimeout()}, Now: e.Now, Logf: e.debugf,
	}
	s.transport = &auth.Transport{Base: next, Header: p.KeyHeader, Scheme: p.KeyScheme, Source: s.source}
	return s, nil
}

// checkHost keeps a login from being used for another service than its own.
func (e *Env) checkHost(chosen choice, name string, c config.Credential) error {
	p := chosen.provider
	if variable, asked := e.firstEnv(p.BaseURLEnv); asked != "" {
		base, err := auth.NormalizeBase(asked)
		if err != nil {
			return baseURLError(variable, err)
		}
		if !auth.SameOrigin(base, c.BaseURL) {
			return &commandError{
				code: codeWrongHost, hint: loginCommand(p) + ", or unset " + variable,
				message: fmt.Sprintf("you are signed in to %s, but %s names %s: the login is not sent there", c.BaseURL, variable, base),
			}
		}
	}
	if !p.IsLamina() {
		return nil // a pin's base_url is Lamina's
	}
	return chosen.checkBase("profile "+name, c.BaseURL, "lamina profile list, and the same with --profile NAME")
}

func baseURLError(variable string, err error) error {
	return &usageError{code: codeInvalidArgument, message: variable + ": " + err.Error(), hint: "export " + variable + "=https://HOST", err: err}
}

// client returns the client of Lamina's API with the credential of this command.
func (e *Env) client() (*api.Client, error) {
	lamina := provider.Lamina()
	e.want = &lamina
	s, err := e.open()
	if err != nil {
		return nil, err
	}
	return e.clientOf(s), nil
}

// clientOf returns the API's client of a session.
func (e *Env) clientOf(s *session) *api.Client {
	if !s.provider.IsLamina() {
		return e.serviceClient(s.provider, s.baseURL, s.transport, s.settings)
	}
	return e.clientFor(s.baseURL, s.transport, s.workspace)
}

func (e *Env) clientFor(baseURL string, transport http.RoundTripper, workspace string) *api.Client {
	return &api.Client{
		BaseURL:   baseURL,
		HTTP:      &http.Client{Transport: transport},
		UserAgent: e.userAgent(),
		Workspace: workspace,
		Timeout:   e.requestTimeout(),
		OnRetry: func(err error, after time.Duration) {
			f := describe(err)
			e.say("%s; trying again in %s", term.Line(f.Message), after.Round(100*time.Millisecond))
		},
	}
}

func (e *Env) requestTimeout() time.Duration {
	return e.duration("LAMINA_REQUEST_TIMEOUT", 30*time.Second)
}

// settle ends what begin began: it waits briefly for a refresh in the background, and says when the session will end for
// want of use.
func (e *Env) settle() {
	if e.stop != nil {
		defer e.stop()
	}
	s := e.session
	if s == nil || s.source == nil {
		return
	}
	s.source.Wait(2 * time.Second)
	if left := s.source.RemainingIdle(s.credential); left == 0 || left >= hintBefore {
		return
	}
	doc, err := e.store().Load() // this command may have renewed it
	if err != nil {
		return
	}
	p, _ := doc.Profile(s.profile)
	if left := s.source.RemainingIdle(p.Credential); left > 0 && left < hintBefore {
		e.say("%s the session of profile %s ends on %s unless it is renewed before; lamina login starts a new one",
			e.styles().Busy("note:"), s.profile, e.Now().Add(left).Local().Format("2 January 15:04"))
	}
}

// savedWebhook returns the address that the configuration has for the ends of runs, or "".
func (e *Env) savedWebhook() (string, error) {
	doc, err := e.store().Load()
	var unreadable *config.FileError
	if errors.As(err, &unreadable) && e.Getenv(provider.Lamina().EnvKey) != "" {
		return "", nil // a key of the environment must do without the file
	}
	if err != nil {
		return "", err
	}
	return doc.Webhook().PublicURL, nil
}

// accountName tells accounts apart for the completion cache.
func (e *Env) accountName() string {
	if e.session == nil {
		return ""
	}
	return e.session.baseURL + " " + firstOf(e.session.profile, "environment") + " " + e.session.credential.Account.WorkspaceID
}

// debugf shows what goes on inside, with --debug.
func (e *Env) debugf(format string, args ...any) {
	if e.debugging() {
		e.printer.Verbatim("* %s", term.Line(fmt.Sprintf(format, args...)))
	}
}

func (e *Env) debugging() bool { return e.flags.debug || e.Getenv("LAMINA_DEBUG") != "" }

func isLoopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "http" // NormalizeBase lets http pass for this machine only
}
