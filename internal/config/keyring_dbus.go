//go:build linux || netbsd || openbsd

package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
	secretservice "github.com/zalando/go-keyring/secret_service"
)

// keyringReady returns an error unless there is a Secret Service with an unlocked keyring. Without this check the library
// would start a message bus if none runs, and would wait for the user to answer a prompt that may not be visible.
func keyringReady() error {
	bus, err := dbus.SessionBusPrivateNoAutoStartup() // this also sets the address for the library
	if err != nil {
		return &KeyringError{Problem: KeyringAbsent, Err: err}
	}
	_ = bus.Close()
	service, err := secretservice.NewSecretService()
	if err != nil {
		return &KeyringError{Problem: KeyringAbsent, Err: err}
	}
	collection := service.GetLoginCollection().Path()
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err = service.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.Unlock", 0, []dbus.ObjectPath{collection}).Store(&unlocked, &prompt)
	switch {
	case err != nil:
		return fmt.Errorf("unlock %s: %w", collection, err)
	case prompt != "/":
		service.Object("org.freedesktop.secrets", prompt).Go("org.freedesktop.Secret.Prompt.Dismiss", dbus.FlagNoReplyExpected, nil)
		return &KeyringError{Problem: KeyringLocked}
	case len(unlocked) == 0: // the service runs, but has no keyring
		return &KeyringError{Problem: KeyringAbsent}
	}
	return nil
}

// systemKeyringProblem returns the problem that the name of a D-Bus error stands for.
func systemKeyringProblem(err error) KeyringProblem {
	var refused dbus.Error
	if !errors.As(err, &refused) {
		return KeyringFailed
	}
	switch name := strings.TrimPrefix(refused.Name, "org.freedesktop.DBus.Error."); {
	case name == "ServiceUnknown", name == "NameHasNoOwner", strings.HasPrefix(name, "Spawn."):
		return KeyringAbsent
	case refused.Name == "org.freedesktop.Secret.Error.IsLocked":
		return KeyringLocked
	case refused.Name == "org.freedesktop.Secret.Error.NoSuchObject":
		return KeyringKeyMissing
	}
	return KeyringFailed
}
