package platform

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/lamina"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A createdKey is the reply of POST /dev/keys.
type createdKey struct {
	wire.Key
	Secret string `json:"key"`
}

// createKey creates a key by the controls.
func (f *rig) createKey(body string) createdKey {
	f.T.Helper()
	created := wiretest.Data[createdKey](f.Post("/dev/keys", body).Want(http.StatusCreated))
	if created.Secret == "" {
		f.T.Fatalf("%s: got no key", body)
	}
	return created
}

func (f *rig) listedKeys() (keys []wire.Key, raw string) {
	f.T.Helper()
	res := f.Get("/dev/keys")
	return wiretest.Data[[]wire.Key](res), res.Body
}

func TestKeysOfEveryService(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	for i, tt := range []struct{ body, prefix, class, owner string }{
		{`{"service": "lamina", "name": "a"}`, "lma_", "", "wsp_atelier"},
		{`{"service": "lamina", "owner": "wsp_northwind"}`, "lma_", "", "wsp_northwind"},
		{`{"service": "laminr"}`, "sk_live_", "live", "tenant_sample"},
		{`{"service": "laminr", "class": "test"}`, "sk_test_", "test", "tenant_sample"},
		{`{"service": "lamatic", "owner": "prj_2"}`, "", "", "prj_2"},
		{`{"service": "lightfast"}`, "sk-lf-", "", "org_sample"},
		{`{"service": "laghav"}`, "lgh_live_", "live", "app_sample"},
		{`{"service": "laghav", "class": "test", "owner": "app_2"}`, "lgh_test_", "test", "app_2"},
	} {
		f.Clock.Advance(time.Second)
		created := f.createKey(tt.body)
		if !strings.HasPrefix(created.Secret, tt.prefix) || created.Class != tt.class || created.Owner != tt.owner {
			t.Errorf("%s: got %+v, want prefix %q, class %q and owner %q", tt.body, created, tt.prefix, tt.class, tt.owner)
		}
		listed, raw := f.listedKeys()
		last := listed[len(listed)-1]
		if len(listed) != i+1 || last.ID != created.ID || !strings.HasSuffix(created.Secret, last.Hint) || strings.Contains(raw, created.Secret) {
			t.Errorf("%s: got the list %s, want %s last, with a hint and without the key", tt.body, raw, created.ID)
		}
	}
}

func TestKeysRefusals(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	for _, tt := range []struct{ name, body, want string }{
		{"unknown service", `{"service": "lamini"}`, "lamina, laminr, lamatic, lightfast, laghav"},
		{"no service", `{}`, "lamina, laminr, lamatic, lightfast, laghav"},
		{"unknown class", `{"service": "laghav", "class": "prod"}`, "live, test"},
		{"service without classes", `{"service": "lamina", "class": "live"}`, "have no classes"},
		{"unknown workspace", `{"service": "lamina", "owner": "wsp_other"}`, "wsp_atelier, wsp_northwind"},
		{"malformed owner", `{"service": "laminr", "owner": "a b"}`, "id of a tenant"},
		{"unknown field", `{"service": "laghav", "colour": "red"}`, "colour"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := f.Post("/dev/keys", tt.body)
			if res.Status != http.StatusBadRequest || !strings.Contains(res.Body, tt.want) {
				t.Errorf("got %d %s, want 400 and %q", res.Status, res.Body, tt.want)
			}
		})
	}
	f.Delete("/dev/keys/key_unknown").Want(http.StatusNotFound)
	f.Call("POST", "/dev/keys", `{"service": "laghav"}`, "Origin", "https://evil.example").Want(http.StatusForbidden)
	if keys, raw := f.listedKeys(); len(keys) != 0 {
		t.Errorf("got keys %s, want none", raw)
	}
}

func TestRevokedKeysAreKept(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{DataFile: filepath.Join(t.TempDir(), "state.db")})
	for _, service := range []string{"lamina", "laghav"} {
		created := f.createKey(`{"service": "` + service + `"}`)
		for range 2 { // revoking twice has the effect of once
			f.Delete("/dev/keys/" + created.ID).Want(http.StatusNoContent)
			f.Clock.Advance(time.Minute)
		}
		listed, raw := f.listedKeys()
		if k := listed[len(listed)-1]; k.RevokedAt == nil || !k.RevokedAt.Equal(created.CreatedAt) {
			t.Errorf("%s: got %s, want revoked at %v", service, raw, created.CreatedAt)
		}
		if service == lamina.Service && f.isAccepted(created.Secret) {
			t.Error("the revoked key is accepted")
		}
		if k, ok := f.s.deps.Keys.Find(service, created.Secret); !ok || k.RevokedAt == nil {
			t.Errorf("%s: got %+v, %v; want the revoked key", service, k, ok)
		}
	}
}
