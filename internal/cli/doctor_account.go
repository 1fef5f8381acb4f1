package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
)

// unsealed is a stored credential with its secrets, and how long it took to get at them.
type unsealed struct {
	config.Credential
	took time.Duration
}

// unsealOnce gets at the secrets of the login that commands would use, which may take a question to the keyring.
func (d *doctor) unsealOnce() (unsealed, error) {
	s, err := d.open()
	if err != nil || s.fromEnv {
		return unsealed{}, err
	}
	started := d.env.Now()
	p, err := d.store.Decrypt(config.Profile{Name: s.profile, Credential: s.credential, Encryption: s.vault})
	return unsealed{p.Credential, d.env.Now().Sub(started)}, err
}

// checkKeyring asks the keyring, if the credential is sealed with a key in it.
func checkKeyring(_ context.Context, d *doctor) verdict {
	s, err := d.open()
	if err != nil || s.fromEnv {
		return skip("no credential in use needs the keyring")
	}
	if s.vault.Storage() != config.StorageKeyring {
		return skip("the secrets of profile %s are in the file, the keyring is not used", s.profile)
	}
	c, err := d.unseal()
	if err != nil {
		return failedBy(err)
	}
	return ok("it holds the key to profile %s, and answers in %s", s.profile, milliseconds(c.took))
}

// checkCredential looks at what would be sent, without sending it.
func checkCredential(_ context.Context, d *doctor) verdict {
	s, err := d.open()
	if err != nil {
		return failedBy(err)
	}
	if s.fromEnv {
		return ok("the API key of %s, which wins over every login", d.provider.EnvKey)
	}
	c, err := d.unseal()
	if err != nil {
		return skip("the keyring does not open it")
	}
	now := d.env.Now()
	what := map[config.Kind]string{config.APIKey: "an API key", config.OAuth: "a session"}[c.Kind]
	text := fmt.Sprintf("%s of profile %s, saved %s", what, s.profile, output.Ago(c.SavedAt, now))
	if c.SavedAt.IsZero() {
		text = fmt.Sprintf("%s of profile %s", what, s.profile)
	}
	if shape, known := s.provider.Shape(c.Token.Reveal()); known && shape.Class != "" {
		text += ", a " + shape.Class + " key"
	}
	if c.Account.WorkspaceName != "" {
		text += ", for the workspace " + c.Account.WorkspaceName
	}
	if c.Kind == config.APIKey {
		return ok("%s", text)
	}
	switch left := c.ExpiresAt.Sub(now); {
	case !c.EndedAt.IsZero():
		return failed(codeSessionExpired, "lamina login", "%s; the service ended it", text)
	case c.RefreshToken == "":
		return warn("lamina login", "%s; it cannot be renewed", text)
	case !c.ExpiresAt.IsZero() && left <= time.Minute:
		text += "; its access token is due for renewal"
	case !c.ExpiresAt.IsZero():
		text += "; its access token ends " + output.Ago(c.ExpiresAt, now)
	}
	if end := c.RefreshExpiresAt; !end.IsZero() {
		if end.Sub(now) < hintBefore {
			return warn("lamina whoami", "%s; it ends on %s unless it is used", text, end.Local().Format("2 January"))
		}
		text += fmt.Sprintf(", and it lives until %s", end.Local().Format("2 January 2006"))
	}
	return ok("%s", text)
}

// checkAccount asks the service whether it accepts the credential, as every command does: a session that is due is
// renewed by it.
func checkAccount(ctx context.Context, d *doctor) verdict {
	s, err := d.open()
	if err != nil {
		return skip("there is no credential to ask about")
	}
	if v := checkAPI(ctx, d); v.Status == checkFail {
		return skip("the service was not reached")
	}
	if _, err := d.unseal(); err != nil {
		return skip("the keyring does not open the credential")
	}
	if !d.provider.IsLamina() {
		return d.checkServiceKey(ctx, s)
	}
	if s.source != nil && d.provider.OAuth != nil && d.token().Err != nil {
		return skip("the token endpoint was not reached")
	}
	who, err := d.who()
	if err != nil {
		return failedBy(err)
	}
	a := accountOf(who)
	workspace := firstOf(a.WorkspaceName, a.WorkspaceID, "no workspace")
	return ok("the service accepts it: %s in %s", firstOf(a.Email, a.UserID, "somebody"), workspace)
}

// checkServiceKey asks a service that is not Lamina about the key.
func (d *doctor) checkServiceKey(ctx context.Context, s *session) verdict {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	learned, err := d.env.checkKey(ctx, s.provider, d.env.clientOf(s))
	switch {
	case err != nil:
		return failedBy(err)
	case !learned.Checked:
		return skip("%s", learned.Says)
	case learned.Means != "":
		return warn(loginCommand(s.provider), "%s accepts the key, but: %s", s.provider.Title, learned.Says)
	}
	return ok("%s accepts the key", s.provider.Title)
}

// account asks the service whose credential this is.
func (d *doctor) account(ctx context.Context) (api.Account, error) {
	client, err := d.env.client()
	if err != nil {
		return api.Account{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	reply, err := client.Account(ctx)
	if err != nil {
		return api.Account{}, err
	}
	return reply.Data, nil
}
