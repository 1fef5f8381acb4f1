package platform

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// makeKey makes a key by the controls.
func (f *foreigner) makeKey(body string) shownKey {
	f.t.Helper()
	res := f.json("/dev/keys", body)
	var made struct{ Data shownKey }
	if err := json.Unmarshal([]byte(res.body), &made); err != nil || res.StatusCode != http.StatusCreated || made.Data.Key == "" {
		f.t.Fatalf("%s: %d %s", body, res.StatusCode, res.body)
	}
	return made.Data
}

func (f *foreigner) listedKeys() (keys []shownKey, raw string) {
	f.t.Helper()
	res := f.get("/dev/keys")
	var list struct{ Data []shownKey }
	if err := json.Unmarshal([]byte(res.body), &list); err != nil {
		f.t.Fatalf("%v: %s", err, res.body)
	}
	return list.Data, res.body
}

func TestKeysOfEveryService(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	for i, c := range []struct{ body, prefix, class, owner string }{
		{`{"service": "lamina", "name": "a"}`, "lma_", "", "wsp_atelier"},
		{`{"service": "lamina", "owner": "wsp_northwind"}`, "lma_", "", "wsp_northwind"},
		{`{"service": "laminr"}`, "sk_live_", "live", "tenant_sample"},
		{`{"service": "laminr", "class": "test"}`, "sk_test_", "test", "tenant_sample"},
		{`{"service": "lamatic", "owner": "prj_2"}`, "", "", "prj_2"},
		{`{"service": "lightfast"}`, "sk-lf-", "", "org_sample"},
		{`{"service": "laghav"}`, "lgh_live_", "live", "app_sample"},
		{`{"service": "laghav", "class": "test", "owner": "app_2"}`, "lgh_test_", "test", "app_2"},
	} {
		f.clock.advance(time.Second)
		made := f.makeKey(c.body)
		if !strings.HasPrefix(made.Key, c.prefix) || made.Class != c.class || made.Owner != c.owner {
			t.Errorf("%s: %+v", c.body, made)
		}
		listed, raw := f.listedKeys()
		last := listed[len(listed)-1]
		if len(listed) != i+1 || last.ID != made.ID || !strings.HasSuffix(made.Key, last.Hint) || strings.Contains(raw, made.Key) {
			t.Errorf("%s is listed as %s", c.body, raw)
		}
	}
}

func TestKeysRefusals(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	for body, want := range map[string]string{
		`{"service": "lamini"}`:                       "lamina, laminr, lamatic, lightfast, laghav",
		`{}`:                                          "lamina, laminr, lamatic, lightfast, laghav",
		`{"service": "laghav", "class": "prod"}`:      "live, test",
		`{"service": "lamina", "class": "live"}`:      "have no classes",
		`{"service": "lamina", "owner": "wsp_other"}`: "wsp_atelier, wsp_northwind",
		`{"service": "laminr", "owner": "a b"}`:       "id of a tenant",
		`{"service": "laghav", "colour": "red"}`:      "colour",
	} {
		res := f.json("/dev/keys", body)
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(res.body, want) {
			t.Errorf("%s: %d %s", body, res.StatusCode, res.body)
		}
	}
	if keys, raw := f.listedKeys(); len(keys) != 0 {
		t.Errorf("something was made: %s", raw)
	}
	if res := f.delete("/dev/keys/key_unknown"); res.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown id: %d", res.StatusCode)
	}
	req := f.request("POST", "/dev/keys", "application/json", `{"service": "laghav"}`)
	req.Header.Set("Origin", "https://evil.example")
	if res := f.do(req); res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin makes a key: %d", res.StatusCode)
	}
}

func TestRevokedKeysKeepTheirRecord(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	f := meet(t, Options{DataFile: file})
	for _, service := range []string{"lamina", "laghav"} {
		made := f.makeKey(`{"service": "` + service + `"}`)
		for range 2 { // twice is once
			if res := f.delete("/dev/keys/" + made.ID); res.StatusCode != http.StatusNoContent {
				t.Fatalf("DELETE: %d %s", res.StatusCode, res.body)
			}
			f.clock.advance(time.Minute)
		}
		listed, raw := f.listedKeys()
		if k := listed[len(listed)-1]; k.RevokedAt == nil || !k.RevokedAt.Equal(made.CreatedAt) {
			t.Errorf("%s: %s", service, raw)
		}
		if service == serviceLamina {
			f.wantAlive(made.Key, false)
			continue
		}
		if k, ok := f.s.serviceKeyOf(service, made.Key); !ok || k.RevokedAt == nil {
			t.Errorf("the service cannot tell the key from an unknown one: %+v", k)
		}
	}
}

var formToken = regexp.MustCompile(`name="form_token" value="([0-9a-f]+)"`)

// keysForm opens the page of keys, and returns it and a form with its token.
func (f *foreigner) keysForm() (httpReply, url.Values) {
	f.t.Helper()
	req := f.request("GET", "/dev/keys", "", "")
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	page := f.do(req)
	found := formToken.FindStringSubmatch(page.body)
	if found == nil {
		f.t.Fatalf("the page has no form: %d %s", page.StatusCode, page.body)
	}
	return page, url.Values{"form_token": {found[1]}}
}

func TestPageOfKeys(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	page, form := f.keysForm()
	for header, want := range map[string]string{"Content-Security-Policy": pagePolicy, "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Vary": "Accept"} {
		if got := page.Header.Get(header); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
	form["service"], form["name"] = []string{"laghav test"}, []string{`<b>CI</b>`}
	made := f.form("/dev/keys/make", form)
	key := regexp.MustCompile(`lgh_test_[\w-]+`).FindString(made.body)
	if k, ok := f.s.serviceKeyOf(serviceLaghav, key); !ok || k.Class != "test" || k.Name != "<b>CI</b>" {
		t.Fatalf("%d %s", made.StatusCode, made.body)
	}
	page, form = f.keysForm()
	if strings.Contains(page.body, key) || strings.Contains(page.body, "<b>") || !strings.Contains(page.body, "&lt;b&gt;CI") {
		t.Errorf("the key is shown again, or its name is more than text: %s", page.body)
	}
	keys, _ := f.listedKeys()
	form.Set("id", keys[0].ID)
	if res := f.form("/dev/keys/revoke", form); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/dev/keys" {
		t.Errorf("revoke: %d %s", res.StatusCode, res.body)
	}
	if page, _ = f.keysForm(); !strings.Contains(page.body, ">revoked<") || strings.Contains(page.body, ">Revoke<") {
		t.Errorf("after revoking: %s", page.body)
	}
	form.Set("service", "lamina")
	form.Set("owner", "nobody")
	if res := f.form("/dev/keys/make", form); res.StatusCode != http.StatusBadRequest || !strings.Contains(res.body, "wsp_northwind") {
		t.Errorf("a wrong workspace: %d %s", res.StatusCode, res.body)
	}
}

func TestPageOfKeysTakesOnlyItsOwnForms(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	id := f.makeKey(`{"service": "laghav"}`).ID
	_, form := f.keysForm()
	form.Set("id", id)
	form.Set("service", "lamina")
	for _, path := range []string{"/dev/keys/make", "/dev/keys/revoke"} {
		foreign := f.request("POST", path, "application/x-www-form-urlencoded", form.Encode())
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		withoutToken := url.Values{"id": {id}, "service": {"lamina"}, "form_token": {"0"}}
		stranger := &foreigner{t: t, s: f.s, url: f.url, http: newBrowser(t), clock: f.clock}
		for name, res := range map[string]httpReply{
			"cross-site": f.do(foreign), "wrong token": f.form(path, withoutToken), "another browser": stranger.form(path, form),
		} {
			if res.StatusCode != http.StatusForbidden || !strings.Contains(res.body, messageKeysForged.Title) {
				t.Errorf("%s %s: %d", name, path, res.StatusCode)
			}
		}
	}
	if keys, raw := f.listedKeys(); len(keys) != 1 || keys[0].RevokedAt != nil {
		t.Errorf("something was done: %s", raw)
	}
}
