package control

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

var formToken = regexp.MustCompile(`name="form_token" value="([0-9a-f]+)"`)

// keysForm opens the page of keys. It returns the page and a form with its token.
func (f *rig) keysForm() (wiretest.Reply, url.Values) {
	f.T.Helper()
	req := f.Request("GET", "/dev/keys", "", "")
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	page := f.Do(req)
	found := formToken.FindStringSubmatch(page.Body)
	if found == nil {
		f.T.Fatalf("page of keys: got %d %s, want a form", page.Status, page.Body)
	}
	return page, url.Values{"form_token": {found[1]}}
}

func TestPageOfKeys(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	page, form := f.keysForm()
	page.WantPage()
	if got := page.Header.Get("Vary"); got != "Accept" {
		t.Errorf("Vary: got %q, want Accept", got)
	}
	form["service"], form["name"] = []string{"laghav test"}, []string{`<b>CI</b>`}
	created := f.PostForm("/dev/keys/make", form)
	key := regexp.MustCompile(`lgh_test_[\w-]+`).FindString(created.Body)
	if k, ok := f.Deps.Keys.Find("laghav", key); !ok || k.Class != "test" || k.Name != "<b>CI</b>" {
		t.Fatalf("create: got %d %s, want a test key with the name <b>CI</b>", created.Status, created.Body)
	}
	page, form = f.keysForm()
	if strings.Contains(page.Body, key) || strings.Contains(page.Body, "<b>") || !strings.Contains(page.Body, "&lt;b&gt;CI") {
		t.Errorf("page: got %s, want the escaped name and no key", page.Body)
	}
	if made := f.Deps.Keys.List()[0].CreatedAt.Local().Format("2 Jan 2006, 15:04 MST"); !strings.Contains(page.Body, ">"+made+"<") {
		t.Errorf("page: got %s, want the local time %s", page.Body, made)
	}
	form.Set("id", f.Deps.Keys.List()[0].ID)
	if res := f.PostForm("/dev/keys/revoke", form); res.Status != http.StatusSeeOther || res.Header.Get("Location") != "/dev/keys" {
		t.Errorf("revoke: got %d %s, want 303 to /dev/keys", res.Status, res.Body)
	}
	if page, _ = f.keysForm(); !strings.Contains(page.Body, ">revoked<") || strings.Contains(page.Body, ">Revoke<") {
		t.Errorf("page: got %s, want a revoked key", page.Body)
	}
	form.Set("service", "lamina")
	form.Set("owner", "wsp_none")
	if res := f.PostForm("/dev/keys/make", form); res.Status != http.StatusBadRequest || !strings.Contains(res.Body, "wsp_northwind") {
		t.Errorf("unknown workspace: got %d %s, want 400 and the known ones", res.Status, res.Body)
	}
}

func TestPageOfKeysTakesOnlyItsOwnForms(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	_, key, err := f.Deps.Keys.Make("laghav", "test", "", "")
	if err != nil {
		t.Fatal(err)
	}
	id := key.ID
	_, form := f.keysForm()
	form.Set("id", id)
	form.Set("service", "lamina")
	for _, path := range []string{"/dev/keys/make", "/dev/keys/revoke"} {
		foreign := f.Request("POST", path, "application/x-www-form-urlencoded", form.Encode())
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		withoutToken := url.Values{"id": {id}, "service": {"lamina"}, "form_token": {"0"}}
		for _, tt := range []struct {
			name string
			res  wiretest.Reply
		}{
			{"cross-site", f.Do(foreign)},
			{"wrong token", f.PostForm(path, withoutToken)},
			{"another browser", f.WithBrowser().PostForm(path, form)},
		} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				if tt.res.Status != http.StatusForbidden || !strings.Contains(tt.res.Body, keysForged().Title) {
					t.Errorf("got %d %s, want 403 and %q", tt.res.Status, tt.res.Body, keysForged().Title)
				}
			})
		}
	}
	if keys := f.Deps.Keys.List(); len(keys) != 1 || keys[0].RevokedAt != nil {
		t.Errorf("got keys %+v, want the one unrevoked key", keys)
	}
}
