//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestUploadsGetNoKey uploads to storage servers, which must not receive the key: one of another origin, one that fails at
// first, and one of the API's own origin. The API itself must receive the key, and its redirects must not be followed.
func TestUploadsGetNoKey(t *testing.T) {
	t.Parallel()
	const key = "sk_live_" + canary + "abc123xyz789"
	other := newOtherHost(t)
	var asked, near, tries atomic.Int32
	flaky := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, other.URL+"/moved", http.StatusTemporaryRedirect)
	})
	storages := map[string]string{"plain.pdf": other.URL + "/storage?sig=1", "flaky.pdf": flaky + "/storage?sig=1"}
	home := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			if got := r.Header.Get("X-Api-Key") + r.Header.Get("Authorization"); got != "" {
				t.Errorf("got the key %q at a storage server of the same origin, want none", got)
			}
			near.Add(1)
			return
		}
		if got := r.Header.Get("X-Api-Key"); got != key {
			t.Errorf("%s %s: got the key %q, want %q", r.Method, r.URL, got, key)
		}
		asked.Add(1)
		if r.Method == http.MethodGet {
			http.Redirect(w, r, other.URL+"/files", http.StatusTemporaryRedirect)
			return
		}
		raw := make([]byte, 100)
		n, _ := r.Body.Read(raw)
		for name, address := range storages {
			if strings.Contains(string(raw[:n]), name) {
				answer(w, http.StatusOK, object{"upload_url": address, "uri": "tenants/1/files/2-3-" + name})
			}
		}
	})
	storages["near.pdf"] = home + "/storage?sig=1"
	u := newUser(t, "", "LAMINR_BASE_URL="+home, "LAMINR_API_KEY="+key)
	for name := range storages {
		if err := os.WriteFile(filepath.Join(u.home, name), []byte("%PDF-1.7"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	upload := u.start(t, "laminr", "upload", "plain.pdf", "--debug")
	upload.exits(t, 0)
	u.start(t, "laminr", "upload", "near.pdf").exits(t, 0)
	u.start(t, "laminr", "upload", "flaky.pdf").exits(t, 1) // its storage server redirects, which is refused
	u.start(t, "laminr", "files").exits(t, 8)               // the API redirects
	if text := upload.stdout.String() + upload.stderr.String(); strings.Contains(text, canary) || strings.Contains(text, "sig=1") {
		t.Errorf("got a secret in the output:\n%s", text)
	}
	if got := other.checkRequests(t); got != 1 || asked.Load() != 4 || near.Load() != 1 || tries.Load() != 2 {
		t.Errorf("got %d requests at the other origin, %d at the API, %d and %d at the other storage servers, want 1, 4, 1, 2", got, asked.Load(), near.Load(), tries.Load())
	}
}
