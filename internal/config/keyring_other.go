//go:build !linux && !netbsd && !openbsd

package config

import (
	"errors"
	"os/exec"
)

// keyringReady returns nil: the keychain of macOS and the credential manager of Windows always exist.
func keyringReady() error { return nil }

// systemKeyringProblem returns the problem that the exit status of macOS's security command stands for. The status is the low
// byte of an OSStatus.
func systemKeyringProblem(err error) KeyringProblem {
	const noInteraction, authFailed = 36, 51 // errSecInteractionNotAllowed (-25308), errSecAuthFailed (-25293)
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return KeyringAbsent
	case errors.As(err, &exit) && (exit.ExitCode() == noInteraction || exit.ExitCode() == authFailed):
		return KeyringLocked
	}
	return KeyringFailed
}
