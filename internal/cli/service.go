package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// addProviderFlag lets a command name the service that it is about.
func (e *Env) addProviderFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.flags.provider, "provider", "", "mean the service with this `NAME`, instead of Lamina")
	_ = cmd.RegisterFlagCompletionFunc("provider", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return e.providerNames(), cobra.ShellCompDirectiveNoFileComp
	})
}

// providerNames lists the services that can be signed in to.
func (e *Env) providerNames() []string {
	var names []string
	for _, p := range provider.All() {
		names = append(names, p.Name)
	}
	files, _ := filepath.Glob(filepath.Join(e.store().ProvidersDir(), "*.json"))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}

// findProvider returns the service of that name: one that is built in, or one that a person described in a file.
func (e *Env) findProvider(name string) (provider.Provider, error) {
	if p, ok := provider.Find(name); ok {
		return p, nil
	}
	none := &usageError{
		code: codeInvalidArgument, hint: "lamina login --provider " + provider.Laghav().Name,
		message: fmt.Sprintf("there is no service %q; there are %s", name, strings.Join(e.providerNames(), ", ")),
	}
	if !provider.IsName(name) {
		return provider.Provider{}, none
	}
	raw, err := e.store().ReadProvider(name)
	if errors.Is(err, fs.ErrNotExist) {
		return provider.Provider{}, none
	}
	path := filepath.Join(e.store().ProvidersDir(), name+".json")
	if err != nil {
		return provider.Provider{}, &usageError{code: codeInvalidProvider, message: fmt.Sprintf("could not read %s: %v", path, err), err: err}
	}
	p, err := provider.Parse(raw)
	if err == nil && p.Name != name {
		err = fmt.Errorf("its name is %q, and must be %q, like that of the file", p.Name, name)
	}
	if err != nil {
		return provider.Provider{}, &usageError{
			code: codeInvalidProvider, message: fmt.Sprintf("%s cannot be used: %v", path, err), hint: "mend the file; lamina explain " + codeInvalidProvider.name,
		}
	}
	return p, nil
}

// wanted is the service that a command is about: its own, the one of --provider, that of the profile of --profile or
// LAMINA_PROFILE, or Lamina. doc is read if need be.
func (e *Env) wanted(doc *config.Document) (provider.Provider, error) {
	name := firstOf(e.flags.profile, e.Getenv("LAMINA_PROFILE"))
	switch {
	case e.want != nil:
		return *e.want, nil
	case e.flags.provider != "":
		return e.findProvider(e.flags.provider)
	case name == "":
		return provider.Lamina(), nil
	}
	if doc == nil {
		var err error
		if doc, err = e.store().Load(); err != nil {
			return provider.Lamina(), nil //nolint:nilerr // a key of the environment needs no file; who needs it says what is wrong
		}
	}
	if p, ok := doc.Profile(name); ok {
		return e.findProvider(providerOf(p.Credential))
	}
	return provider.Lamina(), nil
}

// providerOf names the service of a credential.
func providerOf(c config.Credential) string { return firstOf(c.Provider, provider.Lamina().Name) }

// loginCommand is how one signs in to a service.
func loginCommand(p provider.Provider) string {
	if p.IsLamina() {
		return "lamina login"
	}
	return "lamina login --provider " + p.Name
}

// firstEnv returns the first of these variables that is set, and its value.
func (e *Env) firstEnv(names []string) (name, value string) {
	for _, name := range names {
		if value := e.Getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// baseFromEnv is where a key of the environment belongs.
func (e *Env) baseFromEnv(p provider.Provider) (string, error) {
	variable, text := e.firstEnv(p.BaseURLEnv)
	if text == "" {
		text = p.BaseURL
	}
	if text == "" {
		return "", usage("export "+strings.Join(p.BaseURLEnv[:min(1, len(p.BaseURLEnv))], "")+"=https://HOST/PATH",
			"%s is set, but not where the key belongs: %s", p.EnvKey, firstOf(p.BaseURLHelp, "this service has an address for each customer"))
	}
	base, err := auth.NormalizeBase(text)
	if err != nil {
		return "", baseURLError(firstOf(variable, p.Name), err)
	}
	return base, nil
}

// settingsFromEnv finds what goes with a key of the environment.
func (e *Env) settingsFromEnv(p provider.Provider) (map[string]string, error) {
	settings := map[string]string{}
	for _, s := range p.Settings {
		variable, value := e.firstEnv(s.Env)
		if err := checkSetting(s, value); err != nil {
			return nil, usage("unset "+variable, "%s: %v", variable, err)
		}
		if value == "" && s.Required {
			hint := loginCommand(p)
			if len(s.Env) > 0 {
				hint = "export " + s.Env[0] + "=VALUE"
			}
			return nil, usage(hint, "%s is set, but not the %s that goes with it: %s", p.EnvKey, s.Title, s.Help)
		}
		if value != "" {
			settings[s.Name] = value
		}
	}
	return settings, nil
}

// checkSetting refuses a value that could not be sent, or that is none of those that do. An empty one passes.
func checkSetting(s provider.Setting, value string) error {
	if len(value) > 1000 || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s must be one word of plain characters", s.Name)
	}
	if value != "" && len(s.Values) > 0 && !slices.Contains(s.Values, value) {
		return fmt.Errorf("%s must be one of %s, not %q", s.Name, strings.Join(s.Values, ", "), value)
	}
	return nil
}

// service opens the credential of a service that is not Lamina, and returns its client.
func (e *Env) service(p provider.Provider) (*api.Client, *session, error) {
	e.want = &p
	s, err := e.open()
	if err != nil {
		return nil, nil, err
	}
	return e.clientOf(s), s, nil
}

// anonymous returns the client of a service for what needs no key: where the environment says that it is, where the login
// is, or at its usual address.
func (e *Env) anonymous(p provider.Provider) (*api.Client, error) {
	base, err := e.baseFromEnv(p)
	if err != nil {
		return nil, err
	}
	if _, named := e.firstEnv(p.BaseURLEnv); named == "" {
		e.want = &p
		doc, chosen, err := e.loadChosen()
		if err != nil {
			return nil, err
		}
		if profile, ok := doc.Profile(chosen.profile); ok {
			base = profile.Credential.BaseURL
		}
	}
	transport, err := e.transport()
	if err != nil {
		return nil, err
	}
	return e.serviceClient(p, base, transport, nil), nil
}

// withKey adds a key to requests for the service at an address.
func withKey(p provider.Provider, next http.RoundTripper, baseURL string, key config.Secret) *auth.Transport {
	return &auth.Transport{
		Base: next, Header: p.KeyHeader, Scheme: p.KeyScheme, Source: auth.StaticKey{Key: key, BaseURL: baseURL},
	}
}

// serviceClient returns the client of a service at an address.
func (e *Env) serviceClient(p provider.Provider, baseURL string, transport http.RoundTripper, settings map[string]string) *api.Client {
	c := e.clientFor(baseURL, transport, "")
	if p.IsLamina() {
		return c
	}
	c.Header = http.Header{}
	for _, s := range p.Settings {
		if value := settings[s.Name]; s.Header != "" && value != "" {
			c.Header.Set(s.Header, value)
		}
	}
	c.ReadRefusal = func(err *api.Error, header http.Header, body []byte) bool {
		return readRefusal(p, e.Now(), err, header, body)
	}
	return c
}

// readRefusal fills an error from what a service answered, as its table describes it.
func readRefusal(p provider.Provider, now time.Time, err *api.Error, header http.Header, body []byte) bool {
	r, shaped := p.Errors.Read(body)
	answer := p.Answer(err.Status, r.Code)
	err.Service, err.Cause, err.Says, err.Try = p.Title, string(answer.Means), answer.Says, answer.Try
	err.Code, err.Message = r.Code, r.Message
	var rest struct{ Details json.RawMessage }
	_ = json.Unmarshal(body, &rest) // few services have details
	err.Details = api.ParseDetails(rest.Details)
	if err.Message == "" {
		err.Message = answer.Says
	}
	if id := firstOf(r.RequestID, header.Get(p.Errors.RequestIDHeader)); id != "" {
		err.RequestID = id
	}
	err.Retryable = answer.Means == provider.Unavailable || answer.Means == provider.RateLimited
	err.Final = !err.Retryable
	if reset, parseErr := strconv.ParseInt(header.Get(p.RateLimit.Reset), 10, 64); parseErr == nil && answer.Means == provider.RateLimited && err.RetryAfter == 0 {
		err.RetryAfter = max(0, min(time.Unix(reset, 0).Sub(now).Round(time.Second), time.Hour))
	}
	return shaped
}
