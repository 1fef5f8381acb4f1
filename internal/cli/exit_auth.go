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
		ended    *auth.SessionEndedError
		denied   *auth.DeniedError
		expired  *auth.ExpiredError
		late     *auth.TimeoutError
		refused  *auth.OAuthError
		metadata *auth.MetadataError
		offered  *auth.NotOfferedError
		port     *auth.PortError
		busy     *config.BusyError
		file     *config.FileError
		home     *config.NoHomeError
		address  *auth.URLError
	)
	login := "lamina login"
	switch {
	case errors.As(err, &none):
		message := "you are not signed in"
		if none.Profile != config.DefaultProfile {
			message, login = "nobody is signed in to profile "+none.Profile, login+" --profile "+none.Profile
		}
		return fail(codeNotLoggedIn, message, login), true
	case errors.As(err, &ended):
		return fail(codeSessionExpired, cause(err).Error(), login), true
	case errors.As(err, &denied):
		return fail(codeDenied, denied.Error(), login), true
	case errors.As(err, &expired):
		return fail(codeLoginTimeout, expired.Error(), login), true
	case errors.As(err, &late):
		return fail(codeLoginTimeout, late.Error(), login), true
	case errors.As(err, &port):
		return fail(codeAddressInUse, port.Error()+": end the program that has it, or sign in with a code", login+" --device"), true
	case errors.As(err, &busy):
		f := fail(codeBusy, busy.Error(), "")
		f.Retryable = true
		return f, true
	case errors.As(err, &file):
		return fail(codeConfig, cause(err).Error(), ""), true
	case errors.As(err, &home):
		return fail(codeConfig, home.Error(), ""), true
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
		unsaved     *auth.NotSavedError
	)
	const login = "lamina login"
	switch {
	case errors.As(err, &unsaved):
		return fail(codeConfig, unsaved.Error(), ""), true
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
