package doctor

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// checkKeyring reads the encryption key from the keyring, if the credential in use is encrypted.
func checkKeyring(_ context.Context, e *examination) Finding {
	if e.sessionErr != nil || !e.session.Stored() {
		return skip("no credential in use needs the keyring")
	}
	if e.session.Encryption.Storage() != config.StorageKeyring {
		return skip("not used: the secrets of profile %s are in the file", e.session.Profile)
	}
	c, err := e.decrypt()
	if err != nil {
		return e.describe(err)
	}
	return ok("it holds the key to profile %s, and answers in %s", e.session.Profile, milliseconds(c.took))
}

// checkCredential examines the credential in use, without sending it.
func checkCredential(_ context.Context, e *examination) Finding {
	if e.sessionErr != nil {
		return e.describe(e.sessionErr)
	}
	if !e.session.Stored() {
		return ok("the API key in %s, which overrides stored credentials", e.session.Variable)
	}
	c, err := e.decrypt()
	if err != nil {
		return skip("the keyring does not decrypt it")
	}
	text := e.describeStored(c.Credential)
	if c.Kind == config.APIKey {
		return ok("%s", text)
	}
	return e.checkSession(c.Credential, text)
}

// describeStored describes the stored credential in a phrase.
func (e *examination) describeStored(c config.Credential) string {
	text := "a session"
	if c.Kind == config.APIKey {
		text = "an API key"
	}
	text += " of profile " + e.session.Profile
	if !c.SavedAt.IsZero() {
		text += ", saved " + output.Past(c.SavedAt, e.sessions.Now())
	}
	if shape, isKnown := e.provider.Shape(c.Token.Reveal()); isKnown && shape.Class != "" {
		text += ", a " + shape.Class + " key"
	}
	if c.Account.WorkspaceName != "" {
		text += ", for the workspace " + c.Account.WorkspaceName
	}
	return text
}

// checkSession examines the expiry of an OAuth session. text describes the session.
func (e *examination) checkSession(c config.Credential, text string) Finding {
	now := e.sessions.Now()
	switch {
	case !c.EndedAt.IsZero():
		return failed(fail.SessionExpired, e.signIn(), "%s; the service ended it", text)
	case c.RefreshToken == "":
		return warn(e.signIn(), "%s; it cannot be refreshed", text)
	case !c.ExpiresAt.IsZero() && c.ExpiresAt.Sub(now) <= time.Minute:
		text += "; its access token is due for a refresh"
	case !c.ExpiresAt.IsZero():
		text += "; its access token expires " + output.Ago(c.ExpiresAt, now)
	}
	end := c.RefreshExpiresAt
	if end.IsZero() {
		return ok("%s", text)
	}
	if session.EndsSoon(end.Sub(now)) {
		return warn(e.command("whoami"), "%s; the session expires on %s if it is not used until then", text, output.Moment(end))
	}
	return ok("%s; the session expires on %s if it is not used until then", text, output.Day(end))
}

// checkAccount sends the credential to the service, as every command does. If the access token has expired, this refreshes it.
func checkAccount(ctx context.Context, e *examination) Finding {
	if e.sessionErr != nil {
		return skip("there is no credential to send")
	}
	if checkAPI(ctx, e).Status == Failed {
		return skip("the service was not reached")
	}
	if _, err := e.decrypt(); err != nil {
		return skip("the keyring does not decrypt the credential")
	}
	if e.provider.AccountPath == "" {
		return e.checkKey(ctx)
	}
	// Once a refresh is sent, its answer must be waited for: send none to an endpoint that does not answer.
	if e.session.Refreshes() && e.provider.OAuth != nil && e.probeToken().Err != nil {
		return skip("the token endpoint was not reached")
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime(e.sessions))
	defer cancel()
	identity, err := e.session.Identify(ctx)
	if err != nil {
		return e.describe(err)
	}
	reply := identity.Reply
	if reply == nil {
		a := identity.Userinfo
		e.email = a.Email
		return ok("its issuer accepts it: %s; the service has no accounts", cmp.Or(a.Email, "user "+a.UserID))
	}
	user, workspace := reply.Data.User, "no workspace"
	if w := reply.Data.Workspace; w != nil {
		workspace = cmp.Or(w.Name, w.ID, workspace)
	}
	e.email = user.Email
	return ok("the service accepts it: %s in %s", cmp.Or(user.Email, user.ID, "a user without a name"), workspace)
}

// checkKey tests the key of a service that has no request for the account.
func (e *examination) checkKey(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, stepTime(e.sessions))
	defer cancel()
	verdict, err := e.sessions.CheckKey(ctx, e.provider, e.session.Client())
	switch {
	case err != nil:
		return e.describe(err)
	case !verdict.Checked:
		return skip("%s", verdict.Note)
	case verdict.Kind != "":
		return warn(e.signIn(), "%s accepts the key, but: %s", e.provider.Title, verdict.Note)
	}
	return ok("%s accepts the key", e.provider.Title)
}

// milliseconds formats a short duration.
func milliseconds(d time.Duration) string {
	if d < time.Millisecond {
		return "less than 1 ms"
	}
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
