package session

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// The names of settings.
const (
	SettingColor       = "color"
	SettingLoginMethod = "login-method"
	SettingMaxCredits  = "max-credits"
	SettingNotify      = "notify"
	SettingOutput      = "output"
	SettingProfile     = "profile"
	SettingWebhook     = "webhook"
)

// A Setting is a preference that `lamina config` stores.
type Setting struct {
	Name  string
	About string
	// Values are the allowed values. If there are none, Form describes them, and check validates them.
	Values     []string
	Form       string
	Default    string // of commands, if the setting is not set; may be empty
	Flag       string // that overrides the setting
	Env        []string
	PerProfile bool // a profile may have its own value
	check      func(value string) error
}

// The sign-in methods of the setting login-method. The third is stored under its older name.
const (
	loginNoBrowser  = "no-browser"
	storedNoBrowser = "paste"
)

// Settings returns all settings, in the order of their names.
func Settings() []Setting {
	return []Setting{
		{
			Name: SettingColor, About: "where to use colour", Values: []string{"auto", "always", "never"}, Default: "auto", Flag: "--color",
			Env: []string{"NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"},
		},
		{
			Name: SettingLoginMethod, About: "the method of lamina login", Values: []string{"browser", "device", loginNoBrowser},
			Flag: "--browser, --device or --no-browser",
		},
		{
			Name: SettingMaxCredits, About: "do not start a run that may cost more credits", Form: "a number of credits, such as 20",
			Flag: "--max-credits", PerProfile: true, check: checkCredits,
		},
		{
			Name: SettingNotify, About: "notify the end of a wait of this length", Form: "on (10s), off, or a duration such as 30s", Default: "off",
			Flag: "--notify", check: checkNotify,
		},
		{
			Name: SettingOutput, About: "the output format", Values: []string{"auto", "text", "json", "ndjson"}, Default: "auto",
			Flag: "--output", Env: []string{"LAMINA_OUTPUT"},
		},
		{
			Name: SettingProfile, About: "the profile that commands use", Form: "the name of a profile", Flag: "--profile",
			Env: []string{"LAMINA_PROFILE"}, Default: config.DefaultProfile, check: config.CheckProfileName,
		},
		{
			Name: SettingWebhook, About: "the address that receives a webhook delivery when a run ends", Form: "an http or https URL",
			Flag: "--webhook", PerProfile: true, check: CheckWebhook,
		},
	}
}

// FindSetting returns the setting with a name.
func FindSetting(name string) (s Setting, ok bool) {
	all := Settings()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return all[i], true
}

// CheckForm returns an error if a value of a setting without Values is not valid.
func (s Setting) CheckForm(value string) error {
	if s.check == nil {
		return nil
	}
	return s.check(value)
}

// CheckWebhook returns an error unless text is an http or https URL without a password.
func CheckWebhook(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("a webhook must be an http or https URL, not %q", text)
	case u.User != nil:
		return errors.New("a webhook must have no user name and no password")
	}
	return nil
}

// checkCredits returns an error unless text is a number of credits.
func checkCredits(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err != nil || !(n >= 0 && n <= 1e9) {
		return fmt.Errorf("%s must be a number of credits, such as 20, not %q", SettingMaxCredits, text)
	}
	return nil
}

// notifyAfter is the length of a wait from which its end is notified, unless another one is set.
const notifyAfter = 10 * time.Second

// ParseNotify parses the value of the setting notify: on, off, or the length of a wait from which its end is notified.
func ParseNotify(text string) (after time.Duration, isOn bool, err error) {
	switch text {
	case "on", "true":
		return notifyAfter, true, nil
	case "", "off", "false":
		return 0, false, nil
	}
	after, err = time.ParseDuration(text)
	if err != nil || after < 0 {
		return 0, false, fmt.Errorf("%s must be on, off, or a duration such as 30s, not %q", SettingNotify, text)
	}
	return after, true, nil
}

func checkNotify(text string) error {
	_, _, err := ParseNotify(text)
	return err
}

// StoredIn returns the value of a setting that a document holds for a profile, or for all profiles if profile is "". An invalid value
// counts as none.
func (s Setting) StoredIn(doc *config.Document, profile string) string {
	value := ""
	switch {
	case s.Name == SettingLoginMethod && profile == "":
		value = doc.LoginMethod()
		if value == storedNoBrowser {
			value = loginNoBrowser
		}
	case s.Name == SettingWebhook && profile == "":
		value = doc.Webhook().PublicURL
	case s.Name == SettingProfile && profile == "":
		if value = doc.CurrentProfile(); value == config.DefaultProfile {
			return "" // it needs no setting
		}
	default:
		value = doc.Setting(profile, s.Name)
	}
	if len(s.Values) > 0 && !slices.Contains(s.Values, value) || s.CheckForm(value) != nil {
		return ""
	}
	return value
}

// StoreSetting stores a valid value of a setting for a profile, or for all profiles if profile is "". The value "" removes it.
func (m *Manager) StoreSetting(doc *config.Document, s Setting, profile, value string) {
	switch {
	case s.Name == SettingLoginMethod:
		if value == loginNoBrowser {
			value = storedNoBrowser
		}
		doc.SetLoginMethod(value)
	case s.Name == SettingProfile:
		doc.SetCurrentProfile(value)
	case s.Name == SettingWebhook && profile == "":
		doc.SetWebhook(value, m.Now())
	default:
		doc.SetSetting(profile, s.Name, value)
	}
}

// A SettingValue is the value of a setting that commands use, and where it comes from.
type SettingValue struct {
	Key    string     `json:"key"`
	Value  string     `json:"value"`
	Source SourceKind `json:"source"`
	From   string     `json:"from,omitempty"` // the variable, the project config or the profile
}

// The further sources of a setting. The values are part of JSON output.
const (
	fromProfile SourceKind = "profile"
	fromSetting SourceKind = "setting"
)

// Effective returns the value of a setting that commands use without flags. profile may be "", which means none.
func (m *Manager) Effective(doc *config.Document, s Setting, profile string) SettingValue {
	if s.Name == SettingProfile {
		if c, err := m.Choose(doc); err == nil {
			return SettingValue{s.Name, c.Profile, c.Kind, c.Source.Name}
		}
	}
	if name, value := m.settingFromEnvironment(s); value != "" {
		return SettingValue{s.Name, value, FromEnvironment, name}
	}
	if s.PerProfile && profile != "" {
		if value := s.StoredIn(doc, profile); value != "" {
			return SettingValue{s.Name, value, fromProfile, profile}
		}
	}
	if value := s.StoredIn(doc, ""); value != "" {
		return SettingValue{s.Name, value, fromSetting, ""}
	}
	return SettingValue{s.Name, s.Default, FromDefault, ""}
}

// settingFromEnvironment returns the variable that overrides a setting, and the value of the setting that it stands for.
func (m *Manager) settingFromEnvironment(s Setting) (name, value string) {
	if s.Name != SettingColor {
		for _, name := range s.Env {
			if value := strings.TrimSpace(m.Getenv(name)); value != "" {
				return name, value
			}
		}
		return "", ""
	}
	return term.ColorVariable(m.Getenv)
}

// StoredSetting returns the value of a setting for all profiles, before a command begins. It reads the configuration once, and changes
// nothing.
func (m *Manager) StoredSetting(name string) string {
	if m.settings == nil {
		m.settings = m.Store().Settings()
	}
	s, _ := FindSetting(name)
	return s.StoredIn(m.settings, "")
}

// CommandSetting returns the value of a setting that a command of Lamina uses: that of its profile, or of all profiles.
func (m *Manager) CommandSetting(name string) (string, error) {
	s, _ := FindSetting(name)
	doc, err := m.Store().Load()
	var unreadable *config.FileError
	if noHome := (*config.NoHomeError)(nil); errors.As(err, &noHome) {
		return "", nil
	}
	if errors.As(err, &unreadable) && m.Lookup(provider.Lamina().EnvKey) != "" {
		return "", nil // a key of the environment works without the file
	}
	if err != nil {
		return "", err
	}
	return m.Effective(doc, s, m.SettingsProfile(doc)).Value, nil
}

// SettingsProfile returns the profile with settings that apply to a command of Lamina; "" for a key of the environment, which has none.
func (m *Manager) SettingsProfile(doc *config.Document) string {
	if m.Flags.Profile == "" && m.Lookup(provider.Lamina().EnvKey) != "" {
		return ""
	}
	c, err := m.Choose(doc)
	if err != nil {
		return "" // opening the session reports it
	}
	return c.Profile
}
