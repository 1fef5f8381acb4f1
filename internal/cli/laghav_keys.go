package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// settingKeyID is the setting of a saved login that holds the id of its key, where that is known.
const settingKeyID = "key-id"

func newLaghavKeysListCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the API keys, without their values",
		Long:    "List the API keys, without their values. Laghav does not document the form of this list, so columns may be empty.",
		Example: "lamina laghav keys list\nlamina laghav keys list --json",
		Aliases: []string{"ls"},
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return laghavList(cmd.Context(), env, (*laghav.Client).Keys, func(p *output.Page, keys []laghav.Key) { writeKeys(p, keys, env.Now()) })
		},
	}
}

func writeKeys(p *output.Page, keys []laghav.Key, now time.Time) {
	if len(keys) == 0 {
		p.Line("No keys.")
		return
	}
	var rows [][]string
	for _, k := range keys {
		state, made := "active", ""
		if k.Revoked {
			state = "revoked"
		}
		if !k.CreatedAt.IsZero() {
			made = output.Ago(k.CreatedAt, now)
		}
		rows = append(rows, []string{k.ID, k.Name, k.AppID, k.Class, k.Last, made, state})
	}
	p.Table([]string{"ID", "NAME", "APPLICATION", "CLASS", "ENDS IN", "MADE", "STATE"}, rows)
}

type laghavMakeOptions struct {
	env  *Env
	name string
	app  string
	save bool
}

func newLaghavKeysCreateCmd(env *Env) *cobra.Command {
	opts := &laghavMakeOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API key, which is shown once or put straight into a profile",
		Long: "Make an API key for an application. Its value is told only now: it goes to stdout, or with --save into a profile,\n" +
			"without being shown. --profile names that profile, which must not hold a key yet.",
		Example: "lamina laghav keys create CI --app app_sample\n" +
			"lamina laghav keys create Laptop --save --profile laghav-laptop",
		Args: needArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.name = strings.TrimSpace(args[0]); opts.name == "" {
				return usage("lamina laghav keys create --help", "NAME must not be empty")
			}
			return laghavKeysCreate(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.app, "app", "", "make it for the application of this `ID`; needed if there are several")
	f.BoolVar(&opts.save, "save", false, "put the key into a profile instead of showing it")
	return cmd
}

func laghavKeysCreate(ctx context.Context, opts *laghavMakeOptions) error {
	return opts.make(ctx, func(client *laghav.Client) (laghav.NewKey, json.RawMessage, error) {
		app, err := findApp(ctx, client, opts.app)
		if err != nil {
			return laghav.NewKey{}, nil, err
		}
		made, raw, err := client.MakeKey(ctx, opts.name, app)
		made.AppID = firstOf(made.AppID, app)
		return made, raw, lostKey(err, "the key")
	})
}

// lostKey tells that something with a key may have been made although no answer came.
func lostKey(err error, what string) error {
	return lostAnswer(err, "the answer was lost: "+what+" may have been made; its key cannot be had any more", "lamina laghav keys list")
}

// make makes something with a key, and shows the key once, or saves it.
func (o *laghavMakeOptions) make(ctx context.Context, call func(*laghav.Client) (laghav.NewKey, json.RawMessage, error)) error {
	env := o.env
	var target config.Profile
	if o.save {
		var err error
		if target, err = env.freeProfile(provider.Laghav()); err != nil {
			return err
		}
	}
	client, s, err := env.laghav()
	var made laghav.NewKey
	var raw json.RawMessage
	if err == nil {
		made, raw, err = call(client)
	}
	if err != nil {
		env.dropVault(target.Encryption) // nothing is sealed with it
		return err
	}
	if !o.save {
		return env.showKey(made, raw)
	}
	target.Credential = config.Credential{
		Kind: config.APIKey, Provider: s.provider.Name, Token: config.Secret(made.Secret), BaseURL: s.baseURL, SavedAt: env.Now(),
	}
	if id := keyID(made); id != "" {
		target.Credential.Settings = map[string]string{settingKeyID: id}
	}
	if err := env.keepNewKey(ctx, client, target, made); err != nil {
		return err
	}
	value := map[string]string{"id": made.ID, "name": made.Name, "app_id": made.AppID, "profile": target.Name}
	return env.print(value, func(p *output.Page) {
		p.Line("%s %s", p.Good("Saved the new key in profile"), p.Bold(target.Name))
		p.Fields("key", made.ID, "name", made.Name, "application", made.AppID, "in", string(target.Encryption.Storage()))
	})
}

// keyID is the id of the key that was made, "" where only that of its application is known.
func keyID(made laghav.NewKey) string {
	if strings.HasPrefix(made.ID, "key_") {
		return made.ID
	}
	return ""
}

// freeProfile returns the profile that --profile names, or the service's own, for a key that is yet to be made; it must hold
// none. The key that makes it is another one, so --profile does not choose that.
func (e *Env) freeProfile(p provider.Provider) (config.Profile, error) {
	name := firstOf(e.flags.profile, p.DefaultProfile())
	e.flags.profile = ""
	if err := config.CheckProfileName(name); err != nil {
		return config.Profile{}, usage("", "--profile: %v", err)
	}
	doc, err := e.load()
	if err != nil {
		return config.Profile{}, err
	}
	if _, taken := doc.Profile(name); taken || name == config.DefaultProfile {
		return config.Profile{}, usage("", "profile %s is taken: name another one with --profile, or replace its key with lamina auth rotate; nothing was made", name)
	}
	if err := e.store().CheckWritable(); err != nil {
		return config.Profile{}, err
	}
	free := config.Profile{Name: name}
	free.Encryption, err = e.newVault(name, doc.Storage(name))
	return free, err
}

// keepNewKey saves a key that was just made. One that cannot be saved is revoked again, as nobody has seen it. An interrupt does
// not come between.
func (e *Env) keepNewKey(ctx context.Context, client *laghav.Client, target config.Profile, made laghav.NewKey) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	old, err := e.store().Replace(ctx, config.UpdateOptions{}, target)
	if err == nil {
		e.dropVault(old)
		return nil
	}
	e.dropVault(target.Encryption)
	id := keyID(made)
	if id != "" {
		if _, failed := client.RevokeKey(ctx, id); failed == nil {
			return fmt.Errorf("the new key could not be saved, and was revoked again: %w", err)
		}
	}
	e.say("%s the new key %s was made but not saved, and is still valid: revoke it", e.styles().Bad("note:"), firstOf(id, made.Name))
	return fmt.Errorf("the new key could not be saved: %w", err)
}

// showKey shows a key this once: the value alone on stdout.
func (e *Env) showKey(made laghav.NewKey, raw json.RawMessage) error {
	if e.printer.Machine() {
		return e.printer.Data(raw, nil)
	}
	e.say("%s %s (%s)", e.styles().Good("Made"), term.Line(made.Name), term.Line(made.ID))
	e.say("This is the key. It is told only now; keep it where nobody else looks:")
	return e.printText(made.Secret)
}

func newLaghavKeysRevokeCmd(env *Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke an API key, for good",
		Long: "Revoke an API key: whatever uses it stops working at once, and it cannot be brought back. On a terminal you are asked\n" +
			"first; elsewhere --yes is needed.",
		Example: "lamina laghav keys revoke key_xyz789\nlamina laghav keys revoke key_xyz789 --yes",
		Args:    needArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, isKey := provider.Laghav().Shape(args[0]); isKey {
				return usage("lamina laghav keys list", "that is a key itself, not its id; nothing was sent")
			}
			return laghavKeysRevoke(cmd.Context(), env, args[0], yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func laghavKeysRevoke(ctx context.Context, env *Env, id string, yes bool) error {
	client, s, err := env.laghav()
	if err != nil {
		return err
	}
	own := ""
	if s.settings[settingKeyID] == id {
		own = fmt.Sprintf(" It is the key of profile %s.", s.profile)
	}
	question := fmt.Sprintf("Revoke %s? What uses it stops working at once, for good.%s", output.Quote(id), own)
	if err := env.confirm(ctx, question, yes, commandLine("laghav", "keys", "revoke", id, "--yes")); err != nil {
		return err
	}
	raw, err := client.RevokeKey(ctx, id)
	if isNotFound(err) {
		return &commandError{code: codeNotFound, message: fmt.Sprintf("there is no key %s", output.Quote(id)), hint: "lamina laghav keys list", err: err}
	}
	if err != nil {
		return err
	}
	if own != "" {
		env.say("%s profile %s has no key any more: %s signs in again", env.styles().Busy("note:"), s.profile, loginCommand(s.provider))
	}
	if len(raw) == 0 {
		raw, _ = json.Marshal(map[string]string{"id": id, "status": "revoked"})
	}
	return env.printer.Data(raw, func(p *output.Page) { p.Line("%s %s", p.Good("Revoked"), p.Bold(id)) })
}

// confirm asks a person; where nobody is, --yes must have been given. hint is the command with --yes.
func (e *Env) confirm(ctx context.Context, question string, yes bool, hint string) error {
	if yes {
		return nil
	}
	if !e.mayPrompt() {
		return usage(hint, "nobody is here to be asked: --yes says that it is meant; nothing was sent")
	}
	e.printer.Warn("%s [y/N]", question)
	answer, err := e.readLine(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if answer = strings.ToLower(answer); err == nil && (answer == "y" || answer == "yes") {
		return nil
	}
	return usage(hint, "you did not say yes; nothing was sent")
}
