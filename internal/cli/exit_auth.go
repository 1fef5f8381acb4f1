package cli

import (
	"errors"
	"net/http"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
)

// describeAuth finds the words for what goes wrong with credentials and where they are kept.
func describeAuth(err error) (failure, bool) {
	var (
		none     *auth.NotSignedInError
		denied   *auth.DeniedError
		expired  *auth.ExpiredError
		late     *auth.TimeoutError
		refused  *auth.OAuthError
		metadata *auth.MetadataError
		offered  *auth.NotOfferedError
		port     *auth.PortError
		listen   *auth.ListenError
		busy     *config.BusyError
		file     *config.FileError
		home     *config.NoHomeError
		address  *auth.URLError
	)
	login := "lamina login"
	if f, ok := describeSession(err); ok {
		return f, true
	}
	switch {
	case errors.As(err, &none):
		message := "you are not signed in"
		if none.Profile != config.DefaultProfile {
			message, login = "nobody is signed in to profile "+none.Profile, login+" --profile "+none.Profile
		}
		return fail(codeNotLoggedIn, message, login), true
	case errors.As(err, &denied):
		return fail(codeDenied, denied.Error(), login), true
	case errors.As(err, &expired):
		return fail(codeLoginTimeout, expired.Error(), login), true
	case errors.As(err, &late):
		return fail(codeLoginTimeout, late.Error(), login), true
	case errors.As(err, &port):
		return fail(codeAddressInUse, port.Error(), login+" --device"), true
	case errors.As(err, &listen):
		return fail(codeUnknown, listen.Error(), login+" --device"), true
	case errors.As(err, &busy):
		f := fail(codeBusy, busy.Error(), "")
		f.Retryable = true
		return f, true
	case errors.As(err, &file):
		return fail(codeConfig, cause(err).Error(), fileHint(file.Problem)), true
	case errors.As(err, &home):
		return fail(codeConfig, home.Error(), "set HOME or LAMINA_CONFIG_DIR, or pass a key in LAMINA_API_KEY, which is not stored"), true
	case errors.As(err, &metadata), errors.As(err, &offered), errors.As(err, &refused):
		return fail(codeLogin, cause(err).Error(), ""), true
	case errors.As(err, &address):
		return fail(codeInvalidArgument, address.Error(), ""), true
	}
	if f, ok := describeAuthAnswer(err); ok {
		return f, true
	}
	return describeKeyring(err)
}

// describeSession describes the end of a session. The way out is a sign-in to the same profile.
func describeSession(err error) (failure, bool) {
	var ended *auth.SessionEndedError
	var unsaved *auth.NotSavedError
	var unregistered *auth.RegistrationError
	switch {
	case errors.As(err, &ended):
		return fail(codeSessionExpired, cause(err).Error(), loginTo(ended.Profile)), true
	case errors.As(err, &unsaved):
		return fail(codeConfig, unsaved.Error(), loginTo(unsaved.Profile)), true
	case errors.As(err, &unregistered):
		f := describe(unregistered.Err)
		f.Hint = "register a public (native) client there, and pass its id with --client-id"
		return f, true
	}
	return failure{}, false
}

func loginTo(profile string) string {
	if profile == "" || profile == config.DefaultProfile {
		return "lamina login"
	}
	return "lamina login --profile " + profile
}

// fileHint returns what helps against a problem with a file of the configuration.
func fileHint(p config.Problem) string {
	switch p {
	case config.Damaged:
		return "repair the file, or run lamina login, which keeps the damaged file and starts a new one"
	case config.Unreadable:
		return "check the owner and the permissions of the file"
	case config.NotAFile:
		return "move it away"
	case config.NotAFolder:
		return "move it away, or choose another folder with LAMINA_CONFIG_DIR"
	case config.DanglingLink:
		return "restore the target of the link, or remove the link"
	case config.NewerVersion:
		return "update lamina"
	}
	return "free some space or change the permissions, or choose another folder with LAMINA_CONFIG_DIR"
}

// describeKeyring finds the words for a keyring that does not serve, and for a pin that cannot be used.
func describeKeyring(err error) (failure, bool) {
	var pin *config.ProjectError
	if errors.As(err, &pin) {
		return fail(codeInvalidPin, pin.Error(), ""), true
	}
	var ring *config.KeyringError
	if !errors.As(err, &ring) {
		return failure{}, false
	}
	login := "lamina login"
	if ring.Profile != "" && ring.Profile != config.DefaultProfile {
		login += " --profile " + ring.Profile
	}
	inFile := login + " --storage file"
	switch ring.Problem {
	case config.KeyringAbsent:
		return fail(codeKeyringAbsent, ring.Error()+", such as GNOME Keyring or KWallet: start one, or keep the secrets in the file", inFile), true
	case config.KeyringLocked:
		return fail(codeKeyringLocked, ring.Error()+": unlock it in the password program of your desktop, or keep the secrets in the file", inFile), true
	case config.KeyringTimeout:
		f := fail(codeKeyringTimeout, ring.Error()+"; it may be waiting for somebody to unlock it. Try again, or keep the secrets in the file", inFile)
		f.Retryable = true
		return f, true
	case config.KeyringKeyMissing:
		return fail(codeKeyringGone, ring.Error()+": sign in again", login), true
	case config.KeyringMismatch:
		return fail(codeKeyringMismatch, ring.Error()+"; sign in again", login), true
	}
	return fail(codeKeyringFailed, ring.Error(), inFile), true
}

// describeAuthAnswer finds the words for an authorization server that fails. The session is kept.
func describeAuthAnswer(err error) (failure, bool) {
	var (
		unreachable *auth.UnreachableError
		status      *auth.StatusError
		reply       *auth.ResponseError
	)
	const login = "lamina login"
	switch {
	case errors.As(err, &status):
		f := fail(codeServer, cause(err).Error(), "")
		if status.Status == http.StatusTooManyRequests {
			f.Code, f.Exit = codeRateLimited.name, codeRateLimited.exit
		}
		f.Retryable = true
		if status.Status < 500 && status.Status != http.StatusTooManyRequests { // a refusal that does not say why
			f.Retryable, f.Hint = false, login
		}
		return f, true
	case errors.As(err, &reply):
		return fail(codeUnexpected, cause(err).Error(), ""), true
	case errors.As(err, &unreachable):
		f := fail(codeUnreachable, cause(err).Error(), "")
		f.Retryable = true
		return f, true
	}
	return failure{}, false
}
