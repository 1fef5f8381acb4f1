package config

import (
	"os"
	"strings"
	"testing"
)

// confidential is a session of a client with a secret at another authorization server.
func confidential() Credential {
	c := signedIn
	c.ThirdParty, c.Issuer, c.ClientID, c.Scope, c.RequestedScope = true, "https://id.example", "app", "openid", "openid offline_access"
	c.Params, c.ClientAuth, c.ClientSecret = "audience=x&resource=https%3A%2F%2Fa.example", "client_secret_post", "s3cret-value"
	c.ClientKeyFile, c.ClientAudience = "/home/sam/client.key", "https://id.example/token"
	return c
}

// TestConfidentialClient checks that a profile keeps what belongs to its client, and that the secret is encrypted with the other
// secrets.
func TestConfidentialClient(t *testing.T) {
	t.Parallel()
	for _, to := range []Storage{StorageFile, StorageKeyring} {
		t.Run(string(to), func(t *testing.T) {
			t.Parallel()
			s := ringStore(newStore(t).Dir, newRing())
			signIn(t, s, "work", confidential(), to)
			wantCredential(t, s, "work", confidential())
			raw, err := os.ReadFile(s.ProfilesPath())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(raw), "s3cret-value"); got != (to == StorageFile) {
				t.Errorf("the file contains the client secret: %v, want %v\n%s", got, to == StorageFile, raw)
			}
			other := map[Storage]Storage{StorageFile: StorageKeyring, StorageKeyring: StorageFile}[to]
			if err := move(t.Context(), s, "work", other); err != nil {
				t.Fatal(err)
			}
			wantCredential(t, s, "work", confidential())
		})
	}
}

// TestClientOfReplacedTokens checks that what belongs to the client is kept if another program changes the tokens.
func TestClientOfReplacedTokens(t *testing.T) {
	t.Parallel()
	d := &Document{}
	d.SetProfile(Profile{Credential: confidential()})
	shared, own := encoded(d)
	changed, problem, detail := parseFields([]byte(strings.Replace(string(own), `"refresh-1"`, `"refresh-2"`, 1)))
	if problem != 0 {
		t.Fatalf("problem %d: %s", problem, detail)
	}
	fields, _, _ := parseFields(shared)
	p, _ := newDocument(fields, changed).Profile("")
	want := confidential()
	if c := p.Credential; c.RequestedScope != want.RequestedScope || c.Params != want.Params || c.ClientAuth != want.ClientAuth ||
		c.ClientSecret != want.ClientSecret || c.ClientKeyFile != want.ClientKeyFile || c.ClientAudience != want.ClientAudience {
		t.Errorf("got %#v, want the client unchanged", c)
	}
}
