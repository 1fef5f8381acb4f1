package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// sharedFields are the fields of a credential that the Node client knows. Only they, and fields that it wrote itself, are in
// config.json.
var sharedFields = []string{"kind", "apiKey", "baseUrl", "savedAt", "refreshToken", "expiresAt", "clientId", "scope"}

// oneFileFields are the fields of a credential in config.json that only lamina knows, because earlier versions had one file.
var oneFileFields = []string{
	"provider", "settings", "redirectUri", "issuer", "tokenEndpoint", "revocationEndpoint", "registrationEndpoint", "protocol",
	"session", "vault",
}

// sharedSeen is the field of profiles.json with the fingerprint of the credential that config.json held at the last write. A
// credential with another fingerprint was written by another program, and is the newer sign-in.
const sharedSeen = "sharedSeen"

// newDocument merges the two files.
func newDocument(shared, own object) *Document {
	d := &Document{shared: shared.clone(), own: own.clone(), profiles: own.object("profiles").orEmpty()}
	delete(d.own, "profiles")
	d.adoptOneFile()
	d.mergeDefault()
	return d
}

// adoptOneFile takes over what earlier versions of lamina stored in config.json, unless profiles.json has it already.
func (d *Document) adoptOneFile() {
	for _, name := range []string{"currentProfile", "currentProfiles", "login"} {
		if raw, ok := d.take(name); ok && d.own[name] == nil {
			d.own[name] = raw
		}
	}
	if raw, ok := d.take("storage"); ok {
		d.edit(DefaultProfile, func(profile object) {
			if profile["storage"] == nil {
				profile["storage"] = raw
			}
		})
	}
	if raw, ok := d.take("profiles"); ok {
		for name, profile := range parseObject(raw) {
			if d.profiles[name] == nil && name != DefaultProfile {
				d.profiles[name] = profile
			}
		}
	}
	isOurs := func(name string) bool { _, ok := d.shared.object("credentials")[name]; return ok }
	d.isOneFile = d.isOneFile || slices.ContainsFunc(oneFileFields, isOurs)
}

// take removes a field of an earlier version from the shared fields.
func (d *Document) take(name string) (raw json.RawMessage, ok bool) {
	raw, ok = d.shared[name]
	delete(d.shared, name)
	d.isOneFile = d.isOneFile || ok
	return raw, ok
}

// mergeDefault gives the default profile what both files hold about it.
func (d *Document) mergeDefault() {
	shared, own := d.shared.object("credentials"), d.credentials(DefaultProfile)
	seen := d.own.text(sharedSeen)
	d.disagrees = seen != sharedFingerprint(shared)
	switch isComplete := own["apiKey"] != nil || own["vault"] != nil; {
	case sharedFingerprint(shared) == "" && isComplete, isComplete && !d.disagrees:
		return // the credential is in profiles.json only; one in config.json is the previous one
	case sharedFingerprint(shared) == "":
		d.edit(DefaultProfile, func(profile object) { delete(profile, "credentials") }) // another program signed out
		return
	case isComplete:
		own = nil // another program signed in
	case own.object("session").text("of") == fingerprint(shared) && shared.text("refreshToken") != "":
		// The session is the known one. If a user has edited its address, it still belongs to the server that issued it.
		if own.text("issuer") == "" && own.text("baseUrl") != shared.text("baseUrl") {
			own = own.clone()
			own.setText("issuer", own.text("baseUrl"))
		}
	case own.text("clientId") != shared.text("clientId"), own.text("baseUrl") != shared.text("baseUrl"):
		own = nil
	}
	merged := shared.clone()
	for name, raw := range own {
		if !slices.Contains(sharedFields, name) {
			merged[name] = raw
		}
	}
	d.edit(DefaultProfile, func(profile object) { profile.setObject("credentials", merged) })
}

// sharedFingerprint identifies a credential in config.json. It is "" if there is no usable one.
func sharedFingerprint(credentials object) string {
	if _, _, isUsable := decodeCredential(credentials); !isUsable {
		return ""
	}
	var text strings.Builder
	for _, name := range []string{"kind", "baseUrl", "clientId", "apiKey", "refreshToken"} {
		text.WriteString(credentials.text(name) + "\n")
	}
	text.WriteString(credentials.object("vault").text("box"))
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:8])
}

// isShared reports whether the credential of the default profile is in config.json: one of Lamina's own authorization server,
// not encrypted. The Node client would send any other to the wrong server.
func isShared(c Credential, e Encryption) bool {
	return c.Provider == "" && e.entry == "" && !c.ThirdParty && (c.Issuer == "" || sameHost(c.Issuer, c.BaseURL))
}

func sameHost(a, b string) bool {
	u, err := url.Parse(a)
	if err != nil {
		return false
	}
	v, err := url.Parse(b)
	return err == nil && u.Scheme == v.Scheme && strings.EqualFold(u.Host, v.Host)
}

// An encoding is the content of the two files.
type encoding struct {
	config   object // without the version
	profiles []byte
	isShared bool // config.json has the credential of the default profile
}

// encode splits the document into the two files.
func (d *Document) encode() encoding {
	e := encoding{config: d.shared.clone()}
	own, before, merged := d.own.clone(), d.shared.object("credentials"), d.credentials(DefaultProfile)
	profile := d.profiles.object(DefaultProfile).clone()
	c, encryption, isSignedIn := decodeCredential(merged)
	e.isShared = isSignedIn && isShared(c, encryption)
	switch {
	case e.isShared:
		shared, rest := splitCredential(before, merged)
		if !maps.EqualFunc(shared, before, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			e.config.setObject("credentials", shared)
		}
		profile.setObject("credentials", rest)
		own.setText(sharedSeen, sharedFingerprint(shared))
	case sharedFingerprint(before) != "":
		delete(e.config, "credentials")
		own.setText(sharedSeen, sharedFingerprint(before))
	default: // the previous credential is no longer there: the same one would be a new sign-in
		delete(own, sharedSeen)
	}
	if !isSignedIn {
		delete(own, sharedSeen)
	}
	profiles := d.profiles.clone()
	profiles.setObject(DefaultProfile, profile)
	own.setObject("profiles", profiles)
	e.profiles = encodeFile(own)
	return e
}

// splitCredential returns what of a merged credential belongs in config.json, where before was, and the rest. The rest
// repeats the client and the address, which say what it describes.
func splitCredential(before, merged object) (shared, rest object) {
	shared, rest = before.clone(), merged.clone()
	for _, name := range oneFileFields {
		delete(shared, name)
	}
	for _, name := range sharedFields {
		delete(shared, name)
		if raw, ok := merged[name]; ok {
			shared[name] = raw
		}
	}
	for name := range shared {
		if name != "clientId" && name != "baseUrl" {
			delete(rest, name)
		}
	}
	return shared, rest
}

// encodeFile returns the content of a file.
func encodeFile(fields object) []byte {
	fields = fields.clone()
	fields["version"] = json.RawMessage("1")
	var b bytes.Buffer
	if err := json.Indent(&b, fields.encode(), "", "  "); err != nil {
		panic("config: encoded JSON cannot be indented: " + err.Error())
	}
	b.WriteByte('\n')
	return b.Bytes()
}
