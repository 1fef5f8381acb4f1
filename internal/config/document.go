package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// DefaultProfile is the profile that the Node client knows too: it lives in the top-level credentials.
const DefaultProfile = "default"

// Document is the content of config.json. Fields it does not know survive. The zero value is an empty document.
type Document struct {
	Warnings []string // what Load found and repaired, one sentence each

	fields   object
	profiles object // name → profile, without the default one
}

// Profile is one account under a name.
type Profile struct {
	Name       string
	Credential Credential
	Encryption Encryption // where the credential's secrets sit
}

// CheckProfileName refuses a name that would be awkward to type or to print.
func CheckProfileName(name string) error {
	if !isProfileName(name) {
		return fmt.Errorf("a profile name is 1 to 64 letters, digits, dots, dashes and underscores, and starts with "+
			"a letter or digit: %q is not", name)
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

// parseDocument returns a Problem with its detail, or 0.
func parseDocument(raw []byte) (*Document, Problem, string) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // editors on Windows add a byte order mark
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, Damaged, "it is empty"
	}
	if !json.Valid(raw) {
		return nil, Damaged, "it is not JSON"
	}
	d := &Document{fields: parseObject(raw), profiles: object{}}
	if d.fields == nil {
		return nil, Damaged, "it holds no JSON object"
	}
	if version, ok := d.fields["version"]; ok {
		var n float64
		switch err := json.Unmarshal(version, &n); {
		case err != nil || n != 1 && n < 2:
			return nil, Damaged, "its version is not a version"
		case n != 1:
			return nil, NewerVersion, ""
		}
	}
	if raw, ok := d.fields["profiles"]; ok && string(raw) != "null" {
		if d.profiles = parseObject(raw); d.profiles == nil {
			return nil, Damaged, "its profiles are not an object"
		}
	}
	return d, 0, ""
}

// Profile returns the profile of that name ("" is the default one), and whether it holds a credential. Secrets that the
// keyring guards are left out; see Store.Decrypt.
func (d *Document) Profile(name string) (Profile, bool) {
	credential, vault, ok := decodeCredential(d.credentials(name))
	if !ok {
		return Profile{Name: orDefault(name)}, false
	}
	return Profile{Name: orDefault(name), Credential: credential, Encryption: vault}, true
}

func (d *Document) credentials(name string) object {
	if orDefault(name) == DefaultProfile {
		return d.fields.object("credentials")
	}
	return d.profiles.object(name).object("credentials")
}

// ProfileNames lists the profiles that hold a credential, the default one first.
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

// SetProfile stores a profile's credential in place of the one it had; unknown fields beside it stay.
func (d *Document) SetProfile(p Profile) {
	credentials := p.Credential.encode(d.credentials(p.Name), p.Encryption)
	d.edit(p.Name, func(profile object) { profile.setObject("credentials", credentials) })
}

// Storage is where the person wants the secrets of a profile to sit, as SetStorage stored it. It may be a place that
// only a newer lamina knows.
func (d *Document) Storage(name string) Storage {
	chosen := d.fields
	if orDefault(name) != DefaultProfile {
		chosen = d.profiles.object(name)
	}
	if text := chosen.text("storage"); text != "" {
		return Storage(text)
	}
	p, _ := d.Profile(name)
	return p.Encryption.Storage()
}

// SetStorage remembers where the secrets of a profile are to sit from its next sign-in on.
func (d *Document) SetStorage(name string, s Storage) {
	if s == StorageFile {
		s = "" // the default needs no words
	}
	d.edit(name, func(profile object) { profile.setText("storage", string(s)) })
}

// RemoveCredential forgets a profile's credential, and keeps what else was chosen for it.
func (d *Document) RemoveCredential(name string) {
	d.edit(name, func(profile object) { delete(profile, "credentials") })
}

// RemoveProfile forgets a profile. If it was the current one, the default profile becomes current.
func (d *Document) RemoveProfile(name string) {
	if d.CurrentProfile() == orDefault(name) {
		d.SetCurrentProfile(DefaultProfile)
	}
	for provider, current := range d.fields.object("currentProfiles").texts() {
		if current == name {
			d.SetCurrentProfileOf(provider, "")
		}
	}
	if orDefault(name) == DefaultProfile {
		delete(d.fields, "credentials")
		delete(d.fields, "storage")
		return
	}
	delete(d.profiles, name)
}

// edit changes the object of a profile, which for the default one is the document itself.
func (d *Document) edit(name string, change func(object)) {
	d.fields, d.profiles = d.fields.orEmpty(), d.profiles.orEmpty()
	if orDefault(name) == DefaultProfile {
		change(d.fields)
		return
	}
	profile := d.profiles.object(name).clone()
	change(profile)
	d.profiles.setObject(name, profile)
}

// CurrentProfile is the profile used when nothing else is said.
func (d *Document) CurrentProfile() string { return orDefault(d.fields.text("currentProfile")) }

// SetCurrentProfile chooses the profile used when nothing else is said.
func (d *Document) SetCurrentProfile(name string) {
	if orDefault(name) == DefaultProfile {
		name = ""
	}
	d.fields = d.fields.orEmpty()
	d.fields.setText("currentProfile", name)
}

// CurrentProfileOf is the profile used for a service that is not Lamina when nothing else is said, or "".
func (d *Document) CurrentProfileOf(provider string) string {
	return d.fields.object("currentProfiles").text(provider)
}

// SetCurrentProfileOf chooses the profile used for a service that is not Lamina; "" takes the choice back.
func (d *Document) SetCurrentProfileOf(provider, name string) {
	d.fields = d.fields.orEmpty()
	chosen := d.fields.object("currentProfiles").orEmpty()
	chosen.setText(provider, name)
	d.fields.setObject("currentProfiles", chosen)
}

// LoginMethod is the way to sign in that the person chose for this machine, or "".
func (d *Document) LoginMethod() string { return d.fields.text("login") }

// SetLoginMethod remembers a way to sign in.
func (d *Document) SetLoginMethod(road string) {
	d.fields = d.fields.orEmpty()
	d.fields.setText("login", road)
}

func (d *Document) encode() []byte {
	fields := d.fields.clone()
	fields["version"] = json.RawMessage("1")
	fields.setObject("profiles", d.profiles)
	var b bytes.Buffer
	if err := json.Indent(&b, fields.encode(), "", "  "); err != nil {
		panic("config: encoded JSON cannot be indented: " + err.Error())
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func orDefault(name string) string {
	if name == "" {
		return DefaultProfile
	}
	return name
}
