package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// A status is what is known of the credential in use, and of what it wins over.
type status struct {
	SignedIn   bool             `json:"signedIn"`
	Provider   string           `json:"provider"`
	Profile    string           `json:"profile,omitempty"`
	ChosenBy   string           `json:"chosenBy,omitempty"` // flag, environment, pin, current or default
	Credential statusCredential `json:"credential"`
	Account    config.Account   `json:"account"`
	Path       string           `json:"path,omitempty"`
	Key        *statusKey       `json:"key,omitempty"` // of a service that is not Lamina
	Pin        *statusPin       `json:"pin,omitempty"`
	Overridden []loser          `json:"overridden,omitempty"`
}

// A statusCredential describes a credential without its secrets.
type statusCredential struct {
	Kind             config.Kind    `json:"kind"`
	Source           string         `json:"source"` // a variable of the environment, or config
	Storage          config.Storage `json:"storage,omitempty"`
	BaseURL          string         `json:"baseUrl"`
	SavedAt          *time.Time     `json:"savedAt,omitempty"`
	ExpiresAt        *time.Time     `json:"expiresAt,omitempty"`
	SessionExpiresAt *time.Time     `json:"sessionExpiresAt,omitempty"`
	Scope            string         `json:"scope,omitempty"`
	Issuer           string         `json:"issuer,omitempty"` // of a login with --issuer

	Settings map[string]string `json:"settings,omitempty"` // of a service that is not Lamina
}

// A statusKey is what is known of the key of a service that is not Lamina.
type statusKey struct {
	Class   string      `json:"class,omitempty"` // live or test, by its shape
	Note    string      `json:"note,omitempty"`
	Verdict *keyVerdict `json:"verdict,omitempty"` // nil: the service was not asked
}

// newStatusKey describes a key without telling it.
func newStatusKey(p provider.Provider, key config.Secret, verdict *keyVerdict) *statusKey {
	shape, _ := p.Shape(key.Reveal())
	return &statusKey{Class: shape.Class, Note: shape.Note, Verdict: verdict}
}

// A statusPin is the pin of the folder.
type statusPin struct {
	Path      string `json:"path"`
	Profile   string `json:"profile,omitempty"`
	BaseURL   string `json:"baseUrl,omitempty"`
	Workspace string `json:"workspace,omitempty"`
}

// A loser is a profile, or a key of the environment, that could be used and is not.
type loser struct {
	Profile string         `json:"profile,omitempty"`
	Source  string         `json:"source,omitempty"` // a variable of the environment
	Exists  bool           `json:"exists"`
	Kind    config.Kind    `json:"kind,omitempty"`
	Storage config.Storage `json:"storage,omitempty"`
	BaseURL string         `json:"baseUrl,omitempty"`
	Email   string         `json:"email,omitempty"`
	Why     string         `json:"why"`
}

// newStatus describes a login.
func newStatus(p config.Profile, path string) status {
	c := p.Credential
	return status{
		SignedIn: true, Provider: providerOf(c), Profile: p.Name, Account: c.Account, Path: path,
		Credential: statusCredential{
			Kind: c.Kind, Source: "config", Storage: p.Encryption.Storage(), BaseURL: c.BaseURL, Scope: c.Scope, Issuer: issuerOf(c),
			SavedAt: timeOrNil(c.SavedAt), ExpiresAt: timeOrNil(c.ExpiresAt), SessionExpiresAt: timeOrNil(c.RefreshExpiresAt),
			Settings: c.Settings,
		},
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func newAuthStatusCmd(env *Env) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which credential is used, whose it is and how long it lives",
		Long: "Show which credential is used, who chose it, and what it wins over. The service is asked whether it accepts it,\n" +
			"unless --offline is given. The exit status is 4 where there is none, it is over, or it is not accepted.",
		Example: "lamina auth status\nlamina auth status --offline --json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return authStatus(cmd.Context(), env, offline) },
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "do not ask the service")
	env.addProviderFlag(cmd)
	return cmd
}

func authStatus(ctx context.Context, env *Env, offline bool) error {
	s, err := env.open()
	if err != nil {
		return err
	}
	st := env.statusOf(s)
	if offline {
		err = env.checkOffline(s)
	} else {
		err = env.checkOnline(ctx, s, &st)
	}
	if err != nil {
		return err
	}
	return env.print(st, func(p *output.Page) { writeStatus(p, st, s) })
}

func (e *Env) statusOf(s *session) status {
	st := newStatus(config.Profile{Name: s.profile, Credential: s.credential, Encryption: s.vault}, e.store().Path())
	st.ChosenBy = s.choice.by
	if s.fromEnv {
		st.Provider, st.Profile, st.Path = s.provider.Name, "", ""
		st.Credential = statusCredential{Kind: config.APIKey, Source: s.provider.EnvKey, BaseURL: s.baseURL, Settings: s.settings}
	}
	if pin := s.choice.pin; pin != nil {
		st.Pin = &statusPin{Path: pin.Path, Profile: pin.Profile, BaseURL: pin.BaseURL, Workspace: pin.Workspace}
	}
	if !s.provider.IsLamina() {
		st.Key = newStatusKey(s.provider, s.secret(e), nil)
	}
	st.Overridden = e.losers(s)
	return st
}

// checkOnline asks the service whose credential it is.
func (e *Env) checkOnline(ctx context.Context, s *session, st *status) error {
	if !s.provider.IsLamina() {
		verdict, err := e.checkKey(ctx, s.provider, e.clientOf(s))
		st.Key.Verdict = &verdict
		return err
	}
	reply, err := e.clientOf(s).Account(ctx)
	if err == nil {
		st.Account = accountOf(reply.Data)
	} else if err := e.forgive(ctx, s, err); err != nil {
		return err
	}
	if s.fromEnv {
		return nil
	}
	doc, err := e.store().Load() // the session may have been renewed by that
	if err != nil {
		return err
	}
	if p, ok := doc.Profile(s.profile); ok {
		s.credential = p.Credential
		st.Credential = newStatus(p, "").Credential
	}
	return nil
}

// checkOffline finds out what this machine knows: that the session is over, or that its secrets cannot be had.
func (e *Env) checkOffline(s *session) error {
	c := s.credential
	switch {
	case s.fromEnv:
		return nil
	case !c.EndedAt.IsZero():
		return &auth.SessionEndedError{Profile: s.profile, Reason: auth.Reason(c.EndedReason)}
	case !c.RefreshExpiresAt.IsZero() && e.Now().After(c.RefreshExpiresAt) && e.Now().After(c.ExpiresAt):
		return &auth.SessionEndedError{Profile: s.profile, Reason: auth.ReasonUnused}
	}
	_, err := e.store().Decrypt(config.Profile{Name: s.profile, Credential: c, Encryption: s.vault})
	return err
}

// losers lists the profiles that are not used, and why: those that are signed in, and those that somebody names.
func (e *Env) losers(s *session) []loser {
	doc, err := e.store().Load()
	if err != nil {
		return nil // a key of the environment needs no file
	}
	names, named := doc.ProfileNames(), s.choice.losers
	names = slices.DeleteFunc(names, func(name string) bool { return !isOf(doc, name, s.provider) })
	if s.fromEnv {
		chosen, err := e.choose(doc)
		if err != nil {
			return nil
		}
		named = chosen.losers
		if chosen.by != "default" && chosen.by != "current" {
			named = append([]chooser{chosen.chooser}, named...)
		}
	}
	for _, n := range named {
		if n.by != "default" && !slices.Contains(names, n.profile) {
			names = append(names, n.profile)
		}
	}
	var found []loser
	if !s.fromEnv && e.Getenv(s.provider.EnvKey) != "" {
		found = append(found, loser{Source: s.provider.EnvKey, Exists: true, Kind: config.APIKey, Why: s.choice.says + " chooses " + s.profile})
	}
	for _, name := range names {
		if s.fromEnv || name != s.profile {
			found = append(found, newLoser(doc, s, named, name))
		}
	}
	return found
}

func newLoser(doc *config.Document, s *session, named []chooser, name string) loser {
	why := fmt.Sprintf("%s chooses %s", s.choice.says, s.profile)
	if s.choice.by == "default" || s.choice.by == "current" {
		why = fmt.Sprintf("%s is %s", s.profile, s.choice.says)
	}
	if s.fromEnv {
		why = s.provider.EnvKey + " is set"
	}
	if i := slices.IndexFunc(named, func(c chooser) bool { return c.profile == name }); i >= 0 && named[i].by != "default" {
		why = fmt.Sprintf("%s names it, but %s", named[i].says, why)
	}
	p, ok := doc.Profile(name)
	if !ok {
		return loser{Profile: name, Why: "nobody is signed in to it; " + why}
	}
	return loser{
		Profile: name, Exists: true, Kind: p.Credential.Kind, Storage: p.Encryption.Storage(), BaseURL: p.Credential.BaseURL,
		Email: p.Credential.Account.Email, Why: why,
	}
}

func writeStatus(p *output.Page, st status, s *session) {
	if st.Key != nil {
		writeServiceStatus(p, st, s)
		return
	}
	writeWho(p, st.Account, st.Credential.BaseURL)
	fields := []string{
		"workspace", describeWorkspace(st.Account), "service", st.Credential.BaseURL, "issuer", st.Credential.Issuer, "profile", describeChoice(s.choice),
		"credential", describeKind(st.Credential.Kind), "from", describeStorage(st),
	}
	if !s.fromEnv {
		fields = append(fields, "lives", describeLife(s.credential))
	}
	if st.Pin != nil {
		fields = append(fields, "folder", "pinned by "+st.Pin.Path)
	}
	p.Fields(append(fields, losersFields(st)...)...)
}

// writeServiceStatus tells of a credential of a service that is not Lamina.
func writeServiceStatus(p *output.Page, st status, s *session) {
	p.Line("%s %s", p.Good("Signed in to"), p.Bold(s.provider.Title))
	fields := append(serviceFields(st), "profile", describeChoice(s.choice), "from", describeStorage(st))
	p.Fields(append(fields, losersFields(st)...)...)
	if st.Key.Verdict != nil {
		writeVerdict(p, *st.Key.Verdict)
	}
}

func losersFields(st status) []string {
	var fields []string
	for _, l := range st.Overridden {
		text := firstOf(l.Source, "profile "+l.Profile)
		if l.Profile != "" && l.Exists {
			text += fmt.Sprintf(" (%s of %s at %s, in the %s)", describeKind(l.Kind), firstOf(l.Email, "somebody"), l.BaseURL, l.Storage)
		}
		fields = append(fields, "not used", text+": "+l.Why)
	}
	return fields
}

func describeChoice(c choice) string {
	switch c.by {
	case "":
		return ""
	case "default", "current":
		return fmt.Sprintf("%s (%s)", c.profile, c.says)
	}
	return fmt.Sprintf("%s (chosen by %s)", c.profile, c.says)
}

func describeKind(k config.Kind) string {
	if k == config.APIKey {
		return "API key"
	}
	return "session"
}

// describeStorage says where a secret sits.
func describeStorage(st status) string {
	switch {
	case st.Path == "":
		return st.Credential.Source + " of the environment"
	case st.Credential.Storage == config.StorageKeyring:
		return st.Path + ", sealed with a key in the OS keyring"
	}
	return st.Path
}
