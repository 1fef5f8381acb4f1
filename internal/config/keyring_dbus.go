//go:build linux || netbsd || openbsd

package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
	secretservice "github.com/zalando/go-keyring/secret_service"
)

// keyringReady makes sure that there is a Secret Service whose keyring is open. The library alone would start a message
// bus where none runs, and would wait for a person to answer a prompt that may be on no screen.
func keyringReady() error {
	bus, err := dbus.SessionBusPrivateNoAutoStartup() // also notes the address for the library
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
	case len(unlocked) == 0: // the service runs, but nobody has made a keyring yet
		return &KeyringError{Problem: KeyringAbsent}
	}
	return nil
}

// systemKeyringProblem reads the name of a D-Bus error.
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
