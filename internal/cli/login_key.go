package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// checkServiceLogin refuses what only a sign-in to Lamina has.
func (s *signIn) checkServiceLogin() error {
	if s.provider.IsLamina() {
		if len(s.set) > 0 {
			return usage("lamina login --provider NAME --set NAME=VALUE", "--set is for other services than Lamina, which --provider names")
		}
		return nil
	}
	if s.device || s.resume || s.browser || s.noBrowser || s.remember || s.issuer != "" || s.clientID != "" || s.port != 0 || s.scope != "" {
		return usage(loginCommand(s.provider), "%s knows only API keys: there is no sign-in with a browser, a device code or an issuer", s.provider.Title)
	}
	if s.profile == config.DefaultProfile {
		return usage(loginCommand(s.provider)+" --profile NAME", "profile %s is Lamina's; keep a key of %s in one of another name", s.profile, s.provider.Title)
	}
	return nil
}

// gatherSettings finds what a sign-in needs beside the key: flag, environment, what the profile had, default. Nothing is asked
// yet.
func (s *signIn) gatherSettings() error {
	given, err := s.parseSet()
	if err != nil {
		return err
	}
	s.settings = map[string]string{}
	for _, setting := range s.provider.Settings {
		_, fromEnv := s.env.firstEnv(setting.Env)
		value := firstOf(given[setting.Name], fromEnv, s.before.Settings[setting.Name])
		if err := checkSetting(setting, value); err != nil {
			return usage(loginCommand(s.provider)+" --set "+setting.Name+"=VALUE", "%v", err)
		}
		if value != "" {
			s.settings[setting.Name] = value
		}
	}
	_, fromEnv := s.env.firstEnv(s.provider.BaseURLEnv)
	return s.setBase(firstOf(given["url"], fromEnv, s.before.BaseURL, s.provider.BaseURL))
}

// setBase decides where the service is; "" leaves it open.
func (s *signIn) setBase(raw string) (err error) {
	if raw == "" {
		return nil
	}
	if s.baseURL, err = auth.NormalizeBase(raw); err != nil {
		return usage(loginCommand(s.provider)+" --set url=https://HOST/PATH", "the address of %s: %v", s.provider.Title, err)
	}
	return nil
}

// parseSet reads the values of --set.
func (s *signIn) parseSet() (map[string]string, error) {
	given := map[string]string{}
	for _, pair := range s.set {
		name, value, ok := strings.Cut(pair, "=")
		_, known := s.provider.Setting(name)
		switch {
		case !ok || value == "":
			return nil, usage(loginCommand(s.provider)+" --set NAME=VALUE", "--set wants NAME=VALUE, not %q", pair)
		case !known && name != "url":
			return nil, usage(loginCommand(s.provider)+" --help", "%s has no setting %q; it has %s", s.provider.Title, name, strings.Join(settingNames(s.provider), ", "))
		}
		given[name] = value
	}
	return given, nil
}

func settingNames(p provider.Provider) []string {
	names := []string{"url"}
	for _, s := range p.Settings {
		names = append(names, s.Name)
	}
	return names
}

// serviceRoad keeps a key of a service that is not Lamina, once that has accepted it.
func (s *signIn) serviceRoad(ctx context.Context) error {
	if err := s.askSettings(ctx); err != nil {
		return err
	}
	key, err := s.readKey(ctx)
	if err != nil {
		return err
	}
	c := config.Credential{
		Kind: config.APIKey, Provider: s.provider.Name, Settings: s.settings, Token: key, BaseURL: s.baseURL, SavedAt: s.env.Now(),
	}
	if s.learned, err = s.env.checkKey(ctx, s.provider, s.clientWith(c)); err != nil {
		return err
	}
	return s.save(ctx, c)
}

// clientWith is the client of a service with a key that is not saved yet.
func (s *signIn) clientWith(c config.Credential) *api.Client {
	return s.env.serviceClient(s.provider, c.BaseURL, withKey(s.provider, s.http.Transport, c.BaseURL, c.Token), c.Settings)
}

// askSettings asks for what is missing, or says how to give it where nobody can be asked.
func (s *signIn) askSettings(ctx context.Context) error {
	if s.baseURL == "" {
		answer, err := s.ask(ctx, provider.Setting{Name: "url", Title: "URL", Help: s.provider.BaseURLHelp})
		if err != nil {
			return err
		}
		if err := s.setBase(answer); err != nil {
			return err
		}
	}
	for _, setting := range s.provider.Settings {
		if !setting.Required || s.settings[setting.Name] != "" {
			continue
		}
		answer, err := s.ask(ctx, setting)
		if err == nil {
			err = checkSetting(setting, answer)
		}
		if err != nil {
			return err
		}
		s.settings[setting.Name] = answer
	}
	return nil
}

// ask asks a person for a setting.
func (s *signIn) ask(ctx context.Context, setting provider.Setting) (string, error) {
	missing := usage(loginCommand(s.provider)+" --set "+setting.Name+"=VALUE",
		"%s needs its %s: %s", s.provider.Title, setting.Title, setting.Help)
	if !s.env.mayPrompt() {
		return "", missing
	}
	s.env.printer.Warn("%s of %s (%s):", setting.Title, s.provider.Title, setting.Help)
	answer, err := s.env.readLine(ctx)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if answer == "" {
		return "", missing
	}
	return answer, nil
}

// readKey reads an API key from a flag, stdin or the terminal, where it is not shown, and looks at its shape.
func (s *signIn) readKey(ctx context.Context) (config.Secret, error) {
	env, text := s.env, s.apiKey
	again := loginCommand(s.provider) + " --with-api-key < key.txt"
	switch {
	case s.keyGiven:
		env.say("%s an argument can be seen by other programs on this machine: better use --with-api-key", env.styles().Busy("note:"))
	default:
		var err error
		if text, err = env.readSecret(ctx, fmt.Sprintf("API key of %s (%s):", s.provider.Title, whereKeys(s.provider))); err != nil {
			return "", err
		}
	}
	key, warning, err := auth.CheckAPIKey(s.provider, text)
	if err != nil {
		return "", usage(again, "%v", err)
	}
	if warning != "" {
		env.say("%s %s", env.styles().Busy("note:"), warning)
	}
	return key, nil
}

// readSecret reads a secret from the terminal, where it is not shown, or a line of stdin where there is none.
func (e *Env) readSecret(ctx context.Context, question string) (text string, err error) {
	if e.mayPrompt() {
		text, err = e.Streams.Secret(ctx, question)
	} else {
		text, err = e.readLine(ctx)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", usage("lamina login --with-api-key < key.txt", "could not read the API key: %v", err)
	}
	return text, nil
}

// whereKeys says where a person makes keys.
func whereKeys(p provider.Provider) string {
	if p.KeysURL != "" {
		return p.KeysURL
	}
	return firstOf(p.KeysHelp, p.Title)
}

// A keyVerdict is what a service said of a key.
type keyVerdict struct {
	Checked bool             `json:"checked"`         // false: the service offers no way
	Proven  bool             `json:"proven"`          // false: the key was not refused, which is all that the check shows
	Means   provider.Meaning `json:"means,omitempty"` // of a key that is accepted, but not for what the check asked
	Says    string           `json:"says,omitempty"`
}

// checkKey asks a service whether it accepts the key that client carries, in the cheapest way that is known. A key that is
// refused, or whose service cannot be asked, is an error.
func (e *Env) checkKey(ctx context.Context, p provider.Provider, client *api.Client) (keyVerdict, error) {
	for i, check := range p.Checks {
		call := api.Call{Method: check.Method, Path: check.Path, Repeatable: true}
		if check.Body != "" {
			call.Body = json.RawMessage(check.Body)
		}
		if check.Cost != "" {
			e.say("Checking the key costs %s.", check.Cost)
		}
		_, err := client.Do(ctx, call)
		if err == nil {
			return keyVerdict{Checked: true, Proven: check.Proves == "", Says: check.Proves}, nil
		}
		var refused *api.Error
		if !errors.As(err, &refused) {
			return keyVerdict{}, err
		}
		unknown := refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed
		if unknown && i+1 < len(p.Checks) {
			continue
		}
		return verdictOf(refused)
	}
	return keyVerdict{Says: "the service offers no way to check a key without cost: the first call will show whether it is good"}, nil
}

// verdictOf tells a key that is not accepted, which is an error, from one that is accepted but may not do what the check asked.
func verdictOf(refused *api.Error) (keyVerdict, error) {
	means := provider.Meaning(refused.Cause)
	switch means {
	case provider.WrongClass, provider.Forbidden, provider.NotReady, provider.Quota, provider.RateLimited:
		says := firstOf(refused.Says, refused.Message)
		return keyVerdict{Checked: true, Proven: true, Means: means, Says: says}, nil
	}
	return keyVerdict{}, refused
}

// reportService shows what a sign-in to a service that is not Lamina learnt.
func (s *signIn) reportService() error {
	env, p := s.env, s.provider
	if env.Getenv(p.EnvKey) != "" {
		env.say("%s %s is set and wins over this login as long as it is", env.styles().Busy("note:"), p.EnvKey)
	}
	st := newStatus(config.Profile{Name: s.profile, Credential: s.saved, Encryption: s.vault}, env.store().Path())
	st.Key = newStatusKey(p, s.saved.Token, &s.learned)
	return env.print(st, func(page *output.Page) {
		page.Line("%s %s", page.Good("Signed in to"), page.Bold(p.Title))
		page.Fields(append(serviceFields(st), "profile", s.profile, "saved in", describeStorage(st))...)
		writeVerdict(page, s.learned)
	})
}

// serviceFields are what is shown of a credential of a service that is not Lamina.
func serviceFields(st status) []string {
	fields := []string{"key", describeKey(st.Key), "service", st.Credential.BaseURL}
	for _, name := range slices.Sorted(maps.Keys(st.Credential.Settings)) {
		fields = append(fields, name, term.Line(st.Credential.Settings[name]))
	}
	return fields
}

func describeKey(k *statusKey) string {
	var words []string
	if k.Class != "" {
		words = append(words, k.Class+" key")
	}
	switch {
	case k.Verdict == nil:
		words = append(words, "not checked")
	case !k.Verdict.Checked:
		words = append(words, "cannot be checked")
	case !k.Verdict.Proven:
		words = append(words, "not refused by the service")
	default:
		words = append(words, "accepted by the service")
	}
	return strings.Join(words, ", ")
}

// writeVerdict tells what limits a key that is accepted.
func writeVerdict(page *output.Page, v keyVerdict) {
	if v.Says != "" {
		page.Line("%s %s", page.Busy("note:"), term.Line(v.Says))
	}
}
