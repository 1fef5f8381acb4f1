package laghav

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// createOptions are the options of the commands that create a key, alone or with its application.
type createOptions struct {
	env  *cmdutil.Env
	name string
	app  string // only of a key alone
	save bool
}

// setName sets the name of what is created. hint is the hint of the error for an empty one.
func (o *createOptions) setName(arg, hint string) error {
	if o.name = strings.TrimSpace(arg); o.name == "" {
		return fail.Usage(hint, "NAME must not be empty")
	}
	return nil
}

// A createFunc creates a key, and also returns the response as it came.
type createFunc func(context.Context, *laghav.Client) (laghav.NewKey, json.RawMessage, error)

// run creates a key, and shows it or stores it in a profile.
func (o *createOptions) run(ctx context.Context, create createFunc) error {
	if o.save {
		return o.createAndSave(ctx, create)
	}
	client, _, err := newClient(o.env)
	if err != nil {
		return err
	}
	created, raw, err := create(ctx, client)
	if err != nil {
		return err
	}
	return showKey(o.env, created, raw)
}

// showKey writes the value of a key to stdout, and its name and id to stderr.
func showKey(env *cmdutil.Env, created laghav.NewKey, raw json.RawMessage) error {
	if env.Printer.Machine() {
		return env.Printer.Data(raw, nil)
	}
	env.Say("%s %s (%s)", env.Styles().Good("Created"), created.Name, created.ID)
	env.Say("This is the value of the key. It is shown only once; keep it secret:")
	return writeText(env, created.Secret)
}

// createAndSave creates a key and stores it in a profile. The profile is prepared first, so that no key is created that cannot be
// stored.
func (o *createOptions) createAndSave(ctx context.Context, create createFunc) error {
	env := o.env
	target, err := freeProfile(env)
	if err != nil {
		return err
	}
	isSaved := false
	defer func() {
		if !isSaved {
			env.Sessions.DropKey(target.Encryption)
		}
	}()
	client, s, err := newClient(env)
	if err != nil {
		return err
	}
	created, _, err := create(ctx, client)
	if err != nil {
		return err
	}
	target.Credential = config.Credential{
		Kind: config.APIKey, Provider: s.Provider.Name, Token: config.Secret(created.Secret), BaseURL: s.BaseURL, SavedAt: env.Now(),
	}
	if id := created.KeyID(); id != "" {
		target.Credential.Settings = map[string]string{laghav.KeyIDSetting: id}
	}
	if err := saveKey(ctx, env, client, target, created); err != nil {
		return err
	}
	isSaved = true
	value := map[string]string{"id": created.ID, "name": created.Name, "app_id": created.AppID, "profile": target.Name}
	return env.PrintWithOldFields(value, func(p *output.Page) {
		p.Line("%s %s", p.Good("Saved the new key in profile"), p.Bold(target.Name))
		p.Fields("key", created.ID, "name", created.Name, "application", created.AppID, "in", string(target.Encryption.Storage()))
	})
}

// freeProfile returns a new profile for a key: the one that --profile names, or Laghav's default. It clears --profile, which does not
// select the credential that creates the key.
func freeProfile(env *cmdutil.Env) (config.Profile, error) {
	name := cmp.Or(env.Sessions.Flags.Profile, provider.Laghav().DefaultProfile())
	env.Sessions.Flags.Profile = ""
	env.Sessions.Args = fail.WithoutFlag(env.Sessions.Args, "--profile") // hints repeat flags, and the profile does not exist
	if err := config.CheckProfileName(name); err != nil {
		return config.Profile{}, fail.Usage("", "--profile: %v", err)
	}
	doc, err := env.Sessions.Load()
	if err != nil {
		return config.Profile{}, err
	}
	if name == config.DefaultProfile {
		return config.Profile{}, fail.Usage("", "profile %s is taken: it is the default profile of Lamina; name another one with --profile; nothing was created", name)
	}
	if _, exists := doc.Profile(name); exists {
		return config.Profile{}, fail.Usage(fail.CommandLine("auth", "rotate", "--profile", name),
			"profile %s is taken: name another one with --profile, or replace its key; nothing was created", name)
	}
	if err := env.Sessions.Store().CheckWritable(name); err != nil {
		return config.Profile{}, err
	}
	encryption, err := env.Sessions.NewKey(name, doc.Storage(name))
	return config.Profile{Name: name, Encryption: encryption}, err
}

// saveTime limits the time to store a new key, or to revoke it if that fails.
const saveTime = 30 * time.Second

// saveKey stores a new key. A key that cannot be stored is revoked, because its value is lost. An interrupt does not stop this.
func saveKey(ctx context.Context, env *cmdutil.Env, client *laghav.Client, target config.Profile, created laghav.NewKey) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	old, err := env.Sessions.Store().Replace(ctx, config.UpdateOptions{}, target)
	if err == nil {
		env.Sessions.DropKey(old.Encryption)
		return nil
	}
	hint := env.Sessions.Describe(err).Hint
	id := created.KeyID()
	if id != "" {
		if _, revokeErr := client.RevokeKey(ctx, id); revokeErr == nil {
			return &fail.Error{Around: "the new key could not be stored, and was revoked: %s", Hint: hint, Err: err}
		}
	}
	env.Say("%s the new key %s was created but not stored, and is still valid: revoke it", env.Styles().Bad("note:"), cmp.Or(id, created.Name))
	return &fail.Error{Around: "the new key could not be stored: %s", Hint: hint, Err: err}
}

// lostKeyError returns the error for a key that may have been created although the response was lost. what names the thing created.
func lostKeyError(err error, what string) error {
	return fail.Lost(err, "creating "+what, what+" may have been created; its key cannot be retrieved any more", "lamina laghav keys list")
}
