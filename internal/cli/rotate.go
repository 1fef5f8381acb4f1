package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

type rotateOptions struct {
	env        *Env
	withAPIKey bool
}

func newAuthRotateCmd(env *Env) *cobra.Command {
	opts := &rotateOptions{env: env}
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Replace an API key by a new one, which is checked first",
		Long: "Replace the API key of a profile by a new one, in the same place. The new key is checked with the service first; until\n" +
			"it is saved, the old one stays.\n\n" +
			"Where the service makes keys by its API (Laghav), the new key is made, saved and never shown, and the old one is\n" +
			"revoked. Elsewhere, and for test keys, you make the new one yourself; it is asked for, or read from stdin with\n" +
			"--with-api-key, and you are told how to delete the old one.",
		Example: "lamina auth rotate --provider laghav\n" +
			"lamina auth rotate --provider lightfast\n" +
			"lamina auth rotate --profile work --with-api-key < new-key.txt",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return authRotate(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.withAPIKey, "with-api-key", false, "take the new key from stdin, or ask for it")
	env.addProviderFlag(cmd)
	return cmd
}

// A rotation replaces the key of a profile.
type rotation struct {
	env      *Env
	provider provider.Provider
	old      config.Profile // with its key
	next     http.RoundTripper
	verdict  keyVerdict     // on the new key
	account  config.Account // of the new key, at Lamina
}

// rotated is what is told of a rotation.
type rotated struct {
	Profile  string     `json:"profile"`
	Provider string     `json:"provider"`
	Rotated  bool       `json:"rotated"`
	Key      keyVerdict `json:"key"`
	KeyID    string     `json:"keyId,omitempty"`
	// OldRevoked is false where the old key is still valid; OldKeyID names it if that is known.
	OldRevoked bool   `json:"oldRevoked"`
	OldKeyID   string `json:"oldKeyId,omitempty"`
}

func authRotate(ctx context.Context, opts *rotateOptions) error {
	env := opts.env
	s, err := env.open()
	if err != nil {
		return err
	}
	if err := s.checkRotation(env); err != nil {
		return err
	}
	unlock, err := env.store().Lock(ctx, config.RefreshLock(s.profile)) // no two at once
	if err != nil {
		return err
	}
	defer unlock()
	r, err := env.newRotation(s)
	if err != nil {
		return err
	}
	shape, _ := s.provider.Shape(r.old.Credential.Token.Reveal())
	// Whether Laghav's API makes test keys is not documented; a live key in the place of one would cost money.
	if s.provider.Name == provider.Laghav().Name && shape.Class != "test" && !opts.withAPIKey {
		return r.byService(ctx)
	}
	return r.byHand(ctx, opts)
}

// checkRotation refuses what has no key to rotate.
func (s *session) checkRotation(env *Env) error {
	switch {
	case s.fromEnv:
		return usage("lamina auth rotate --profile NAME",
			"the key in use comes from %s: change it where that is set; to rotate a saved one, name its profile", s.provider.EnvKey)
	case s.credential.Kind == config.OAuth:
		return usage("lamina auth status", "profile %s is signed in with the browser or a code: such sessions rotate by themselves, and there is nothing to do", s.profile)
	}
	return env.store().CheckWritable()
}

// newRotation reads the profile again, now that nobody else rotates it.
func (e *Env) newRotation(s *session) (*rotation, error) {
	doc, err := e.load()
	if err != nil {
		return nil, err
	}
	p, ok := doc.Profile(s.profile)
	if !ok {
		return nil, s.choice.missing(doc)
	}
	if p, err = e.store().Decrypt(p); err != nil {
		return nil, err
	}
	next, err := e.transport()
	if err != nil {
		return nil, err
	}
	return &rotation{env: e, provider: s.provider, old: p, next: next}, nil
}

// client is the client that uses a key of the profile's service.
func (r *rotation) client(key config.Secret) *api.Client {
	c := r.old.Credential
	return r.env.serviceClient(r.provider, c.BaseURL, withKey(r.provider, r.next, c.BaseURL, key), c.Settings)
}

// byHand takes a key that a person made.
func (r *rotation) byHand(ctx context.Context, opts *rotateOptions) error {
	env, p := r.env, r.provider
	command := commandLine("auth", "rotate", "--profile", r.old.Name)
	if !opts.withAPIKey && !env.mayPrompt() {
		return &commandError{
			code: codeNoPerson, hint: command + " --with-api-key < new-key.txt",
			message: fmt.Sprintf("nobody is here to type the new key: make one (%s), and pipe it to --with-api-key", whereKeys(p)),
		}
	}
	if env.mayPrompt() {
		env.say("Make a new key of %s: %s. The old one stays in use until the new one is checked.", p.Title, whereKeys(p))
	}
	text, err := env.readSecret(ctx, "New API key of "+p.Title+":")
	if err != nil {
		return err
	}
	key, warning, err := auth.CheckAPIKey(p, text)
	if err != nil {
		return usage(command+" --with-api-key < new-key.txt", "%v; the old key stays", err)
	}
	if key == r.old.Credential.Token {
		return usage(command, "that is the key that profile %s has already", r.old.Name)
	}
	if warning != "" {
		env.say("%s %s", env.styles().Busy("note:"), warning)
	}
	if err := r.verify(ctx, key); err != nil {
		return err
	}
	if err := r.replace(ctx, key, ""); err != nil {
		return err
	}
	return r.report(rotated{})
}

// verify asks the service about the new key, before the old one is touched.
func (r *rotation) verify(ctx context.Context, key config.Secret) (err error) {
	if r.provider.IsLamina() {
		err = r.identify(ctx, key)
	} else {
		r.verdict, err = r.env.checkKey(ctx, r.provider, r.client(key))
	}
	var refused *api.Error
	if errors.As(err, &refused) {
		r.env.say("The new key was not accepted; profile %s keeps the old one.", r.old.Name)
	}
	return err
}

// identify asks Lamina whose the new key is: it must be of the same workspace, as commands of this profile expect.
func (r *rotation) identify(ctx context.Context, key config.Secret) error {
	reply, err := r.client(key).Account(ctx)
	if err != nil {
		return err
	}
	r.verdict, r.account = keyVerdict{Checked: true, Proven: true}, accountOf(reply.Data)
	if was := r.old.Credential.Account; was.WorkspaceID != "" && was.WorkspaceID != r.account.WorkspaceID {
		return &commandError{
			code: codeWrongWorkspace, hint: "lamina login --with-api-key --profile NAME < new-key.txt",
			message: fmt.Sprintf("the new key is of workspace %s, and profile %s is of %s: nothing was changed",
				describeWorkspace(r.account), r.old.Name, describeWorkspace(was)),
		}
	}
	return nil
}

// replace stores the new key in place of the old, in one write. An interrupt does not come between.
func (r *rotation) replace(ctx context.Context, key config.Secret, id string) error {
	p := r.old
	p.Credential.Token, p.Credential.SavedAt, p.Credential.Account = key, r.env.Now(), r.account
	p.Credential.Settings = maps.Clone(p.Credential.Settings)
	delete(p.Credential.Settings, settingKeyID)
	if id != "" {
		if p.Credential.Settings == nil {
			p.Credential.Settings = map[string]string{}
		}
		p.Credential.Settings[settingKeyID] = id
	}
	var err error
	if p.Encryption, err = r.env.newVault(p.Name, r.old.Encryption.Storage()); err != nil {
		return err
	}
	old, err := r.env.store().Replace(context.WithoutCancel(ctx), config.UpdateOptions{}, p)
	if err != nil {
		r.env.dropVault(p.Encryption)
		return err
	}
	r.env.dropVault(old)
	return nil
}

// byService lets Laghav make the new key and revoke the old one.
func (r *rotation) byService(ctx context.Context) error {
	env := r.env
	client := laghav.New(r.client(r.old.Credential.Token))
	old, err := r.findOld(ctx, client)
	if err != nil {
		return err
	}
	app, err := r.appOf(ctx, client, old)
	if err != nil {
		return err
	}
	made, _, err := client.MakeKey(ctx, firstOf(old.Name, "lamina "+r.old.Name), app)
	if err != nil {
		return lostKey(err, "a new key")
	}
	key := config.Secret(made.Secret)
	err = r.verify(ctx, key)
	if err == nil {
		err = r.replace(ctx, key, keyID(made))
	}
	if err != nil {
		r.giveUp(ctx, client, made)
		return err
	}
	result := rotated{KeyID: keyID(made), OldKeyID: old.ID}
	if old.ID != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_, err := laghav.New(r.client(key)).RevokeKey(ctx, old.ID)
		if result.OldRevoked = err == nil; err != nil {
			env.say("%s the old key could not be revoked: %s", env.styles().Busy("note:"), term.Line(describe(err).Message))
		}
	}
	return r.report(result)
}

// appOf returns the application for which the new key is made.
func (r *rotation) appOf(ctx context.Context, client *laghav.Client, old laghav.Key) (string, error) {
	app, err := findApp(ctx, client, old.AppID)
	var several *usageError
	if errors.As(err, &several) || isNotFound(err) {
		return "", &commandError{
			code: codeInvalidArgument, hint: commandLine("auth", "rotate", "--profile", r.old.Name, "--with-api-key"), err: err,
			message: "it is not known to which application the key belongs, so none was made: make one with lamina laghav keys create NAME --app ID, and pipe it to --with-api-key",
		}
	}
	return app, err
}

// giveUp revokes a new key that is not going to be used, as nobody has seen it.
func (r *rotation) giveUp(ctx context.Context, client *laghav.Client, made laghav.NewKey) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	id := keyID(made)
	err := errors.New("its id is not known")
	if id != "" {
		_, err = client.RevokeKey(ctx, id)
	}
	if err != nil {
		r.env.say("%s the new key %s was made and is not used, but could not be revoked: %s",
			r.env.styles().Busy("note:"), term.Line(firstOf(id, made.Name)), term.Line(describe(err).Message))
	}
}

// findOld finds what the service knows of the key in use: by its id, or as the only one that ends like it. The zero Key is one
// that it does not tell.
func (r *rotation) findOld(ctx context.Context, client *laghav.Client) (laghav.Key, error) {
	keys, _, err := client.Keys(ctx)
	if err != nil {
		return laghav.Key{}, err
	}
	id, secret := r.old.Credential.Settings[settingKeyID], r.old.Credential.Token.Reveal()
	last := secret[max(0, len(secret)-4):]
	var found []laghav.Key
	for _, k := range keys {
		if id != "" && k.ID == id {
			return k, nil
		}
		if id == "" && !k.Revoked && k.ID != "" && k.Last == last {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return laghav.Key{ID: id}, nil
}

// report tells how it ended, and what is left to do.
func (r *rotation) report(result rotated) error {
	result.Profile, result.Provider, result.Rotated, result.Key = r.old.Name, r.provider.Name, true, r.verdict
	err := r.env.print(result, func(p *output.Page) {
		p.Line("%s %s %s", p.Good("Profile"), p.Bold(r.old.Name), p.Good("has a new key"))
		old := "still valid"
		if result.OldRevoked {
			old = "revoked"
		}
		p.Fields("of", r.provider.Title, "new key", describeKey(&statusKey{Verdict: &r.verdict}), "old key", old)
		writeVerdict(p, r.verdict)
	})
	if err != nil || result.OldRevoked {
		return err
	}
	way := "delete it where keys are made: " + whereKeys(r.provider)
	if r.provider.Name == provider.Laghav().Name {
		way = "find it with lamina laghav keys list, and revoke it with lamina laghav keys revoke " + firstOf(result.OldKeyID, "ID")
	}
	r.env.say("The old key is still valid: %s", way)
	return nil
}
