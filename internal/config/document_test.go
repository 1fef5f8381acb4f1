package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// nodeDocument is what the Node client writes (version 1), with fields of a later client added.
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
	doc, problem, detail := parseDocument([]byte(text))
	if problem != 0 {
		t.Fatalf("problem %d: %s", problem, detail)
	}
	return doc
}

func TestReadsTheNodeClientsDocument(t *testing.T) {
	t.Parallel()
	p, ok := parse(t, nodeDocument).Profile("")
	if !ok || p.Name != DefaultProfile {
		t.Fatalf("no default profile: %+v", p)
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
		t.Errorf("got %#v", p.Credential)
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	t.Parallel()
	doc := parse(t, nodeDocument)
	for _, name := range []string{DefaultProfile, "studio", "fresh"} {
		p, _ := doc.Profile(name)
		p.Credential.Kind, p.Credential.Token = OAuth, Secret("new-"+name)
		p.Credential.Account.Email = "sam@example.com"
		doc.SetProfile(p)
	}
	doc = parse(t, string(doc.encode()))

	var got, before map[string]any
	decode(t, doc.encode(), &got)
	decode(t, []byte(nodeDocument), &before)
	for _, path := range []string{"future", "webhook", "credentials.device", "profiles.studio.color", "profiles.studio.credentials.note"} {
		if !reflect.DeepEqual(at(got, path), at(before, path)) || at(got, path) == nil {
			t.Errorf("%s was %v and is %v", path, at(before, path), at(got, path))
		}
	}
	if at(got, "credentials.apiKey") != "new-default" || at(got, "profiles.fresh.credentials.apiKey") != "new-fresh" {
		t.Errorf("the change is missing: %v", got)
	}
	if p, _ := doc.Profile("fresh"); p.Credential.Account.Email != "sam@example.com" {
		t.Errorf("the account is missing: %+v", p)
	}
}

func TestWritesWhatTheNodeClientReads(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	doc.SetProfile(Profile{Credential: Credential{
		Kind: OAuth, Token: "at", BaseURL: "http://127.0.0.1:1", RefreshToken: "rt", ClientID: "c", Scope: "a b",
		SavedAt:   time.Date(2026, 5, 1, 10, 0, 0, 5e6, time.FixedZone("", 3600)),
		ExpiresAt: time.Date(2026, 5, 1, 11, 0, 0, 0, time.UTC),
	}})
	var got map[string]any
	decode(t, doc.encode(), &got)
	if at(got, "version") != json.Number("1") {
		t.Errorf("version is %v", at(got, "version"))
	}
	delete(got["credentials"].(map[string]any), "session")
	want := map[string]any{
		"kind": "oauth", "apiKey": "at", "baseUrl": "http://127.0.0.1:1", "refreshToken": "rt", "clientId": "c", "scope": "a b",
		"savedAt": "2026-05-01T09:00:00.005Z", "expiresAt": "2026-05-01T11:00:00.000Z",
	}
	if !reflect.DeepEqual(got["credentials"], want) {
		t.Errorf("got %v", got["credentials"])
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
	got, _ := parse(t, string(doc.encode())).Profile("p")
	if !reflect.DeepEqual(got.Credential, c) {
		t.Errorf("stored %#v\nread   %#v", c, got.Credential)
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

// Another program that keeps unknown fields but changes the tokens must not inherit what was true of the old ones.
func TestSessionNotesBelongToTheirTokens(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	doc.SetProfile(Profile{Credential: Credential{
		Kind: OAuth, Token: "at", RefreshToken: "rt", EndedAt: time.Unix(1e9, 0), EndedReason: "refused", Lifetime: time.Hour,
	}})
	changed := strings.Replace(string(doc.encode()), `"rt"`, `"rt2"`, 1)
	p, _ := parse(t, changed).Profile("")
	if !p.Credential.EndedAt.IsZero() || p.Credential.EndedReason != "" || p.Credential.Lifetime != 0 {
		t.Errorf("notes about the old tokens are still there: %+v", p.Credential)
	}
	if p, _ = parse(t, string(doc.encode())).Profile(""); p.Credential.EndedAt.IsZero() {
		t.Error("the mark was lost without any change")
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2026-05-01T10:00:00Z"`:      want,
		`"2026-05-01T10:00:00.000Z"`:  want,
		`"2026-05-01T12:00:00+02:00"`: want,
		`"2026-05-01T12:00:00+0200"`:  want,
		`1777629600000`:               want,
		`1777629600`:                  want,
		`1.7776296e12`:                want,
		`"soon"`:                      {},
		`-5`:                          {},
		`1e300`:                       {},
		`null`:                        {},
		`[1]`:                         {},
	} {
		if got := (object{"t": json.RawMessage(text)}).time("t"); !got.Equal(want) {
			t.Errorf("%s read as %v", text, got)
		}
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	doc := &Document{}
	if doc.CurrentProfile() != "default" || len(doc.ProfileNames()) != 0 {
		t.Fatal("an empty document has something in it")
	}
	for _, name := range []string{"zeta", "", "alpha"} {
		doc.SetProfile(Profile{Name: name, Credential: Credential{Kind: APIKey, Token: "k"}})
	}
	if got := doc.ProfileNames(); !reflect.DeepEqual(got, []string{"default", "alpha", "zeta"}) {
		t.Errorf("profiles are %v", got)
	}
	doc.SetCurrentProfile("zeta")
	doc.RemoveProfile("zeta")
	if _, ok := doc.Profile("zeta"); ok || doc.CurrentProfile() != "default" {
		t.Error("the removed profile is still there, or current")
	}
	doc.RemoveProfile("")
	if _, ok := doc.Profile("default"); ok {
		t.Error("the default profile is still there")
	}
	for name, good := range map[string]bool{"a": true, "my-studio_2.x": true, "": false, "../x": false, "a b": false, "-a": false} {
		if (CheckProfileName(name) == nil) != good {
			t.Errorf("CheckProfileName(%q) is wrong", name)
		}
	}
}

func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{"version":1}`, `{"version":1.0,"credentials":null}`, `{"version":1,"credentials":[]}`,
		`{"version":1,"credentials":{"kind":"oauth"}}`, `{"version":1,"credentials":{"apiKey":"k"}}`,
		`{"version":1,"credentials":{"kind":"passkey","apiKey":"k"}}`, `{"version":1,"credentials":{"kind":"oauth","apiKey":5}}`,
		`{"version":1,"Credentials":{"kind":"oauth","apiKey":"k"}}`,
	} {
		if p, ok := parse(t, text).Profile(""); ok {
			t.Errorf("%s gives %+v", text, p)
		}
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Problem{
		"": Damaged, " \n": Damaged, `{"version":1,"cred`: Damaged, `[]`: Damaged, `null`: Damaged, `"x"`: Damaged, `{} {}`: Damaged,
		`{"version":"1"}`: Damaged, `{"version":0}`: Damaged, `{"version":-1}`: Damaged, `{"version":1.5}`: Damaged,
		`{"version":2}`: NewerVersion, `{"version":99,"credentials":1}`: NewerVersion, `{"profiles":[]}`: Damaged,
		"\xef\xbb\xbf{\"version\":1}": 0, `{"profiles":null}`: 0,
	} {
		if _, got, _ := parseDocument([]byte(text)); got != want {
			t.Errorf("%q gives problem %d, want %d", text, got, want)
		}
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(nodeDocument))
	f.Add([]byte(`{"version":1,"credentials":{"expiresAt":1e12,"session":{"of":""}},"profiles":{"":{},"a":null}}`))
	f.Add([]byte(nodeDocument[:200]))
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, problem, _ := parseDocument(raw)
		if problem != 0 {
			return
		}
		known := map[string]bool{"version": true, "credentials": true, "profiles": true, "currentProfile": true}
		doc.SetProfile(Profile{Name: "fuzz", Credential: Credential{Kind: APIKey, Token: "k"}})
		again, problem, detail := parseDocument(doc.encode())
		if problem != 0 {
			t.Fatalf("what was written cannot be read: %s\n%s", detail, doc.encode())
		}
		if p, ok := again.Profile("fuzz"); !ok || p.Credential.Token != "k" {
			t.Fatalf("the profile was lost in %s", doc.encode())
		}
		for name := range doc.fields {
			if _, ok := again.fields[name]; !ok && !known[name] {
				t.Fatalf("%q was lost in %s", name, doc.encode())
			}
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
