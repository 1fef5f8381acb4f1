package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// DefaultProfile is the profile that is shared with the Node client. The client knows no other.
const DefaultProfile = "default"

// Document is the content of config.json and profiles.json. It keeps unknown fields. The zero value is an empty document.
type Document struct {
	Warnings []string // problems that Load found and fixed, one sentence each

	shared   object // the fields of config.json, without those that earlier versions of lamina stored there
	own      object // the fields of profiles.json, without the profiles
	profiles object // by name; the default profile has what both files hold about it

	isOneFile bool // config.json has fields of an earlier version that are not in profiles.json yet
	disagrees bool // config.json was not written by the write that recorded its fingerprint in profiles.json
}

// Profile is a named account.
type Profile struct {
	Name       string
	Credential Credential
	Encryption Encryption // of the credential's secrets
}

// CheckProfileName returns an error if a name is not valid for a profile: it must be easy to type and to print.
func CheckProfileName(name string) error {
	if !isProfileName(name) {
		return fmt.Errorf("%q is not a profile name: a name has 1 to 64 letters, digits, dots, dashes and underscores, and "+
			"starts with a letter or digit", name)
	}
	return nil
}

func isProfileName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r) {
			return false
		}
	}
	return name != "" && len(name) <= 64 && !strings.ContainsRune("._-", rune(name[0]))
}

// parseFields parses config.json or profiles.json. It returns problem 0, or a problem and its detail.
func parseFields(raw []byte) (fields object, problem Problem, detail string) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // editors on Windows add a byte order mark
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, Damaged, "the file is empty"
	}
	if !json.Valid(raw) {
		return nil, Damaged, "the content is not JSON"
	}
	if fields = parseObject(raw); fields == nil {
		return nil, Damaged, "the content is not a JSON object"
	}
	if version, ok := fields["version"]; ok {
		var n float64
		switch err := json.Unmarshal(version, &n); {
		case err != nil || n != 1 && n < 2:
			return nil, Damaged, "the version is not a valid number"
		case n != 1:
			return nil, NewerVersion, ""
		}
	}
	if raw, ok := fields["profiles"]; ok && string(raw) != "null" && parseObject(raw) == nil {
		return nil, Damaged, "the profiles are not a JSON object"
	}
	return fields, 0, ""
}

// Profile returns the profile of a name, and whether it has a credential. The name "" means the default profile. Encrypted
// secrets are empty; see Store.Decrypt.
func (d *Document) Profile(name string) (p Profile, isSignedIn bool) {
	credential, encryption, isUsable := decodeCredential(d.credentials(name))
	if !isUsable {
		return Profile{Name: orDefault(name)}, false
	}
	return Profile{Name: orDefault(name), Credential: credential, Encryption: encryption}, true
}

func (d *Document) credentials(name string) object {
	return d.profiles.object(orDefault(name)).object("credentials")
}

// ProfileNames returns the names of the profiles that have a credential, the default profile first.
func (d *Document) ProfileNames() []string {
	names := []string{}
	for name := range d.profiles {
		if _, ok := d.Profile(name); ok && name != DefaultProfile {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if _, ok := d.Profile(DefaultProfile); ok {
		names = slices.Insert(names, 0, DefaultProfile)
	}
	return names
}

// SetProfile stores the credential of a profile in place of the previous one, and keeps unknown fields.
func (d *Document) SetProfile(p Profile) {
	credentials := p.Credential.encode(d.credentials(p.Name), p.Encryption)
	d.edit(p.Name, func(profile object) { profile.setObject("credentials", credentials) })
}

// Storage returns the storage that SetStorage chose for the secrets of a profile. It may be a kind that only a newer version
// of lamina knows.
func (d *Document) Storage(name string) Storage {
	if text := d.profiles.object(orDefault(name)).text("storage"); text != "" {
		return Storage(text)
	}
	p, _ := d.Profile(name)
	return p.Encryption.Storage()
}

// SetStorage chooses the storage for the secrets of a profile, from its next sign-in on.
func (d *Document) SetStorage(name string, s Storage) {
	if s == StorageFile {
		s = "" // the default is not stored
	}
	d.edit(name, func(profile object) { profile.setText("storage", string(s)) })
}

// RemoveCredential removes the credential of a profile, and keeps its other settings.
func (d *Document) RemoveCredential(name string) {
	if orDefault(name) == DefaultProfile {
		delete(d.shared, "credentials")
	}
	d.edit(name, func(profile object) { delete(profile, "credentials") })
}

// RemoveProfile removes a profile. If it was the current profile, the default profile becomes current.
func (d *Document) RemoveProfile(name string) {
	if d.CurrentProfile() == orDefault(name) {
		d.SetCurrentProfile(DefaultProfile)
	}
	for provider, current := range d.own.object("currentProfiles").texts() {
		if current == name {
			d.SetCurrentProfileOf(provider, "")
		}
	}
	d.RemoveCredential(name)
	delete(d.profiles, orDefault(name))
}

// edit changes the object of a profile.
func (d *Document) edit(name string, change func(object)) {
	name = orDefault(name)
	d.profiles = d.profiles.orEmpty()
	profile := d.profiles.object(name).clone()
	change(profile)
	d.profiles.setObject(name, profile)
}

// CurrentProfile returns the profile that commands use unless another one is chosen.
func (d *Document) CurrentProfile() string { return orDefault(d.own.text("currentProfile")) }

// SetCurrentProfile sets the profile that commands use unless another one is chosen.
func (d *Document) SetCurrentProfile(name string) {
	if orDefault(name) == DefaultProfile {
		name = ""
	}
	d.own = d.own.orEmpty()
	d.own.setText("currentProfile", name)
}

// CurrentProfileOf returns the profile that commands of a service other than Lamina use unless another one is chosen. It is
// "" if there is none.
func (d *Document) CurrentProfileOf(provider string) string {
	return d.own.object("currentProfiles").text(provider)
}

// SetCurrentProfileOf sets the profile that commands of a service other than Lamina use. The name "" removes the setting.
func (d *Document) SetCurrentProfileOf(provider, name string) {
	d.own = d.own.orEmpty()
	chosen := d.own.object("currentProfiles").orEmpty()
	chosen.setText(provider, name)
	d.own.setObject("currentProfiles", chosen)
}

// LoginMethod returns the sign-in method that the user chose for this machine, or "".
func (d *Document) LoginMethod() string { return d.own.text("login") }

// SetLoginMethod stores the sign-in method for this machine.
func (d *Document) SetLoginMethod(method string) {
	d.own = d.own.orEmpty()
	d.own.setText("login", method)
}

func orDefault(name string) string {
	if name == "" {
		return DefaultProfile
	}
	return name
}
