package account

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// saveAPIKey saves an API key of Lamina, once the service has accepted it.
func (s *signIn) saveAPIKey(ctx context.Context) error {
	key, err := s.readKey(ctx)
	if err != nil {
		return err
	}
	_, err = s.finish(ctx, config.Credential{Kind: config.APIKey, Token: key, BaseURL: s.baseURL, SavedAt: s.env.Now()})
	return err
}

// saveServiceKey saves an API key of another service, once that has accepted it.
func (s *signIn) saveServiceKey(ctx context.Context) error {
	if err := s.promptSettings(ctx); err != nil {
		return err
	}
	key, err := s.readKey(ctx)
	if err != nil {
		return err
	}
	c := config.Credential{
		Kind: config.APIKey, Provider: s.provider.Name, Settings: s.settings, Token: key, BaseURL: s.baseURL, SavedAt: s.env.Now(),
	}
	client, err := s.env.Sessions.KeyClient(s.provider, c.BaseURL, c.Token, c.Settings)
	if err != nil {
		return err
	}
	if s.verdict, err = s.env.Sessions.CheckKey(ctx, s.provider, client); err != nil {
		return err
	}
	return s.save(ctx, c)
}

// checkFlags refuses flags that do not apply to the service.
func (s *signIn) checkFlags() error {
	switch {
	case s.provider.OAuth != nil && len(s.set) > 0:
		return fail.Usage("lamina login --provider NAME --set NAME=VALUE", "--set applies to other services than Lamina, which --provider names")
	case s.provider.OAuth != nil:
		return nil
	case s.device, s.resume, s.browser, s.noBrowser, s.remember, s.issuer != "", s.issuerFlag() != "", s.registrationFile != "", s.port != 0, s.apiURL != "":
		return fail.Usage(s.again("--with-api-key")+" < key.txt", "%s has only API keys: it cannot be signed in to with a browser, a device code or an issuer", s.provider.Title)
	case s.profile == config.DefaultProfile:
		return fail.Usage(s.again("--profile", "NAME"), "profile %s is reserved for Lamina; choose another name for the key of %s", s.profile, s.provider.Title)
	}
	return nil
}

// readKey reads an API key from a flag, from stdin or from the terminal, and checks its form.
func (s *signIn) readKey(ctx context.Context) (config.Secret, error) {
	env, text := s.env, s.apiKey
	hint := s.again("--with-api-key") + " < key.txt"
	if s.keyGiven {
		env.Note("other processes on this machine can see arguments: prefer --with-api-key")
	} else {
		var err error
		if text, err = env.ReadSecret(ctx, fmt.Sprintf("API key of %s (%s):", s.provider.Title, s.provider.KeysPlace()), hint); err != nil {
			return "", err
		}
	}
	key, warning, err := auth.CheckAPIKey(s.provider, text)
	if err != nil {
		return "", fail.Usage(hint, "%v", err)
	}
	if warning != "" {
		env.Note("%s", warning)
	}
	return key, nil
}

// gatherSettings sets what the sign-in needs in addition to the key, without prompting: flag, environment, the profile's previous
// value, default.
func (s *signIn) gatherSettings() error {
	typed, err := s.parseSet()
	if err != nil {
		return err
	}
	sessions := s.env.Sessions
	s.settings = map[string]string{}
	for _, setting := range s.provider.Settings {
		if err := sessions.RefuseBlank(setting.Env...); typed[setting.Name] == "" && err != nil {
			return err
		}
		_, fromEnv := sessions.LookupFirst(setting.Env)
		value := cmp.Or(typed[setting.Name], fromEnv, s.previous.Settings[setting.Name])
		if err := session.CheckSetting(setting, value); err != nil {
			return fail.Usage(s.again("--set", setting.Name+"=VALUE"), "%v", err)
		}
		if value != "" {
			s.settings[setting.Name] = value
		}
	}
	if err := sessions.RefuseBlank(s.provider.BaseURLEnv...); typed["url"] == "" && err != nil {
		return err
	}
	_, fromEnv := sessions.LookupFirst(s.provider.BaseURLEnv)
	if err := s.setBase(cmp.Or(typed["url"], fromEnv, s.previous.BaseURL, s.provider.BaseURL)); err != nil || typed["url"] != "" {
		return err
	}
	return sessions.RefuseFileAddress(s.provider, "this sign-in", s.baseURL, s.previous.BaseURL)
}

// setBase sets the address of the service; "" leaves it open.
func (s *signIn) setBase(raw string) (err error) {
	if raw == "" {
		return nil
	}
	if s.baseURL, err = session.Base(s.provider, raw); err != nil {
		return fail.Usage(s.again("--set", "url=https://HOST/PATH"), "the address of %s: %v", s.provider.Title, err)
	}
	return nil
}

// parseSet reads the values of --set.
func (s *signIn) parseSet() (map[string]string, error) {
	names := []string{"url"}
	for _, setting := range s.provider.Settings {
		names = append(names, setting.Name)
	}
	typed := map[string]string{}
	for _, pair := range s.set {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok || value == "":
			return nil, fail.Usage(s.again("--set", "NAME=VALUE"), "--set must be NAME=VALUE, not %q", pair)
		case !slices.Contains(names, name):
			return nil, fail.Usage("lamina login --help", "%s has no setting %q; its settings are %s", s.provider.Title, name, strings.Join(names, ", "))
		}
		typed[name] = value
	}
	return typed, nil
}

// promptSettings asks for the settings that are still missing.
func (s *signIn) promptSettings(ctx context.Context) error {
	if s.baseURL == "" {
		answer, err := s.promptSetting(ctx, provider.Setting{Name: "url", Title: "URL", Help: s.provider.BaseURLHelp})
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
		answer, err := s.promptSetting(ctx, setting)
		if err == nil {
			err = session.CheckSetting(setting, answer)
		}
		if err != nil {
			return err
		}
		s.settings[setting.Name] = answer
	}
	return nil
}

// promptSetting asks for one setting. Without a terminal, the error says which flag sets it.
func (s *signIn) promptSetting(ctx context.Context, setting provider.Setting) (string, error) {
	missing := fail.Usage(s.again("--set", setting.Name+"=VALUE"), "%s needs its %s: %s", s.provider.Title, setting.Title, setting.Help)
	if !s.env.MayPrompt() {
		return "", missing
	}
	answer, err := s.env.Ask(ctx, fmt.Sprintf("%s of %s (%s):", setting.Title, s.provider.Title, setting.Help))
	if err != nil {
		return "", err
	}
	if answer == "" {
		return "", missing
	}
	return answer, nil
}
