// Package settings holds the command config, which stores preferences.
package settings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// New returns the command config.
func New(env *cmdutil.Env) *cobra.Command {
	noun := cmdutil.NewNoun("config", "See and change settings", newList(env), newGet(env), newSet(env), newUnset(env))
	noun.Long = "See and change settings, which are the defaults of later commands. A flag overrides an environment variable, which\n" +
		"overrides the project config, which overrides a setting. With --profile, a setting that a profile can have for itself is\n" +
		"read or stored for that profile, and overrides the one for all profiles. No setting is a secret."
	return noun
}

func newList(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the settings, and where their values come from",
		Example: "lamina config list\nlamina config list --jq '.data[] | select(.source != \"default\") | .key'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			doc, err := env.Sessions.Load()
			if err != nil {
				return err
			}
			var values []session.SettingValue
			profile := env.Sessions.SettingsProfile(doc)
			for _, s := range session.Settings() {
				values = append(values, env.Sessions.Effective(doc, s, profile))
			}
			return env.Print(values, func(p *output.Page) { writeList(p, values) })
		},
	}
}

func writeList(p *output.Page, values []session.SettingValue) {
	var rows [][]string
	for _, v := range values {
		rows = append(rows, []string{v.Key, cmp.Or(v.Value, "-"), describeSource(v)})
	}
	p.Table([]string{"SETTING", "VALUE", "FROM"}, rows)
}

// describeSource names the place that a value comes from.
func describeSource(v session.SettingValue) string {
	switch {
	case v.Key == session.SettingProfile && v.Source == session.FromCurrent:
		return "setting"
	case v.Source == session.FromDefault:
		return "default"
	case v.From == "":
		return string(v.Source)
	case v.Source == session.FromProject, v.Source == session.FromEnvironment, v.Source == session.FromFlag:
		return v.From
	}
	return string(v.Source) + " " + v.From
}

func newGet(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "get KEY",
		Short:             "Show the value of a setting",
		Long:              "Show the value of a setting that commands use now: of a variable that overrides it, of the setting, or the default.",
		Example:           "lamina config get output\nlamina config get webhook --profile work --jq .data.source",
		Args:              cmdutil.NeedArgs("KEY"),
		ValidArgsFunction: completeKeys,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := find(args[0])
			if err != nil {
				return err
			}
			doc, err := env.Sessions.Load()
			if err != nil {
				return err
			}
			value := env.Sessions.Effective(doc, s, env.Sessions.SettingsProfile(doc))
			return env.Print(value, func(p *output.Page) { p.Line("%s", value.Value) })
		},
	}
}

func newSet(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Change a setting",
		Long:  "Change a setting of all profiles, or with --profile of one profile.\n\n" + describeKeys(),
		Example: "lamina config set output json\n" +
			"lamina config set max-credits 20 --profile work\n" +
			"lamina config set webhook https://example.com/hook",
		Args:              needKeyAndValue,
		ValidArgsFunction: completeSet,
		RunE: func(cmd *cobra.Command, args []string) error {
			return set(cmd.Context(), env, args[0], strings.TrimSpace(args[1]))
		},
	}
}

// needKeyAndValue requires KEY and VALUE. It names the right command for KEY=VALUE.
func needKeyAndValue(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		if key, value, isPair := strings.Cut(args[0], "="); isPair && key != "" && value != "" {
			return fail.Usage(fail.CommandLine("config", "set", key, value), "KEY and VALUE are two arguments")
		}
	}
	return cmdutil.NeedArgs("KEY", "VALUE")(cmd, args)
}

func newUnset(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:               "unset KEY",
		Short:             "Remove a setting, so that its default applies",
		Example:           "lamina config unset output\nlamina config unset webhook --profile work",
		Args:              cmdutil.NeedArgs("KEY"),
		ValidArgsFunction: completeKeys,
		RunE:              func(cmd *cobra.Command, args []string) error { return set(cmd.Context(), env, args[0], "") },
	}
}

// describeKeys lists the settings for help.
func describeKeys() string {
	lines := []string{}
	for _, s := range session.Settings() {
		lines = append(lines, fmt.Sprintf("  %-13s %s: %s", s.Name, s.About, cmp.Or(strings.Join(s.Values, "|"), s.Form)))
	}
	return strings.Join(lines, "\n")
}

// set stores a setting. The value "" removes it.
func set(ctx context.Context, env *cmdutil.Env, key, value string) error {
	s, err := find(key)
	if err != nil {
		return err
	}
	if err := check(env, s, value); err != nil {
		return err
	}
	profile, err := target(env, s)
	if err != nil {
		return err
	}
	err = env.Sessions.Store().Update(ctx, func(doc *config.Document) error {
		env.Sessions.StoreSetting(doc, s, profile, value)
		return nil
	})
	if err != nil {
		return err
	}
	return report(env, s, profile, value)
}

// check refuses values that are not valid, and secrets.
func check(env *cmdutil.Env, s session.Setting, value string) error {
	if value == "" {
		return nil
	}
	help := fail.CommandLine("config", "set", "--help")
	if env.Sessions.Secrets.Text(value) != value {
		return fail.Usage("lamina login --with-api-key", "the value looks like a key, and settings are no secrets; nothing was stored")
	}
	err := s.CheckForm(value)
	var details []api.Detail
	if len(s.Values) > 0 {
		err = cmdutil.OneOf(s.Name, value, s.Values...)
		details = []api.Detail{{Field: s.Name, Message: "choose one", Allowed: s.Values}}
	}
	if err != nil {
		return &fail.Error{Code: fail.InvalidArgument, Message: err.Error(), Hint: help, Details: details}
	}
	if s.Name != session.SettingProfile {
		return nil
	}
	p, err := env.Sessions.NamedProfile(value)
	if service := session.ProviderOf(p.Credential); err == nil && service != provider.Lamina().Name {
		return fail.Usage(fail.CommandLine("profile", "use", value), "profile %s belongs to %s, and this setting is for Lamina", value, service)
	}
	return err
}

// target returns the profile that a setting is stored for: that of --profile, or "" for all profiles.
func target(env *cmdutil.Env, s session.Setting) (string, error) {
	name := env.Sessions.Flags.Profile
	if name == "" {
		return "", nil
	}
	if !s.PerProfile {
		return "", fail.Usage(fail.CommandLine("config", "list"), "%s is a setting of all profiles: leave out --profile", s.Name)
	}
	_, err := env.Sessions.NamedProfile(name)
	return name, err
}

// report prints what was stored, and a note if something overrides it.
func report(env *cmdutil.Env, s session.Setting, profile, value string) error {
	doc, err := env.Sessions.Load()
	if err != nil {
		return err
	}
	now := env.Sessions.Effective(doc, s, cmp.Or(profile, env.Sessions.SettingsProfile(doc)))
	if value != "" && now.Value != value {
		env.Note("%s overrides it: %s is %s", describeSource(now), s.Name, now.Value)
	}
	return env.Print(now, func(p *output.Page) {
		of := ""
		if profile != "" {
			of = " of profile " + profile
		}
		if value == "" {
			p.Line("%s%s is not set", s.Name, of)
		} else {
			p.Line("%s%s is now %s", s.Name, of, p.Bold(value))
		}
	})
}

// find returns the setting with a name. The error for an unknown one names the nearest.
func find(name string) (session.Setting, error) {
	s, ok := session.FindSetting(name)
	if ok {
		return s, nil
	}
	e := &fail.Error{
		Code: fail.InvalidArgument, Message: fmt.Sprintf("there is no setting %s", output.Quote(name)),
		Details: []api.Detail{{Field: "KEY", Message: "choose one", Allowed: keys()}}, Hint: fail.CommandLine("config", "list"),
	}
	if near, _ := cmdutil.Nearest(strings.ReplaceAll(strings.ToLower(name), "_", "-"), keys()); near != "" {
		e.Message += fmt.Sprintf("; did you mean %s?", near)
	}
	return s, e
}

// keys lists the names of the settings.
func keys() []string {
	var names []string
	for _, s := range session.Settings() {
		names = append(names, s.Name)
	}
	return names
}

func completeKeys(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var lines []string
	for _, s := range session.Settings() {
		lines = append(lines, s.Name+"\t"+s.About)
	}
	return lines, cobra.ShellCompDirectiveNoFileComp
}

// completeSet completes the keys, and the values of a key that has a list of them.
func completeSet(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return completeKeys(cmd, args, typed)
	}
	s, _ := session.FindSetting(args[0])
	return slices.Clone(s.Values), cobra.ShellCompDirectiveNoFileComp
}
