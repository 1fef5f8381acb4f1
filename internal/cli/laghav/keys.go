package laghav

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laghav"
	shell "github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

func newKeysList(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the API keys, without their values",
		Long:    "List the API keys, without their values. Laghav does not document the form of this list, so columns may be empty.",
		Example: "lamina laghav keys list\nlamina laghav keys list --json",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), env, (*laghav.Client).Keys, func(p *output.Page, keys []laghav.Key) { writeKeys(p, keys, env.Now()) })
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
		state, created := "active", ""
		if k.Revoked {
			state = "revoked"
		}
		if !k.CreatedAt.IsZero() {
			created = output.Past(k.CreatedAt, now)
		}
		rows = append(rows, []string{k.Name, k.AppID, k.Class, k.Last, created, state, k.ID})
	}
	p.Table([]string{"NAME", "APPLICATION", "CLASS", "ENDS IN", "CREATED", "STATE", "ID"}, rows)
}

func newKeysCreate(env *cmdutil.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an API key, and show it once or store it in a profile",
		Long: "Create an API key for an application. Laghav returns its value only now: the value is printed to stdout, or with --save\n" +
			"stored in a profile and not shown. --profile names that profile, which must not exist yet.",
		Example: "lamina laghav keys create CI --app app_sample\n" +
			"lamina laghav keys create Laptop --save --profile laghav-laptop",
		Args: cmdutil.NeedArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.setName(args[0], "lamina laghav keys create --help"); err != nil {
				return err
			}
			return opts.run(cmd.Context(), opts.createKey)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.app, "app", "", "create it for the application of this `ID`; required if there are several")
	f.BoolVar(&opts.save, "save", false, "store the key in a profile instead of showing it")
	return cmd
}

// createKey creates a key for the application of --app, or for the only one.
func (o *createOptions) createKey(ctx context.Context, client *laghav.Client) (laghav.NewKey, json.RawMessage, error) {
	app, err := client.FindApp(ctx, o.app)
	var several *laghav.SeveralAppsError
	if errors.As(err, &several) {
		return laghav.NewKey{}, nil, &fail.Error{
			Code: fail.InvalidArgument, Message: fmt.Sprintf("there are %d applications: name one with --app; nothing was created", len(several.IDs)),
			Hint: "lamina laghav apps list", Details: []api.Detail{{Field: "app", Message: "choose an existing one", Allowed: several.IDs}}, Err: err,
		}
	}
	if err != nil {
		return laghav.NewKey{}, nil, err
	}
	created, raw, err := client.CreateKey(ctx, o.name, app)
	if err != nil {
		return laghav.NewKey{}, nil, lostKeyError(err, "the key")
	}
	if created.AppID == "" {
		created.AppID = app
	}
	return created, raw, nil
}

type revokeOptions struct {
	env *cmdutil.Env
	id  string
	yes bool
}

func newKeysRevoke(env *cmdutil.Env) *cobra.Command {
	opts := &revokeOptions{env: env}
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke an API key permanently",
		Long: "Revoke an API key. Programs that use it stop working at once, and it cannot be restored. On a terminal, the command asks\n" +
			"for a confirmation; elsewhere --yes is required.",
		Example:           "lamina laghav keys revoke key_xyz789\nlamina laghav keys revoke key_xyz789 --yes",
		Args:              cmdutil.NeedArgs("ID"),
		ValidArgsFunction: completeKeys(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.id = args[0]
			if _, isKey := provider.Laghav().Shape(opts.id); isKey {
				return fail.Usage("lamina laghav keys list", "this is the value of a key, not its id; nothing was sent")
			}
			return revokeKey(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.yes, "yes", false, "do not ask for a confirmation")
	return cmd
}

// completeKeys offers the ids of the keys that can be revoked.
func completeKeys(env *cmdutil.Env) shell.Func {
	open := func() error {
		_, err := env.Sessions.OpenFor(provider.Laghav())
		return err
	}
	return shell.Keys(env, open, func(ctx context.Context, client *api.Client) (valid []shell.Key, err error) {
		keys, _, err := laghav.New(client).Keys(ctx)
		for _, k := range keys {
			if !k.Revoked {
				valid = append(valid, shell.Key{ID: k.ID, Name: k.Name})
			}
		}
		return valid, err
	})
}

func revokeKey(ctx context.Context, opts *revokeOptions) error {
	env, id := opts.env, opts.id
	client, s, err := newClient(env)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Revoke %s? Programs that use it stop working at once, and it cannot be restored.", output.Quote(id))
	isOwn := s.Settings[laghav.KeyIDSetting] == id
	if isOwn {
		question += fmt.Sprintf(" It is the key of profile %s.", s.Profile)
	}
	if err := env.Confirm(ctx, question, opts.yes, fail.CommandLine("laghav", "keys", "revoke", id, "--yes")); err != nil {
		return err
	}
	raw, err := client.RevokeKey(ctx, id)
	if api.IsNotFound(err) {
		return &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("there is no key %s", output.Quote(id)), Hint: "lamina laghav keys list", Err: err}
	}
	if err != nil {
		return err
	}
	shell.CacheKeys(env, nil) // the next completion asks for the keys that are left
	if isOwn {
		env.Note("profile %s has no valid key any more; to sign in again: %s", s.Profile, env.Sessions.FailContext().SignIn(s.Profile))
	}
	if len(raw) == 0 {
		raw, _ = json.Marshal(map[string]string{"id": id, "status": "revoked"}) // cannot fail: all values are strings
	}
	return env.Printer.Data(raw, func(p *output.Page) { p.Line("%s %s", p.Good("Revoked"), p.Bold(id)) })
}
