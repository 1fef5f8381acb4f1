package laminr

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

type uploadReply struct {
	UploadURL string `json:"upload_url"`
	URI       string `json:"uri"`
}

// A rig is a client of Laminr with a live key of the sample tenant.
type rig struct {
	*wiretest.Rig
	key string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	rg := &rig{Rig: wiretest.New(t, "", KeyType(), wire.KeyType{Service: "lamina", Prefixes: map[string]string{"": "lma_"}})}
	rg.Serve(New(rg.Deps))
	rg.key = rg.NewKey(Service, "live", "tenant_sample")
	return rg
}

// api sends a request with the key.
func (rg *rig) api(method, path string, body any, headers ...string) wiretest.Reply {
	rg.T.Helper()
	return rg.Call(method, path, body, append([]string{"X-Api-Key", rg.key}, headers...)...)
}

// put sends bytes to a presigned address. headers come in pairs.
func (rg *rig) put(address, contentType, body string, headers ...string) wiretest.Reply {
	rg.T.Helper()
	u, err := url.Parse(address)
	if err != nil {
		rg.T.Fatal(err)
	}
	u.Scheme, u.Host = "", ""
	return rg.Call("PUT", u.String(), body, append([]string{"Content-Type", contentType}, headers...)...)
}

func TestUpload(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	other := rg.NewKey(Service, "live", "tenant_other")
	const name = "Pay stub (May).PDF"
	for _, prefix := range []string{"/laminr/v1", "/laminr/api/v1"} {
		up := wiretest.Decode[uploadReply](rg.api("POST", prefix+"/files", map[string]string{"file_name": name}).Want(200))
		if !regexp.MustCompile(`^tenants/1/files/\d+-\d+-pay-stub-may-pdf$`).MatchString(up.URI) {
			t.Errorf("uri: got %q, want tenants/1/files/TIME-NUMBER-pay-stub-may-pdf", up.URI)
		}
		u, err := url.Parse(up.UploadURL)
		if err != nil || u.Hostname() != "localhost" || !strings.HasPrefix(rg.URL, "http://127.0.0.1:"+u.Port()) {
			t.Errorf("upload address: got %s, want another host and the same port", up.UploadURL)
		}
		if strings.Contains(rg.api("GET", prefix+"/files", nil).Body, up.URI) {
			t.Error("list: got a file before its upload, want none")
		}
		rg.put(up.UploadURL, "application/pdf", "%PDF-1.7 hello").Want(200)
		listed := wiretest.Decode[struct {
			Files []struct {
				URI      string `json:"uri"`
				FileName string `json:"file_name"`
				Size     int64  `json:"size"`
			} `json:"files"`
		}](rg.api("GET", prefix+"/files", nil).Want(200)).Files
		if len(listed) == 0 || listed[0].URI != up.URI || listed[0].FileName != name || listed[0].Size != 14 {
			t.Errorf("list: got %+v, want the uploaded file first", listed)
		}
	}
	if got := rg.Call("GET", "/laminr/v1/files", nil, "X-Api-Key", other).Want(200); got.Body != `{"files":[]}`+"\n" {
		t.Errorf("files of another tenant: got %s, want none", got.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	test, lamina := rg.NewKey(Service, "test", "tenant_sample"), rg.NewKey("lamina", "", "wsp_atelier")
	revoked := rg.NewRevokedKey(Service, "live", "tenant_sample")
	const body = `{"file_name": "a.pdf"}`
	for _, tt := range []struct{ name, key string }{
		{"no key", ""},
		{"malformed", "x"},
		{"unknown", "sk_live_none"},
		{"revoked", revoked},
		{"of Lamina", lamina},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rg.Call("GET", "/laminr/v1/files", nil, "X-Api-Key", tt.key).Want(401).WantGolden("unauthorized")
			rg.Call("POST", "/laminr/api/v1/files", body, "X-Api-Key", tt.key).Want(401).WantGolden("unauthorized")
		})
	}
	rg.Call("GET", "/laminr/v1/files", nil, "X-Api-Key", "", "Authorization", "Bearer "+rg.key).Want(401)
	rg.Call("GET", "/laminr/v1/files", nil, "X-Api-Key", test).Want(403).WantGolden("forbidden")
	for _, bad := range []string{``, `{`, `[]`, `{}`, `{"file_name": 7}`, `{"file_name": " "}`, `{"file_name": "a.docx"}`, `{"file_name": "pdf"}`} {
		got := rg.api("POST", "/laminr/v1/files", bad).Want(400)
		if !strings.Contains(got.Body, `"code":"invalid_request"`) {
			t.Errorf("%s: got %s, want invalid_request", bad, got.Body)
		}
	}
	rg.api("DELETE", "/laminr/v1/files", nil).Want(405)
	rg.api("GET", "/laminr/v1/packages", nil).Want(404)
}

// The storage accepts only the signed address, without an API key.
func TestStorageIsStrict(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	address := wiretest.Decode[uploadReply](rg.api("POST", "/laminr/v1/files", `{"file_name": "a.png"}`).Want(200)).UploadURL
	refuses := func(r wiretest.Reply, status int, code string) {
		t.Helper()
		if r.Want(status); !strings.Contains(r.Body, "<Code>"+code+"</Code>") {
			t.Errorf("got %s, want the code %s", r.Body, code)
		}
	}
	refuses(rg.put(address, "image/png", "x", "X-Api-Key", rg.key), 400, "InvalidArgument")
	refuses(rg.put(address, "image/png", "x", "Authorization", "Bearer "+rg.key), 400, "InvalidArgument")
	refuses(rg.put(address, "application/pdf", "x"), 403, "SignatureDoesNotMatch")
	refuses(rg.put(strings.Replace(address, "X-Signature=", "X-Signature=0", 1), "image/png", "x"), 403, "SignatureDoesNotMatch")
	refuses(rg.put(strings.Replace(address, "X-Expires=", "X-Expires=9", 1), "image/png", "x"), 403, "SignatureDoesNotMatch")
	large := httptest.NewRequest(http.MethodPut, address, http.NoBody)
	large.ContentLength = maxFileSize + 1
	large.Header.Set("Content-Type", "image/png")
	recorder := httptest.NewRecorder()
	New(rg.Deps).ServeHTTP(recorder, large)
	if recorder.Code != 400 || !strings.Contains(recorder.Body.String(), "EntityTooLarge") {
		t.Errorf("large file: got %d %s, want 400 EntityTooLarge", recorder.Code, recorder.Body)
	}
	rg.put(address, "image/png", "x").Want(200)
	rg.Clock.Advance(uploadTTL)
	refuses(rg.put(address, "image/png", "x"), 403, "AccessDenied")
}

// A file is removed if it is not uploaded before its address expires.
func TestExpiredUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	start := func() {
		rg.api("POST", "/laminr/v1/files", `{"file_name": "a.png"}`).Want(200)
	}
	start()
	rg.Clock.Advance(uploadTTL + time.Second)
	start()
	rg.Deps.Store.View(func(tx *wire.Tx) {
		if n := len(tx.Keys(bucketFiles)); n != 1 {
			t.Errorf("got %d files, want 1", n)
		}
	})
}
