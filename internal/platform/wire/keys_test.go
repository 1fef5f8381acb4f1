package wire

import (
	"strings"
	"testing"
	"time"
)

func openTestKeys(t *testing.T, st *Store, now time.Time) *Keys {
	t.Helper()
	secrets, err := OpenSecrets(st)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := OpenKeys(st, secrets, NewClock(func() time.Time { return now }), KeyType{
		Service: "lamina", Prefixes: map[string]string{"": "lma_"}, Owner: "wsp_atelier",
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// The store has the digest of a key, which is not accepted as a key.
func TestKeysAreStoredAsDigests(t *testing.T) {
	t.Parallel()
	st, err := OpenStore("")
	if err != nil {
		t.Fatal(err)
	}
	keys := openTestKeys(t, st, time.Now())
	secret, key, err := keys.Make("lamina", "ci", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := keys.Find("lamina", secret); !ok || got.ID != key.ID || got.Owner != "wsp_atelier" {
		t.Errorf("Find(%q) = %+v, %v; want the key %s of wsp_atelier", secret, got, ok, key.ID)
	}
	for bucket, records := range st.buckets {
		for k, v := range records {
			if strings.Contains(k+string(v), secret) {
				t.Errorf("bucket %s: the record %s has the key", bucket, v)
			}
			if _, ok := keys.Find("lamina", k); ok {
				t.Errorf("bucket %s: the name of a record is accepted as a key", bucket)
			}
		}
	}
	if _, ok := keys.Find("laghav", secret); ok {
		t.Error("Find accepts a key of another service")
	}
}

// A data file of an older version has the keys of Lamina in a bucket of their own.
func TestKeysOfOlderVersions(t *testing.T) {
	t.Parallel()
	st, err := OpenStore("")
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := OpenSecrets(st)
	if err != nil {
		t.Fatal(err)
	}
	digest, created := secrets.Digest("lma_old"), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	err = st.Update(func(tx *Tx) error {
		tx.PutBytes(bucketLaminaKeys, digest, []byte(`{"hint":"_old","name":"old","userId":"usr_sample","workspaceId":"wsp_northwind",`+
			`"createdAt":"2026-01-01T00:00:00Z","revokedAt":"2026-01-02T00:00:00Z"}`))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := openTestKeys(t, st, created)
	got, ok := keys.Find("lamina", "lma_old")
	if !ok || got.ID != "key_"+digest[:12] || got.Owner != "wsp_northwind" || got.Name != "old" || got.Hint != "_old" ||
		!got.CreatedAt.Equal(created) || got.RevokedAt == nil {
		t.Errorf("Find = %+v, %v; want the old key, revoked", got, ok)
	}
	if len(keys.List()) != 1 {
		t.Errorf("List = %+v, want the one key", keys.List())
	}
}
