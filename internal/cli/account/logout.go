package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// NewLogout returns the command logout.
func NewLogout(env *cmdutil.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout",
		Short:   "Sign out: revoke the session, and remove it from this machine",
		Example: "lamina logout\nlamina logout --provider laghav",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return logout(cmd.Context(), env) },
	}
	complete.AddProviderFlag(cmd, env)
	return cmd
}

// logout revokes what can be revoked, removes the credential in any case, and shows what remains.
func logout(ctx context.Context, env *cmdutil.Env) error {
	doc, chosen, err := env.Sessions.LoadAndChoose()
	if err != nil {
		return err
	}
	name := chosen.Profile
	p, ok := doc.Profile(name)
	remains := []string{}
	if ok {
		if remains, err = remove(ctx, env, p, (*config.Document).RemoveCredential); err != nil {
			return err
		}
	}
	if key := chosen.Provider.EnvKey; env.Sessions.Lookup(key) != "" {
		remains = append(remains, key+" is set in the environment and is still used")
	}
	for _, other := range doc.ProfileNames() {
		if other != name {
			remains = append(remains, "profile "+other+" is still signed in")
		}
	}
	value := map[string]any{"signedOut": ok, "profile": name, "remains": remains}
	return env.PrintWithOldFields(value, func(page *output.Page) {
		if ok {
			page.Line("%s of %s", page.Good("Signed out"), cmp.Or(p.Credential.BaseURL, "profile "+p.Name))
		} else {
			page.Line("You were not signed in%s.", nonEmpty(" to profile %s", nonDefault(name)))
		}
		writeNotes(page, remains)
	})
}

// writeNotes writes one line for each note.
func writeNotes(page *output.Page, notes []string) {
	for _, note := range notes {
		page.Line("%s %s", page.Busy("note:"), note)
	}
}

// remove revokes a credential where possible, removes it from the configuration in any case, and returns what remains.
func remove(ctx context.Context, env *cmdutil.Env, p config.Profile, removeFrom func(*config.Document, string)) ([]string, error) {
	store := env.Sessions.Store()
	err := store.Update(ctx, func(doc *config.Document) error {
		if current, ok := doc.Profile(p.Name); ok { // a refresh may have replaced the tokens
			p = current
		}
		removeFrom(doc, p.Name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	remains := []string{}
	decrypted, err := store.Decrypt(p)
	if err != nil && p.Credential.Kind == config.OAuth {
		remains = append(remains, fmt.Sprintf("the session could not be revoked, because %v; it expires when it is not used", err))
	} else { // the advice about an API key does not need the key
		remains = append(remains, revoke(ctx, env.Sessions, decrypted.Credential)...)
	}
	env.Sessions.DropKey(p.Encryption)
	return remains, nil
}

// revoke revokes a session at the service, and returns what could not be revoked.
func revoke(ctx context.Context, sessions *session.Manager, c config.Credential) []string {
	if c.Kind == config.APIKey {
		p, err := sessions.FindProvider(session.ProviderOf(c))
		if err != nil {
			return []string{"the API key itself is still valid; revoke it at the service"}
		}
		return []string{"the API key itself is still valid; revoke it where it was created: " + p.KeysPlace()}
	}
	client, err := sessions.HTTPClient()
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, sessions.RequestTimeout())
		defer cancel()
		err = auth.Revoke(ctx, client, provider.Lamina(), c)
	}
	var notOffered *auth.NotOfferedError
	switch {
	case errors.As(err, &notOffered):
		return []string{"the service offers no revocation; the session expires when it is not used"}
	case err != nil:
		return []string{fmt.Sprintf("the session could not be revoked (%s); it expires when it is not used", sessions.Describe(err).Message)}
	}
	return nil
}
