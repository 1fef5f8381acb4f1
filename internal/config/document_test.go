package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// nodeDocument is a version 1 document of the Node client, with fields of a later version added.
const nodeDocument = `{
  "version": 1,
  "future": {"deep": [1, 2.50, 12345678901234567890], "html": "<&>"},
  "credentials": {
    "kind": "oauth",
    "apiKey": "lma_mcp_at_one",
    "baseUrl": "https://app.uselamina.ai",
    "savedAt": "2026-05-01T10:00:00.000Z",
    "refreshToken": "r1",
    "expiresAt": "2026-05-01T11:00:00.000Z",
    "clientId": "c1",
    "scope": "lamina:creative:read lamina:brand:read",
    "device": "laptop"
  },
  "webhook": {"publicUrl": "https://example.com/hook", "savedAt": "2026-05-01T10:00:00.000Z"},
  "profiles": {"studio": {"color": "teal", "credentials": {"kind": "apikey", "apiKey": "lma_key", "note": 7}}}
}`

func parse(t *testing.T, text string) *Document {
	t.Helper()
	fields, problem, detail := parseFields([]byte(text))
	if problem != 0 {
		t.Fatalf("problem %d: %s", problem, detail)
	}
	return newDocument(fields, nil)
}

// encoded returns the two files of a document.
func encoded(doc *Document) (config, profiles []byte) {
	e := doc.encode()
	return encodeFile(e.config), e.profiles
}

// reread returns the document as it is after a write and a read.
func reread(t *testing.T, doc *Document) *Document {
	t.Helper()
	config, profiles := encoded(doc)
	shared, own := parse(t, string(config)).shared, object{}
	decode(t, profiles, &own)
	return newDocument(shared, own)
}

func TestNodeDocument(t *testing.T) {
	t.Parallel()
	p, ok := parse(t, nodeDocument).Profile("")
	if !ok || p.Name != DefaultProfile {
		t.Fatalf("got %+v, %v, want the default profile", p, ok)
	}
	want := Credential{
		Kind:         OAuth,
		Token:        "lma_mcp_at_one",
		BaseURL:      "https://app.uselamina.ai",
		SavedAt:      time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC),
		RefreshToken: "r1",
		ExpiresAt:    time.Date(2026, 5, 1, 11, 0, 0, 0, time.UTC),
		ClientID:     "c1",
		Scope:        "lamina:creative:read lamina:brand:read",
	}
	if !reflect.DeepEqual(p.Credential, want) {
		t.Errorf("got  %#v\nwant %#v", p.Credential, want)
	}
}

func TestUnknownFieldsAreKept(t *testing.T) {
	t.Parallel()
	doc := parse(t, nodeDocument)
	for _, name := range []string{DefaultProfile, "studio", "fresh"} {
		p, _ := doc.Profile(name)
		p.Credential.Kind, p.Credential.Token = OAuth, Secret("new-"+name)
		p.Credential.Account.Email = "sam@example.com"
		doc.SetProfile(p)
	}
	doc = reread(t, doc)

	var got, before map[string]any
	config, profiles := encoded(doc)
	decode(t, profiles, &got)
	decode(t, config, &got)
	decode(t, []byte(nodeDocument), &before)
	for _, path := range []string{"future", "webhook", "credentials.device", "profiles.studio.color", "profiles.studio.credentials.note"} {
		if !reflect.DeepEqual(at(got, path), at(before, path)) || at(got, path) == nil {
			t.Errorf("%s: got %v, want %v", path, at(got, path), at(before, path))
		}
	}
	if at(got, "credentials.apiKey") != "new-default" || at(got, "profiles.fresh.credentials.apiKey") != "new-fresh" {
		t.Errorf("got %v, want the new tokens", got)
	}
	if p, _ := doc.Profile("fresh"); p.Credential.Account.Email != "sam@example.com" {
		t.Errorf("got account %+v, want sam@example.com", p.Credential.Account)
	}
}

func TestEncodeForNodeClient(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	doc.SetProfile(Profile{Credential: Credential{
		Kind: OAuth, Token: "at", BaseURL: "http://127.0.0.1:1", RefreshToken: "rt", ClientID: "c", Scope: "a b",
		SavedAt:   time.Date(2026, 5, 1, 10, 0, 0, 5e6, time.FixedZone("", 3600)),
		ExpiresAt: time.Date(2026, 5, 1, 11, 0, 0, 0, time.UTC),
	}})
	var got map[string]any
	config, _ := encoded(doc)
	decode(t, config, &got)
	if at(got, "version") != json.Number("1") {
		t.Errorf("got version %v, want 1", at(got, "version"))
	}
	want := map[string]any{
		"kind": "oauth", "apiKey": "at", "baseUrl": "http://127.0.0.1:1", "refreshToken": "rt", "clientId": "c", "scope": "a b",
		"savedAt": "2026-05-01T09:00:00.005Z", "expiresAt": "2026-05-01T11:00:00.000Z",
	}
	if !reflect.DeepEqual(got["credentials"], want) {
		t.Errorf("got  %v\nwant %v", got["credentials"], want)
	}
}

func TestEveryCredentialFieldIsStored(t *testing.T) {
	t.Parallel()
	var c Credential
	v := reflect.ValueOf(&c).Elem()
	fill(v)
	c.Kind = OAuth
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("the test does not fill %s", v.Type().Field(i).Name)
		}
	}
	doc := &Document{}
	doc.SetProfile(Profile{Name: "p", Credential: c})
	got, _ := reread(t, doc).Profile("p")
	if !reflect.DeepEqual(got.Credential, c) {
		t.Errorf("got  %#v\nwant %#v", got.Credential, c)
	}
}

func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch field := v.Field(i); field.Interface().(type) {
		case time.Time:
			field.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)))
		case time.Duration:
			field.SetInt(int64(time.Hour))
		case Account:
			fill(field)
		case bool:
			field.SetBool(true)
		case map[string]string:
			field.Set(reflect.ValueOf(map[string]string{"project-id": "prj"}))
		default:
			field.SetString(v.Type().Field(i).Name)
		}
	}
}

// Fields that describe the tokens are discarded if a program that keeps unknown fields changes the tokens.
func TestSessionFieldsOfChangedTokens(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	doc.SetProfile(Profile{Credential: Credential{
		Kind: OAuth, Token: "at", RefreshToken: "rt", EndedAt: time.Unix(1e9, 0), EndedReason: "refused", Lifetime: time.Hour,
	}})
	config, profiles := encoded(doc)
	var own object
	decode(t, profiles, &own)
	changed := strings.Replace(string(config), `"rt"`, `"rt2"`, 1)
	p, _ := newDocument(parse(t, changed).shared, own).Profile("")
	if !p.Credential.EndedAt.IsZero() || p.Credential.EndedReason != "" || p.Credential.Lifetime != 0 {
		t.Errorf("changed tokens: got %+v, want no end and no lifetime", p.Credential)
	}
	if p, _ = reread(t, doc).Profile(""); p.Credential.EndedAt.IsZero() {
		t.Error("unchanged tokens: got no end, want the stored one")
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name, text string
		want       time.Time
	}{
		{"ISO 8601", `"2026-05-01T10:00:00Z"`, at},
		{"milliseconds", `"2026-05-01T10:00:00.000Z"`, at},
		{"time zone", `"2026-05-01T12:00:00+02:00"`, at},
		{"time zone without a colon", `"2026-05-01T12:00:00+0200"`, at},
		{"number of milliseconds", `1777629600000`, at},
		{"number of seconds", `1777629600`, at},
		{"exponent", `1.7776296e12`, at},
		{"word", `"soon"`, time.Time{}},
		{"negative", `-5`, time.Time{}},
		{"too large", `1e300`, time.Time{}},
		{"null", `null`, time.Time{}},
		{"array", `[1]`, time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := (object{"t": json.RawMessage(test.text)}).time("t"); !got.Equal(test.want) {
				t.Errorf("time of %s = %v, want %v", test.text, got, test.want)
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	if got := doc.ProfileNames(); doc.CurrentProfile() != DefaultProfile || len(got) != 0 {
		t.Fatalf("empty document: got current profile %s, profiles %v, want %s, none", doc.CurrentProfile(), got, DefaultProfile)
	}
	for _, name := range []string{"zeta", "", "alpha"} {
		doc.SetProfile(Profile{Name: name, Credential: Credential{Kind: APIKey, Token: "k"}})
	}
	if got, want := doc.ProfileNames(), []string{"default", "alpha", "zeta"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got profiles %v, want %v", got, want)
	}
	doc.SetCurrentProfile("zeta")
	doc.RemoveProfile("zeta")
	if _, ok := doc.Profile("zeta"); ok || doc.CurrentProfile() != DefaultProfile {
		t.Errorf("after RemoveProfile: got zeta: %v, current profile %s, want no zeta, %s", ok, doc.CurrentProfile(), DefaultProfile)
	}
	doc.RemoveProfile("")
	if _, ok := doc.Profile(DefaultProfile); ok {
		t.Error("after RemoveProfile: got the default profile, want none")
	}
}

func TestCurrentProfileOf(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	doc.SetProfile(Profile{Name: "cutter", Credential: Credential{Kind: APIKey, Token: "k", Provider: "laminr"}})
	doc.SetCurrentProfileOf("laminr", "cutter")
	doc = reread(t, doc)
	if got := doc.CurrentProfileOf("laminr"); got != "cutter" || doc.CurrentProfileOf("laghav") != "" {
		t.Errorf("got profile %q for laminr and %q for laghav, want cutter and none", got, doc.CurrentProfileOf("laghav"))
	}
	doc.RemoveProfile("cutter")
	if got := doc.CurrentProfileOf("laminr"); got != "" {
		t.Errorf("after RemoveProfile: got %q, want none", got)
	}
}

func TestCheckProfileName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		isValid bool
	}{
		{"a", true}, {"my-studio_2.x", true}, {strings.Repeat("a", 64), true},
		{"", false}, {"../x", false}, {"a b", false}, {"-a", false}, {"é", false}, {strings.Repeat("a", 65), false},
	}
	for _, test := range tests {
		if err := CheckProfileName(test.name); (err == nil) != test.isValid {
			t.Errorf("CheckProfileName(%q) = %v, want valid: %v", test.name, err, test.isValid)
		}
	}
}

func TestUnusableCredentials(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"empty document", `{}`},
		{"only a version", `{"version":1}`},
		{"null", `{"version":1.0,"credentials":null}`},
		{"array", `{"version":1,"credentials":[]}`},
		{"no key", `{"version":1,"credentials":{"kind":"oauth"}}`},
		{"no kind", `{"version":1,"credentials":{"apiKey":"k"}}`},
		{"unknown kind", `{"version":1,"credentials":{"kind":"passkey","apiKey":"k"}}`},
		{"key of a wrong type", `{"version":1,"credentials":{"kind":"oauth","apiKey":5}}`},
		{"field in upper case", `{"version":1,"Credentials":{"kind":"oauth","apiKey":"k"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := parse(t, test.text).Profile(""); ok {
				t.Errorf("got %+v from %s, want no credential", got, test.text)
			}
		})
	}
}

func TestParseFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       Problem
	}{
		{"empty", "", Damaged},
		{"white space", " \n", Damaged},
		{"torn", `{"version":1,"cred`, Damaged},
		{"array", `[]`, Damaged},
		{"null", `null`, Damaged},
		{"string", `"x"`, Damaged},
		{"two objects", `{} {}`, Damaged},
		{"version as a string", `{"version":"1"}`, Damaged},
		{"version 0", `{"version":0}`, Damaged},
		{"negative version", `{"version":-1}`, Damaged},
		{"fractional version", `{"version":1.5}`, Damaged},
		{"profiles as an array", `{"profiles":[]}`, Damaged},
		{"version 2", `{"version":2}`, NewerVersion},
		{"version 99", `{"version":99,"credentials":1}`, NewerVersion},
		{"byte order mark", "\xef\xbb\xbf{\"version\":1}", 0},
		{"profiles as null", `{"profiles":null}`, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, got, detail := parseFields([]byte(test.text)); got != test.want {
				t.Errorf("parseFields(%q): got problem %d (%s), want %d", test.text, got, detail, test.want)
			}
		})
	}
}

// FuzzDocument checks that a change keeps the document valid and its unknown fields.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(nodeDocument))
	f.Add([]byte(`{"version":1,"credentials":{"expiresAt":1e12,"session":{"of":""}},"profiles":{"":{},"a":null}}`))
	f.Add([]byte(nodeDocument[:200]))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fields, problem, _ := parseFields(raw)
		if problem != 0 {
			return
		}
		doc := newDocument(fields, nil)
		doc.SetProfile(Profile{Name: "fuzz", Credential: Credential{Kind: APIKey, Token: "k"}})
		config, profiles := encoded(doc)
		shared, problem, detail := parseFields(config)
		own, second, more := parseFields(profiles)
		if problem != 0 || second != 0 {
			t.Fatalf("the encoded document has a problem: %s%s\n%s\n%s", detail, more, config, profiles)
		}
		again := newDocument(shared, own)
		if p, ok := again.Profile("fuzz"); !ok || p.Credential.Token != "k" {
			t.Fatalf("got no profile fuzz in %s", profiles)
		}
		for name := range doc.shared {
			if _, ok := again.shared[name]; !ok && name != "version" && name != "credentials" {
				t.Fatalf("got no field %q in %s", name, config)
			}
		}
		before, isSignedIn := doc.Profile("")
		if after, ok := again.Profile(""); ok != isSignedIn || before.Credential.RefreshToken != after.Credential.RefreshToken {
			t.Fatalf("got the default profile %+v, %v, want %+v, %v", after, ok, before, isSignedIn)
		}
	})
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}
