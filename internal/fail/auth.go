package fail

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/auth/clientkey"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// describeAuth describes errors of sign-in, of sessions and of the files that hold them.
func (c Context) describeAuth(err error) (Failure, bool) {
	for _, describe := range []func(error) (Failure, bool){c.describeSession, c.describeLogin, c.describeStore, c.describeServer} {
		if f, ok := describe(err); ok {
			return f, true
		}
	}
	return Failure{}, false
}

// describeSession describes a session that does not exist or is over.
func (c Context) describeSession(err error) (Failure, bool) {
	var (
		none  *auth.NotSignedInError
		home  *config.NoHomeError
		lost  *auth.LostResponseError
		ended *auth.SessionEndedError
	)
	switch {
	case errors.As(err, &none) && errors.As(err, &home):
		return newFailure(NotLoggedIn, home.Error(), c.homeHint()), true
	case errors.As(err, &none):
		message := "you are not signed in"
		if none.Profile != "" && none.Profile != config.DefaultProfile {
			message = "profile " + none.Profile + " is not signed in"
		}
		return newFailure(NotLoggedIn, message, c.MissingCredential(none.Profile)), true
	case errors.As(err, &lost):
		return newFailure(SessionExpired, lost.Error(), c.MissingCredential(lost.Ended.Profile)), true
	case errors.As(err, &ended):
		return newFailure(SessionExpired, ended.Error(), c.MissingCredential(ended.Profile)), true
	}
	return Failure{}, false
}

// describeLogin describes a sign-in that did not succeed.
func (c Context) describeLogin(err error) (Failure, bool) {
	var (
		denied   *auth.DeniedError
		expired  *auth.ExpiredError
		late     *auth.TimeoutError
		port     *auth.PortError
		listen   *auth.ListenError
		client   *auth.RegistrationError
		pasted   *auth.PastedSecretError
		refused  *auth.OAuthError
		metadata *auth.MetadataError
		offered  *auth.NotOfferedError
		address  *safeurl.Error
		key      *clientkey.Error
		unknown  *auth.ClientRefusedError
	)
	again := c.SignIn(c.Credential.Profile)
	switch {
	case errors.As(err, &denied):
		return newFailure(Denied, denied.Error(), again), true
	case errors.As(err, &expired):
		return newFailure(LoginTimeout, expired.Error(), again), true
	case errors.As(err, &late):
		return newFailure(LoginTimeout, late.Error(), again), true
	case errors.As(err, &port):
		return newFailure(AddressInUse, port.Error(), c.SignIn(c.Credential.Profile, "--device")), true
	case errors.As(err, &pasted):
		return newFailure(InvalidArgument, pasted.Error(), "Ctrl-C, then "+c.SignIn(c.Credential.Profile, "--with-api-key")), true
	case errors.As(err, &listen):
		return newFailure(Unknown, listen.Error(), c.SignIn(c.Credential.Profile, "--device")), true
	case errors.As(err, &client):
		f := c.describe(client.Err)
		f.Hint = registrationHint(client.Err)
		return f, true
	case errors.As(err, &key):
		return newFailure(ConfigUnusable, cause(err).Error(), c.SignIn(c.Credential.Profile, "--client-key", "FILE")), true
	case errors.As(err, &unknown) && unknown.RedirectURI == "":
		return newFailure(LoginFailed, unknown.Error(), "register a public (native) client that may use device codes there, and pass its id with --client-id"), true
	case errors.As(err, &unknown):
		return newFailure(LoginFailed, unknown.Error(), "register a public (native) client with this redirect URI there, and pass its id with --client-id; "+
			"if the server compares the port, choose one with --callback-port"), true
	case errors.As(err, &metadata) && metadata.Issuer != "":
		return newFailure(LoginFailed, metadata.Error(), c.SignIn(c.Credential.Profile, "--issuer", metadata.Issuer)+" (if you trust that server)"), true
	case errors.As(err, &offered):
		return newFailure(LoginFailed, cause(err).Error(), c.offeredHint(offered)), true
	case errors.As(err, &refused) && auth.IsPassing(err):
		return newFailure(ServerError, cause(err).Error(), "").retryable(), true
	case errors.As(err, &metadata):
		return newFailure(LoginFailed, cause(err).Error(), "tell who runs that server, or sign in at another one with --issuer"), true
	case errors.As(err, &refused):
		return newFailure(LoginFailed, cause(err).Error(), again), true
	case errors.As(err, &address):
		return newFailure(InvalidArgument, address.Error(), ""), true
	}
	return Failure{}, false
}

// offeredHint returns what to do where a server does not offer something.
func (c Context) offeredHint(e *auth.NotOfferedError) string {
	flag := map[auth.Method]string{auth.InBrowser: "--browser", auth.WithDevice: "--device", auth.WithKey: "--with-api-key"}[e.Instead]
	if flag == "" {
		return "check the address of the server (--issuer)"
	}
	return c.SignIn(c.Credential.Profile, flag)
}

// registrationHint returns what to do where a third-party server does not register this program. It may require an initial access
// token (RFC 7591 section 3).
func registrationHint(err error) string {
	const byHand = "register a public (native) client there, and pass its id with --client-id"
	status := 0
	var refused *auth.OAuthError
	var response *auth.StatusError
	switch {
	case errors.As(err, &refused):
		status = refused.Status
	case errors.As(err, &response):
		status = response.Status
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return byHand + "; or pass an initial access token of that server with --registration-token FILE"
	}
	return byHand
}

// describeStore describes a configuration folder that cannot be used.
func (c Context) describeStore(err error) (Failure, bool) {
	var (
		busy    *config.BusyError
		file    *config.FileError
		home    *config.NoHomeError
		unsaved *auth.NotSavedError
	)
	switch {
	case errors.As(err, &busy):
		return newFailure(Busy, busy.Error(), "").retryable(), true
	case errors.As(err, &unsaved):
		return newFailure(ConfigUnusable, unsaved.Error(), c.SignIn(unsaved.Profile)), true
	case errors.As(err, &file):
		return newFailure(ConfigUnusable, cause(err).Error(), c.fileHint(file)), true
	case errors.As(err, &home):
		return newFailure(ConfigUnusable, home.Error(), c.homeHint()), true
	}
	return Failure{}, false
}

// homeHint returns what to do if there is no folder for the configuration.
func (c Context) homeHint() string {
	key := cmp.Or(c.Credential.Provider.EnvKey, provider.Lamina().EnvKey)
	return "set HOME or LAMINA_CONFIG_DIR, or pass a key in " + key + ", which is not stored"
}

// fileHint returns what to do about a problem with a file of the configuration.
func (c Context) fileHint(file *config.FileError) string {
	switch file.Problem {
	case config.Damaged:
		return "repair the file, or sign in again, which moves it aside: " + c.SignIn(c.Credential.Profile)
	case config.Unreadable:
		return "check the owner and the permissions of the file"
	case config.NotAFile:
		return "move it away"
	case config.NotAFolder:
		return "move it away, or choose another folder with LAMINA_CONFIG_DIR"
	case config.DanglingLink, config.LinkLoop:
		return "restore the target of the link, or remove the link"
	case config.NewerVersion:
		return "update lamina"
	case config.ForbiddenLink:
		return "remove it"
	case config.Untrusted:
		return "if it is yours, change its owner with chown and its mode with chmod go-w; else remove it, or choose another folder with LAMINA_CONFIG_DIR"
	}
	if file.Problem == config.Unwritable && file.Detail != "" {
		return "make it writable (chattr -i, chattr -a, or another mount), or choose another folder with LAMINA_CONFIG_DIR"
	}
	return "free some space or change the permissions, or choose another folder with LAMINA_CONFIG_DIR"
}

// describeServer describes an authorization server that fails. The session is kept.
func (c Context) describeServer(err error) (Failure, bool) {
	var (
		unreachable *auth.UnreachableError
		status      *auth.StatusError
		reply       *auth.ResponseError
	)
	switch {
	case errors.As(err, &status) && status.Status == http.StatusTooManyRequests:
		return newFailure(RateLimited, cause(err).Error(), "").retryable(), true
	case errors.As(err, &status) && !auth.IsPassing(err):
		return newFailure(ServerError, cause(err).Error(), c.SignIn(c.Credential.Profile)), true
	case errors.As(err, &status):
		return newFailure(ServerError, cause(err).Error(), "").retryable(), true
	case errors.As(err, &reply):
		return newFailure(Unexpected, cause(err).Error(), c.Command("doctor")), true
	case errors.As(err, &unreachable):
		return newFailure(Unreachable, cause(err).Error(), "").retryable(), true
	}
	return Failure{}, false
}

// describeKeyring describes an OS keyring that does not serve.
func (c Context) describeKeyring(err error) (Failure, bool) {
	var ring *config.KeyringError
	if !errors.As(err, &ring) {
		return Failure{}, false
	}
	profile := cmp.Or(ring.Profile, c.Credential.Profile)
	login, inFile := c.SignIn(profile), c.SignIn(profile, "--storage", "file")
	switch ring.Problem {
	case config.KeyringAbsent:
		return newFailure(KeyringAbsent, ring.Error()+", such as GNOME Keyring or KWallet: start one, or keep the secrets in the file", inFile), true
	case config.KeyringLocked:
		return newFailure(KeyringLocked, ring.Error()+": unlock it in the password program of your desktop, or keep the secrets in the file", inFile), true
	case config.KeyringTimeout:
		return newFailure(KeyringTimeout, ring.Error()+"; it may wait to be unlocked. Try again, or keep the secrets in the file", inFile).retryable(), true
	case config.KeyringKeyMissing:
		return newFailure(KeyringGone, ring.Error()+": sign in again", login), true
	case config.KeyringMismatch:
		return newFailure(KeyringMismatch, ring.Error()+"; sign in again", login), true
	}
	return newFailure(KeyringFailed, ring.Error(), inFile), true
}
