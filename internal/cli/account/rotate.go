package account

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

type rotateOptions struct {
	env        *cmdutil.Env
	withAPIKey bool
}

func newRotate(env *cmdutil.Env) *cobra.Command {
	opts := &rotateOptions{env: env}
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Replace an API key by a new one, which is checked first",
		Long: "Replace the API key of a profile by a new one. The service must accept the new key first; until it is saved, the\n" +
			"old key stays.\n\n" +
			"Where the service creates keys by its API (Laghav), the new key is created, saved and never shown, and the old one\n" +
			"is revoked. Elsewhere, and for test keys, you create the new key yourself: the command prompts for it, or reads it\n" +
			"from stdin with --with-api-key, and says how to delete the old one.",
		Example: "lamina auth rotate --provider laghav\n" +
			"lamina auth rotate --provider lightfast\n" +
			"lamina auth rotate --profile work --with-api-key < new-key.txt",
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return rotate(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.withAPIKey, "with-api-key", false, "read the new key from stdin, or prompt for it")
	complete.AddProviderFlag(cmd, env)
	return cmd
}

// rotation replaces the key of a profile.
type rotation struct {
	env      *cmdutil.Env
	provider provider.Provider
	old      config.Profile  // decrypted
	verdict  session.Verdict // on the new key
	account  config.Account  // of the new key, where the service reports it
}

// rotationResult is the JSON form of a rotation.
type rotationResult struct {
	Profile  string          `json:"profile"`
	Provider string          `json:"provider"`
	Rotated  bool            `json:"rotated"`
	Key      session.Verdict `json:"key"`
	KeyID    string          `json:"keyId,omitempty"`
	// OldRevoked is false while the old key is still valid. OldKeyID identifies it, if its id is known.
	OldRevoked bool   `json:"oldRevoked"`
	OldKeyID   string `json:"oldKeyId,omitempty"`
}

func rotate(ctx context.Context, opts *rotateOptions) error {
	env := opts.env
	s, err := env.Sessions.Open()
	if err != nil {
		return err
	}
	if err := checkRotation(env, s); err != nil {
		return err
	}
	unlock, err := env.Sessions.Store().Lock(ctx, config.RefreshLock(s.Profile)) // one rotation at a time
	if err != nil {
		return err
	}
	defer unlock()
	r, err := newRotation(env, s)
	if err != nil {
		return err
	}
	shape, _ := s.Provider.Shape(r.old.Credential.Token.Reveal())
	// It is not documented whether Laghav's API creates test keys; a live key in place of one would cost money.
	if s.Provider.Name == provider.Laghav().Name && shape.Class != "test" && !opts.withAPIKey {
		return r.byService(ctx)
	}
	return r.byHand(ctx, opts)
}

// checkRotation refuses a credential that has no stored key.
func checkRotation(env *cmdutil.Env, s *session.Session) error {
	switch {
	case !s.Stored():
		return fail.Usage("lamina auth rotate --profile NAME",
			"the key in use comes from %s: change it where it is set; to rotate a stored key, name its profile", s.Variable)
	case s.Credential.Kind == config.OAuth:
		return fail.Usage("lamina auth status", "profile %s holds a session, which rotates its tokens itself: there is nothing to do", s.Profile)
	}
	return env.Sessions.Store().CheckWritable(s.Profile)
}

// newRotation reads the profile again, now that no other process rotates it.
func newRotation(env *cmdutil.Env, s *session.Session) (*rotation, error) {
	p, _, err := env.Sessions.ChosenProfile()
	if err != nil {
		return nil, err
	}
	if p, err = env.Sessions.Store().Decrypt(p); err != nil {
		return nil, err
	}
	return &rotation{env: env, provider: s.Provider, old: p}, nil
}

// client returns a client that sends a key to the profile's service.
func (r *rotation) client(key config.Secret) (*api.Client, error) {
	c := r.old.Credential
	return r.env.Sessions.KeyClient(r.provider, c.BaseURL, key, c.Settings)
}

// byHand replaces the key by one that the user created.
func (r *rotation) byHand(ctx context.Context, opts *rotateOptions) error {
	env, p := r.env, r.provider
	command := env.Command("auth", "rotate")
	fromFile := env.Command("auth", "rotate", "--with-api-key") + " < new-key.txt"
	if !opts.withAPIKey && !env.MayPrompt() {
		if err := env.NeedUser("typing the new key", fromFile); err != nil {
			return err
		}
		return &fail.Error{
			Code: fail.NeedsPerson, Hint: fromFile,
			Message: fmt.Sprintf("there is no terminal to type the new key on: create one (%s), and pipe it to --with-api-key", p.KeysPlace()),
		}
	}
	if env.MayPrompt() {
		env.Say("Create a new key of %s: %s. The old key stays in use until the new one is checked.", p.Title, p.KeysPlace())
	}
	text, err := env.ReadSecret(ctx, "New API key of "+p.Title+":", fromFile)
	if err != nil {
		return err
	}
	key, warning, err := auth.CheckAPIKey(p, text)
	if err != nil {
		return fail.Usage(fromFile, "%v; the old key stays", err)
	}
	if key == r.old.Credential.Token {
		return fail.Usage(command, "profile %s has this key already", r.old.Name)
	}
	if warning != "" {
		env.Note("%s", warning)
	}
	if err := r.verify(ctx, key); err != nil {
		return err
	}
	if err := r.replace(ctx, key, ""); err != nil {
		return err
	}
	return r.report(rotationResult{})
}

// verify asks the service about the new key, before the old one is replaced.
func (r *rotation) verify(ctx context.Context, key config.Secret) error {
	client, err := r.client(key)
	if err != nil {
		return err
	}
	if r.provider.AccountPath != "" {
		err = r.identify(ctx, client)
	} else {
		r.verdict, err = r.env.Sessions.CheckKey(ctx, r.provider, client)
	}
	var refused *api.Error
	if errors.As(err, &refused) {
		r.env.Say("The new key was not accepted; profile %s keeps the old one.", r.old.Name)
	}
	return err
}

// identify asks for the account of the new key, which must belong to the same workspace.
func (r *rotation) identify(ctx context.Context, client *api.Client) error {
	reply, err := client.Account(ctx)
	if err != nil {
		return err
	}
	r.verdict, r.account = session.Verdict{Checked: true, Proven: true}, accountOf(reply.Data)
	if was := r.old.Credential.Account; was.WorkspaceID != "" && was.WorkspaceID != r.account.WorkspaceID {
		return &fail.Error{
			Code: fail.WrongWorkspace, Hint: "lamina login --with-api-key --profile NAME < new-key.txt",
			Message: fmt.Sprintf("the new key belongs to workspace %s, and profile %s to %s; nothing was changed",
				session.DescribeWorkspace(r.account), r.old.Name, session.DescribeWorkspace(was)),
		}
	}
	return nil
}

// replace stores the new key in place of the old one, in one write that an interrupt does not end. id is the id of the key; "" if it
// is unknown.
func (r *rotation) replace(ctx context.Context, key config.Secret, id string) error {
	sessions, p := r.env.Sessions, r.old
	p.Credential.Token, p.Credential.SavedAt, p.Credential.Account = key, r.env.Now(), r.account
	p.Credential.Settings = maps.Clone(p.Credential.Settings)
	delete(p.Credential.Settings, laghav.KeyIDSetting)
	if id != "" {
		if p.Credential.Settings == nil {
			p.Credential.Settings = map[string]string{}
		}
		p.Credential.Settings[laghav.KeyIDSetting] = id
	}
	var err error
	if p.Encryption, err = sessions.NewKey(p.Name, r.old.Encryption.Storage()); err != nil {
		return err
	}
	replaced, err := sessions.Store().Replace(context.WithoutCancel(ctx), config.UpdateOptions{}, p)
	if err != nil {
		sessions.DropKey(p.Encryption)
		return err
	}
	sessions.DropKey(replaced.Encryption)
	return nil
}

// report shows the result, and says what is left to do.
func (r *rotation) report(result rotationResult) error {
	result.Profile, result.Provider, result.Rotated, result.Key = r.old.Name, r.provider.Name, true, r.verdict
	err := r.env.PrintWithOldFields(result, func(p *output.Page) {
		p.Line("%s %s %s", p.Good("Profile"), p.Bold(r.old.Name), p.Good("has a new key"))
		old := "still valid"
		if result.OldRevoked {
			old = "revoked"
		}
		p.Fields("service", r.provider.Title, "new key", describeKey(&keyStatus{Verdict: &r.verdict}), "old key", old)
		writeVerdict(p, r.verdict)
	})
	if err != nil || result.OldRevoked {
		return err
	}
	way := "delete it where keys are created: " + r.provider.KeysPlace()
	if r.provider.Name == provider.Laghav().Name {
		way = fmt.Sprintf("revoke it with %s; %s shows the ids", r.env.Command("laghav", "keys", "revoke", "ID"), r.env.Command("laghav", "keys", "list"))
		if result.OldKeyID != "" {
			way = "revoke it with " + r.env.Command("laghav", "keys", "revoke", result.OldKeyID)
		}
	}
	r.env.Say("The old key is still valid: %s", way)
	return nil
}
