package account

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// status describes the credential in use and the ones that it overrides.
type status struct {
	SignedIn   bool               `json:"signedIn"`
	Provider   string             `json:"provider"`
	Profile    string             `json:"profile,omitempty"`
	ChosenBy   session.SourceKind `json:"chosenBy,omitempty"`
	Credential credentialStatus   `json:"credential"`
	Account    config.Account     `json:"account"`
	Path       string             `json:"path,omitempty"`
	Key        *keyStatus         `json:"key,omitempty"` // of a service with API keys only
	Project    *projectStatus     `json:"pin,omitempty"`
	Overridden []overridden       `json:"overridden,omitempty"`
}

// credentialStatus describes a credential without its secrets.
type credentialStatus struct {
	Kind             config.Kind       `json:"kind"`
	Source           string            `json:"source"` // an environment variable, or config
	Storage          config.Storage    `json:"storage,omitempty"`
	BaseURL          string            `json:"baseUrl"`
	SavedAt          *time.Time        `json:"savedAt,omitempty"`
	ExpiresAt        *time.Time        `json:"expiresAt,omitempty"`
	SessionExpiresAt *time.Time        `json:"sessionExpiresAt,omitempty"`
	Scope            string            `json:"scope,omitempty"`
	RequestedScope   string            `json:"requestedScope,omitempty"` // if other scopes were granted
	Params           string            `json:"params,omitempty"`         // further parameters of authorization requests, as a query
	ClientAuth       string            `json:"clientAuth,omitempty"`     // of a confidential client
	Issuer           string            `json:"issuer,omitempty"`         // a third-party authorization server
	Settings         map[string]string `json:"settings,omitempty"`
}

// keyStatus describes the key of a service with API keys only.
type keyStatus struct {
	Class   string           `json:"class,omitempty"` // live or test, by its prefix
	Note    string           `json:"note,omitempty"`
	Verdict *session.Verdict `json:"verdict,omitempty"` // nil: the service was not asked
}

// newKeyStatus describes a key by its prefix.
func newKeyStatus(p provider.Provider, key config.Secret, verdict *session.Verdict) *keyStatus {
	shape, _ := p.Shape(key.Reveal())
	return &keyStatus{Class: shape.Class, Note: shape.Note, Verdict: verdict}
}

// projectStatus describes the project config.
type projectStatus struct {
	Path      string `json:"path"`
	Profile   string `json:"profile,omitempty"`
	BaseURL   string `json:"baseUrl,omitempty"`
	Workspace string `json:"workspace,omitempty"`
}

// newStored describes a stored credential.
func newStored(p config.Profile, path string) status {
	c := p.Credential
	return status{
		SignedIn: true, Provider: session.ProviderOf(c), Profile: p.Name, Account: c.Account, Path: path,
		Credential: credentialStatus{
			Kind: c.Kind, Source: "config", Storage: p.Encryption.Storage(), BaseURL: c.BaseURL, Scope: c.Scope, Issuer: issuerOf(c),
			SavedAt: timeOrNil(c.SavedAt), ExpiresAt: timeOrNil(c.ExpiresAt), SessionExpiresAt: timeOrNil(c.RefreshExpiresAt),
			Settings: c.Settings, RequestedScope: requestedScope(c),
			Params: auth.ClientOf(c).Params, ClientAuth: auth.ClientOf(c).Auth.Method,
		},
	}
}

// requestedScope returns the scopes that the sign-in requested if the server granted others; "" otherwise.
func requestedScope(c config.Credential) string {
	requested, granted := strings.Fields(c.RequestedScope), strings.Fields(c.Scope)
	slices.Sort(requested)
	slices.Sort(granted)
	if slices.Equal(requested, granted) {
		return ""
	}
	return c.RequestedScope
}

// clientFields returns what is shown of the OAuth client of a session.
func clientFields(c credentialStatus) []string {
	params, err := url.QueryUnescape(c.Params)
	if err != nil {
		params = c.Params
	}
	fields := []string{"parameters", params, "client auth", c.ClientAuth}
	if c.RequestedScope != "" {
		fields = append(fields, "scopes", c.Scope, "requested", c.RequestedScope)
	}
	return fields
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func newStatus(env *cmdutil.Env) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which credential is used, its account and its expiry",
		Long: "Show which credential is used, which setting selected it, and which others it overrides. The service is asked\n" +
			"whether it accepts the credential, unless --offline is set. The exit status is 4 if there is no credential, if the\n" +
			"session is over, or if the service refuses it.",
		Example: "lamina auth status\nlamina auth status --offline --json",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return showStatus(cmd.Context(), env, offline) },
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "do not ask the service")
	complete.AddProviderFlag(cmd, env)
	return cmd
}

func showStatus(ctx context.Context, env *cmdutil.Env, offline bool) error {
	s, err := env.Sessions.Open()
	if err != nil {
		return err
	}
	st := statusOf(env, s)
	if offline {
		err = s.CheckOffline()
	} else {
		err = checkOnline(ctx, env, s, &st)
	}
	if err != nil {
		return err
	}
	return env.PrintWithOldFields(st, func(p *output.Page) { writeStatus(p, st, s) })
}

// statusOf describes the credential of a session.
func statusOf(env *cmdutil.Env, s *session.Session) status {
	st := newStored(s.StoredProfile(), env.Sessions.Store().PathOf(s.StoredProfile()))
	st.ChosenBy = s.Choice.Kind
	if !s.Stored() {
		st.Provider, st.Profile, st.Path = s.Provider.Name, "", ""
		st.Credential = credentialStatus{Kind: config.APIKey, Source: s.Variable, BaseURL: s.BaseURL, Settings: s.Settings}
	}
	if p := s.Choice.Project; p != nil {
		st.Project = &projectStatus{Path: p.Path, Profile: p.Profile, BaseURL: p.BaseURL, Workspace: p.Workspace}
	}
	if s.Provider.AccountPath == "" {
		st.Key = newKeyStatus(s.Provider, s.Key(), nil)
	}
	st.Overridden = overriddenBy(env.Sessions, s)
	return st
}

// checkOnline asks the service whether it accepts the credential, and fills in what it reports.
func checkOnline(ctx context.Context, env *cmdutil.Env, s *session.Session, st *status) error {
	if s.Provider.AccountPath == "" {
		verdict, err := env.Sessions.CheckKey(ctx, s.Provider, s.Client())
		st.Key.Verdict = &verdict
		return err
	}
	identity, err := s.Identify(ctx)
	switch {
	case err != nil:
		if err := tolerateUnidentified(ctx, env, s, err); err != nil {
			return err
		}
	case identity.Reply != nil:
		st.Account = accountOf(identity.Reply.Data)
	default:
		st.Account = identity.Userinfo
	}
	if !s.Stored() {
		return nil
	}
	doc, err := env.Sessions.Store().Load() // the request may have refreshed the session
	if err != nil {
		return err
	}
	if p, ok := doc.Profile(s.Profile); ok {
		s.Credential = p.Credential
		st.Credential = newStored(p, "").Credential
	}
	return nil
}

// tolerateUnidentified turns the API's failure to report the account into a note, if the session is valid and the API never
// reported its account.
func tolerateUnidentified(ctx context.Context, env *cmdutil.Env, s *session.Session, failed error) error {
	if !s.Credential.ThirdParty {
		return failed
	}
	known := s.Credential.Account.UserID
	if known == "" {
		_, _, err := s.Token(ctx)
		if err != nil {
			return err
		}
	} else if account, err := s.Userinfo(ctx); err != nil || account.UserID != known {
		return failed
	}
	noteUnidentified(env.Sessions, s.BaseURL, failed)
	return nil
}

// overridden is a profile, or an environment variable with a key, that could be used and is not.
type overridden struct {
	Profile string         `json:"profile,omitempty"`
	Source  string         `json:"source,omitempty"` // an environment variable
	Exists  bool           `json:"exists"`
	Kind    config.Kind    `json:"kind,omitempty"`
	Storage config.Storage `json:"storage,omitempty"`
	BaseURL string         `json:"baseUrl,omitempty"`
	Email   string         `json:"email,omitempty"`
	Why     string         `json:"why"`
}

// overriddenBy lists what a session overrides: profiles that are signed in, and profiles that a setting names.
func overriddenBy(sessions *session.Manager, s *session.Session) []overridden {
	doc, err := sessions.Store().Load()
	if err != nil {
		return nil // a key of the environment needs no file
	}
	names, sources := session.ProfilesOf(doc, s.Provider), s.Choice.Overridden
	if !s.Stored() {
		chosen, err := sessions.Choose(doc)
		if err != nil {
			return nil
		}
		sources = append([]session.Source{chosen.Source}, chosen.Overridden...)
	}
	isDefault := func(source session.Source) bool { return source.Kind == session.FromDefault }
	sources = slices.DeleteFunc(slices.Clone(sources), isDefault)
	for _, source := range sources {
		if !slices.Contains(names, source.Profile) {
			names = append(names, source.Profile)
		}
	}
	var found []overridden
	if s.Stored() && sessions.Lookup(s.Provider.EnvKey) != "" {
		found = append(found, overridden{Source: s.Provider.EnvKey, Exists: true, Kind: config.APIKey, Why: s.Choice.Name + " selects " + s.Profile})
	}
	for _, name := range names {
		if !s.Stored() || name != s.Profile {
			found = append(found, newOverridden(doc, s, sources, name))
		}
	}
	return found
}

func newOverridden(doc *config.Document, s *session.Session, sources []session.Source, name string) overridden {
	var why string
	switch {
	case !s.Stored():
		why = s.Variable + " is set"
	case s.Choice.IsImplicit():
		why = fmt.Sprintf("%s is %s", s.Profile, s.Choice.Name)
	default:
		why = fmt.Sprintf("%s selects %s", s.Choice.Name, s.Profile)
	}
	if i := slices.IndexFunc(sources, func(source session.Source) bool { return source.Profile == name }); i >= 0 {
		why = fmt.Sprintf("%s selects it, but %s", sources[i].Name, why)
	}
	p, ok := doc.Profile(name)
	if !ok {
		return overridden{Profile: name, Why: "it is not signed in; " + why}
	}
	return overridden{
		Profile: name, Exists: true, Kind: p.Credential.Kind, Storage: p.Encryption.Storage(), BaseURL: p.Credential.BaseURL,
		Email: p.Credential.Account.Email, Why: why,
	}
}

func writeStatus(p *output.Page, st status, s *session.Session) {
	if st.Key != nil {
		writeKeyStatus(p, st, s)
		return
	}
	writeAccount(p, st.Account, st.Credential.BaseURL)
	name := st.Account.Name
	if name == accountName(st.Account) {
		name = ""
	}
	fields := []string{
		"name", name, "workspace", session.DescribeWorkspace(st.Account), "service", st.Credential.BaseURL, "issuer", st.Credential.Issuer, "profile", describeChoice(s.Choice),
		"credential", describeKind(st.Credential.Kind), "from", describeStorage(st),
	}
	if s.Stored() {
		fields = append(fields, "expires", describeExpiry(s.Credential))
	}
	fields = append(fields, clientFields(st.Credential)...)
	if st.Project != nil {
		fields = append(fields, "project config", st.Project.Path)
	}
	p.Fields(append(fields, overriddenFields(st)...)...)
}

// writeKeyStatus describes a credential of a service with API keys only.
func writeKeyStatus(p *output.Page, st status, s *session.Session) {
	p.Line("%s %s", p.Good("Signed in to"), p.Bold(s.Provider.Title))
	fields := append(keyFields(st), "profile", describeChoice(s.Choice), "from", describeStorage(st))
	p.Fields(append(fields, overriddenFields(st)...)...)
	if st.Key.Verdict != nil {
		writeVerdict(p, *st.Key.Verdict)
	}
}

func overriddenFields(st status) []string {
	var fields []string
	for _, o := range st.Overridden {
		text := cmp.Or(o.Source, "profile "+o.Profile)
		if o.Profile != "" && o.Exists {
			account := nonEmpty(" of %s", o.Email)
			text += fmt.Sprintf(" (%s%s at %s, in the %s)", describeKind(o.Kind), account, o.BaseURL, o.Storage)
		}
		fields = append(fields, "not used", text+": "+o.Why)
	}
	return fields
}

func describeChoice(c session.Choice) string {
	switch {
	case c.Kind == "":
		return ""
	case c.IsImplicit():
		return fmt.Sprintf("%s (%s)", c.Profile, c.Name)
	}
	return fmt.Sprintf("%s (selected by %s)", c.Profile, c.Name)
}
