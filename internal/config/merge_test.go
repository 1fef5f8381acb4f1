package config

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// oneFile is the configuration of an earlier version of lamina, which had one file.
const oneFile = `{
  "version": 1,
  "future": 1,
  "currentProfile": "work",
  "currentProfiles": {"laghav": "voice"},
  "login": "device",
  "credentials": {
    "kind": "oauth", "apiKey": "at-1", "baseUrl": "https://app.uselamina.ai", "refreshToken": "rt-1", "clientId": "c1",
    "device": "laptop", "redirectUri": "http://127.0.0.1/callback", "issuer": "https://app.uselamina.ai/cli/oauth"
  },
  "webhook": {"publicUrl": "https://example.com/hook"},
  "profiles": {
    "work": {"color": "teal", "credentials": {"kind": "oauth", "apiKey": "at-w", "refreshToken": "rt-w"}},
    "voice": {"credentials": {"kind": "apikey", "apiKey": "lgh_live_1", "provider": "laghav"}}
  }
}`

// thirdParty is a session at another authorization server than Lamina's.
var thirdParty = Credential{
	Kind: OAuth, Token: "at-x", RefreshToken: "rt-x", BaseURL: "https://gateway.example", ClientID: "cx", ThirdParty: true,
	Issuer: "https://id.example", TokenEndpoint: "https://id.example/token",
}

// wantSharedFile checks that config.json has only what the Node client understands, and fields that were there before.
func wantSharedFile(t *testing.T, s *Store) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(s.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	decode(t, raw, &fields)
	for name := range fields {
		if !slices.Contains([]string{"version", "credentials", "webhook", "future"}, name) {
			t.Errorf("got the field %s in config.json: %s", name, raw)
		}
	}
	credentials, _ := fields["credentials"].(map[string]any)
	for name := range credentials {
		if name != "device" && !slices.Contains(sharedFields, name) {
			t.Errorf("got the field credentials.%s in config.json: %s", name, raw)
		}
	}
	return fields
}

func loadProfile(t *testing.T, s *Store, name string) (Profile, bool) {
	t.Helper()
	doc, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc.Profile(name)
}

// signOn returns a change that stores a session.
func signOn(name string, c Credential) func(*Document) error {
	return func(d *Document) error {
		d.SetProfile(Profile{Name: name, Credential: c})
		return nil
	}
}

func TestOneFileIsReadAndSplit(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	write(t, s, oneFile)
	wantProfiles(t, s, "default", "voice", "work")
	wantFiles(t, s.Dir, "config.json")
	if raw, _ := os.ReadFile(s.Path()); string(raw) != oneFile {
		t.Errorf("a read changed the file to %s", raw)
	}
	update(t, s, "new")
	fields := wantSharedFile(t, s)
	if at(fields, "credentials.device") != "laptop" || at(fields, "credentials.refreshToken") != "rt-1" || at(fields, "webhook.publicUrl") == nil || at(fields, "future") == nil {
		t.Errorf("got %v, want the session, the webhook and the unknown fields", fields)
	}
	wantProfiles(t, s, "default", "new", "voice", "work")
	doc, err := s.Load()
	if err != nil || doc.CurrentProfile() != "work" || doc.CurrentProfileOf("laghav") != "voice" || doc.LoginMethod() != "device" {
		t.Errorf("got current profiles %s, %s, method %s, %v, want those of the one file", doc.CurrentProfile(), doc.CurrentProfileOf("laghav"), doc.LoginMethod(), err)
	}
	if p, _ := doc.Profile(""); p.Credential.RedirectURI == "" || p.Credential.Issuer == "" || p.Credential.RefreshToken != "rt-1" {
		t.Errorf("got %+v, want the session with its server", p.Credential)
	}
}

// At every step of the first write, the death of the process loses neither a profile nor a refresh token.
func TestDeathWhileTheFileIsSplit(t *testing.T) {
	t.Parallel()
	for _, point := range []string{halfWritten, beforeRename, afterRename} {
		for n := range 4 {
			s := newStore(t)
			write(t, s, oneFile)
			err := child(t, s.Dir, "default@"+point+strings.Repeat("+", n)).Run()
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 7) {
				t.Fatalf("got %v from the child, want status 7", err)
			}
			doc, err := s.Load()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"work", "voice"} {
				if p, ok := doc.Profile(name); !ok || p.Credential.Token == "" {
					t.Errorf("%s %d: got no profile %s", point, n, name)
				}
			}
			if p, _ := doc.Profile(""); p.Credential.Token != "at-1" && !strings.HasPrefix(p.Credential.Token.Reveal(), "key-default-") {
				t.Errorf("%s %d: got %v in the default profile", point, n, p.Credential.Token.Reveal())
			}
			update(t, s, "next")
			wantSharedFile(t, s)
			if p, _ := loadProfile(t, s, "work"); p.Credential.RefreshToken != "rt-w" {
				t.Errorf("%s %d: got %+v in work, want its refresh token", point, n, p.Credential)
			}
		}
	}
}

// Every change of what the default profile is, with a failure at every step: there is always the old sign-in or the new one.
func TestFailureBetweenTheFiles(t *testing.T) {
	t.Parallel()
	lamina := Credential{Kind: OAuth, Token: "at-1", RefreshToken: "rt-1", BaseURL: "https://app.uselamina.ai", ClientID: "c1"}
	renewed := lamina
	renewed.Token, renewed.RefreshToken = "at-2", "rt-2"
	tests := []struct {
		name     string
		from, to Credential
	}{
		{"refresh", lamina, renewed},
		{"lamina to third party", lamina, thirdParty},
		{"third party to lamina", thirdParty, lamina},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for stop := range 12 {
				s := newStore(t)
				if err := errors.Join(s.Update(t.Context(), signOn("", test.from)), s.Update(t.Context(), addKey("other"))); err != nil {
					t.Fatal(err)
				}
				steps := 0
				crash := errors.New("crash")
				s.Disk = newStepDisk(func(string) error {
					if steps++; steps > stop {
						return crash // like a kill, every later step fails as well
					}
					return nil
				})
				err := s.Update(t.Context(), signOn("", test.to))
				s.Disk = nil
				p, ok := loadProfile(t, s, "")
				if c := p.Credential; !ok || c.RefreshToken != test.from.RefreshToken && c.RefreshToken != test.to.RefreshToken || c.ThirdParty != (c.RefreshToken == "rt-x") {
					t.Errorf("after %d steps: got %+v, %v, want the old session or the new one", stop, c, ok)
				}
				if err == nil && p.Credential.RefreshToken != test.to.RefreshToken {
					t.Errorf("after %d steps: got %+v, want the new session", stop, p.Credential)
				}
				update(t, s, "next")
				if q, _ := loadProfile(t, s, ""); q.Credential.RefreshToken != p.Credential.RefreshToken {
					t.Errorf("after %d steps: the next write changed the session from %+v to %+v", stop, p.Credential, q.Credential)
				}
				wantProfiles(t, s, "default", "next", "other")
				wantSharedFile(t, s)
			}
		})
	}
}

// The Node client's logout and `webhook clear` write config.json from scratch. Nothing of ours is lost.
func TestNodeClientRewritesItsFile(t *testing.T) {
	t.Parallel()
	const noCredentials, other = `{"version":1}`, `{"version":1,"credentials":{"kind":"oauth","apiKey":"at-n","baseUrl":"https://app.uselamina.ai","refreshToken":"rt-n","clientId":"cn"}}`
	lamina := Credential{
		Kind: OAuth, Token: "at-1", RefreshToken: "rt-1", BaseURL: "https://app.uselamina.ai", ClientID: "c1",
		Issuer: "https://app.uselamina.ai/cli/oauth", Lifetime: time.Hour,
	}
	tests := []struct {
		name    string
		before  Credential
		rewrite string // "" means that the file is removed
		want    Secret // the refresh token of the default profile
	}{
		{"logout", lamina, noCredentials, ""},
		{"logout removes the file", lamina, "", ""},
		{"sign-in", lamina, other, "rt-n"},
		{"third party, logout", thirdParty, noCredentials, "rt-x"},
		{"third party, no file", thirdParty, "", "rt-x"},
		{"third party, sign-in", thirdParty, other, "rt-n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			err := s.Update(t.Context(), func(d *Document) error {
				d.SetCurrentProfile("work")
				d.SetLoginMethod("device")
				return errors.Join(signOn("", test.before)(d), addKey("work")(d))
			})
			if err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(s.Path())
			if test.rewrite != "" {
				write(t, s, test.rewrite)
			}
			for range 2 {
				p, ok := loadProfile(t, s, "")
				if ok != (test.want != "") || p.Credential.RefreshToken != test.want || p.Credential.ThirdParty != (test.want == "rt-x") {
					t.Errorf("got %+v, %v, want refresh token %q", p.Credential, ok, test.want.Reveal())
				}
				if test.want == "rt-n" && (p.Credential.Lifetime != 0 || p.Credential.Issuer != "") {
					t.Errorf("got %+v, want nothing of the replaced session", p.Credential)
				}
				doc, err := s.Load()
				if _, ok := doc.Profile("work"); err != nil || !ok || doc.CurrentProfile() != "work" || doc.LoginMethod() != "device" {
					t.Errorf("got current profile %s, method %s, %v, want work, device", doc.CurrentProfile(), doc.LoginMethod(), err)
				}
				update(t, s, "next")
			}
		})
	}
}

// The Node client would send the tokens of a third-party session to Lamina, and cannot read encrypted ones.
func TestOnlyLaminaSessionsAreShared(t *testing.T) {
	t.Parallel()
	voice := Credential{Kind: APIKey, Token: "lgh_live_1", Provider: "laghav", BaseURL: "https://api.laghav.ai"}
	encrypted := Profile{Credential: Credential{Kind: OAuth, Token: "at-e"}, Encryption: Encryption{entry: "e", key: Secret(strings.Repeat("k", keyBytes))}}
	for _, p := range []Profile{{Credential: thirdParty}, {Credential: voice}, encrypted, {Name: "work", Credential: Credential{Kind: APIKey, Token: "lma_1"}}} {
		s := newStore(t)
		write(t, s, `{"version":1,"credentials":{"kind":"apikey","apiKey":"lma_old"},"webhook":{"publicUrl":"u"}}`)
		if err := s.Update(t.Context(), func(d *Document) error { d.SetProfile(p); return nil }); err != nil {
			t.Fatal(err)
		}
		fields := wantSharedFile(t, s)
		if want := p.Name != ""; (fields["credentials"] != nil) != want || at(fields, "webhook.publicUrl") != "u" {
			t.Errorf("%s: got %v in config.json, want credentials: %v", p.Credential.Token.Reveal(), fields, want)
		}
		if got, ok := loadProfile(t, s, p.Name); !ok || got.Credential.Provider != p.Credential.Provider {
			t.Errorf("got %+v, %v, want the credential", got, ok)
		}
		if s.PathOf(p) != s.ProfilesPath() {
			t.Errorf("got the path %s, want %s", s.PathOf(p), s.ProfilesPath())
		}
	}
}

// A sign-in of the Node client with a key that config.json had before a sign-in elsewhere is the newer one.
func TestSameKeyAgainAfterThirdParty(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, DefaultProfile)
	raw, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(d *Document) error {
		d.SetProfile(Profile{Name: DefaultProfile, Credential: thirdParty})
		return nil
	}
	if err := s.Update(t.Context(), signIn); err != nil {
		t.Fatal(err)
	}
	update(t, s, "b")
	write(t, s, string(raw))
	p, isSignedIn := loadProfile(t, s, DefaultProfile)
	if !isSignedIn || p.Credential.ThirdParty {
		t.Errorf("got %+v, %t, want the sign-in of the Node client", p, isSignedIn)
	}
}
