package platform

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// wantGolden fails the test if a reply is not a documented one, values included.
func (r reply) wantGolden(golden string) {
	r.t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "golden", golden+".json"))
	if err != nil {
		r.t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(r.body, &got); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		r.t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		r.t.Errorf("got %s, want %s", r.body, raw)
	}
}

type laminrUpload struct {
	UploadURL string `json:"upload_url"`
	URI       string `json:"uri"`
}

// put sends bytes to a presigned address as they are; headers come in pairs.
func (rg *rig) put(address, contentType, body string, headers ...string) reply {
	rg.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		rg.t.Fatal(err)
	}
	u.Scheme, u.Host = "", ""
	return rg.call("PUT", u.String(), body, append([]string{"X-Api-Key", "", "Content-Type", contentType}, headers...)...)
}

func TestLaminrUpload(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	key := rg.serviceKey(serviceLaminr, "live", "tenant_sample")
	other := rg.serviceKey(serviceLaminr, "live", "tenant_other")
	const name = "Pay stub (May).PDF"
	for _, prefix := range []string{"/laminr/v1", "/laminr/api/v1"} {
		up := fields[laminrUpload](rg.call("POST", prefix+"/files", map[string]string{"file_name": name}, "X-Api-Key", key).want(200))
		if !regexp.MustCompile(`^tenants/1/files/\d+-\d+-pay-stub-may-pdf$`).MatchString(up.URI) {
			t.Errorf("uri %q", up.URI)
		}
		u, err := url.Parse(up.UploadURL)
		if err != nil || u.Hostname() != "localhost" || !strings.HasPrefix(rg.s.opts.BaseURL, "http://127.0.0.1:"+u.Port()) {
			t.Errorf("the upload goes to %s", up.UploadURL)
		}
		if strings.Contains(string(rg.call("GET", prefix+"/files", nil, "X-Api-Key", key).body), up.URI) {
			t.Error("a file without bytes is listed")
		}
		rg.put(up.UploadURL, "application/pdf", "%PDF-1.7 hello").want(200)
		listed := fields[struct {
			Files []struct {
				URI      string `json:"uri"`
				FileName string `json:"file_name"`
				Size     int64  `json:"size"`
			} `json:"files"`
		}](rg.call("GET", prefix+"/files", nil, "X-Api-Key", key).want(200)).Files
		if len(listed) == 0 || listed[0].URI != up.URI || listed[0].FileName != name || listed[0].Size != 14 {
			t.Errorf("%+v", listed)
		}
	}
	if got := rg.call("GET", "/laminr/v1/files", nil, "X-Api-Key", other).want(200); string(got.body) != `{"files":[]}`+"\n" {
		t.Errorf("another tenant sees %s", got.body)
	}
}

func TestLaminrRefuses(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	key := rg.serviceKey(serviceLaminr, "live", "tenant_sample")
	test, revoked := rg.serviceKey(serviceLaminr, "test", "tenant_sample"), rg.serviceKey(serviceLaminr, "live", "tenant_sample")
	rg.revoke(revoked)
	const body = `{"file_name": "a.pdf"}`
	for what, refused := range map[string]string{"none": "", "malformed": "x", "unknown": "sk_live_none", "revoked": revoked, "Lamina's": rg.key} {
		t.Run(what, func(t *testing.T) {
			rg.call("GET", "/laminr/v1/files", nil, "X-Api-Key", refused).want(401).wantGolden("laminr_unauthorized")
			rg.call("POST", "/laminr/api/v1/files", body, "X-Api-Key", refused).want(401).wantGolden("laminr_unauthorized")
		})
	}
	rg.call("GET", "/laminr/v1/files", nil, "X-Api-Key", "", "Authorization", "Bearer "+key).want(401)
	rg.call("GET", "/laminr/v1/files", nil, "X-Api-Key", test).want(403).wantGolden("laminr_forbidden")
	for _, bad := range []string{``, `{`, `[]`, `{}`, `{"file_name": 7}`, `{"file_name": " "}`, `{"file_name": "a.docx"}`, `{"file_name": "pdf"}`} {
		got := rg.call("POST", "/laminr/v1/files", bad, "X-Api-Key", key).want(400)
		if !strings.Contains(string(got.body), `"code":"invalid_request"`) {
			t.Errorf("%s: %s", bad, got.body)
		}
	}
	rg.call("DELETE", "/laminr/v1/files", nil, "X-Api-Key", key).want(405)
	rg.call("GET", "/laminr/v1/packages", nil, "X-Api-Key", key).want(404)
}

// TestLaminrStorageIsStrict: the address alone is the right, and a key that comes along is a mistake.
func TestLaminrStorageIsStrict(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	key := rg.serviceKey(serviceLaminr, "live", "tenant_sample")
	address := fields[laminrUpload](rg.call("POST", "/laminr/v1/files", `{"file_name": "a.png"}`, "X-Api-Key", key).want(200)).UploadURL
	refuses := func(r reply, status int, code string) {
		t.Helper()
		if r.want(status); !bytes.Contains(r.body, []byte("<Code>"+code+"</Code>")) {
			t.Errorf("%s", r.body)
		}
	}
	refuses(rg.put(address, "image/png", "x", "X-Api-Key", key), 400, "InvalidArgument")
	refuses(rg.put(address, "image/png", "x", "Authorization", "Bearer "+key), 400, "InvalidArgument")
	refuses(rg.put(address, "application/pdf", "x"), 403, "SignatureDoesNotMatch")
	refuses(rg.put(strings.Replace(address, "X-Signature=", "X-Signature=0", 1), "image/png", "x"), 403, "SignatureDoesNotMatch")
	refuses(rg.put(strings.Replace(address, "X-Expires=", "X-Expires=9", 1), "image/png", "x"), 403, "SignatureDoesNotMatch")
	large := httptest.NewRequest(http.MethodPut, address, http.NoBody)
	large.ContentLength = maxLaminrFile + 1
	large.Header.Set("Content-Type", "image/png")
	recorder := httptest.NewRecorder()
	rg.s.ServeHTTP(recorder, large)
	if recorder.Code != 400 || !strings.Contains(recorder.Body.String(), "EntityTooLarge") {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
	rg.put(address, "image/png", "x").want(200)
	rg.clock.advance(laminrUploadLife)
	refuses(rg.put(address, "image/png", "x"), 403, "AccessDenied")
	for _, r := range rg.s.control.requests.list() {
		if strings.Contains(r.Path, "Signature") {
			t.Errorf("the log shows the right to upload: %s", r.Path)
		}
	}
}

// TestLaminrForgetsWhatNeverCame: an address that expired leaves nothing behind.
func TestLaminrForgetsWhatNeverCame(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	key := rg.serviceKey(serviceLaminr, "live", "tenant_sample")
	start := func() {
		rg.call("POST", "/laminr/v1/files", `{"file_name": "a.png"}`, "X-Api-Key", key).want(200)
	}
	start()
	rg.clock.advance(laminrUploadLife + time.Second)
	start()
	rg.s.store.view(func(tx *tx) {
		if n := len(tx.keys(bucketLaminrFiles)); n != 1 {
			t.Errorf("%d files are kept", n)
		}
	})
}
