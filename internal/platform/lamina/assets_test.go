package lamina

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// redPNG is a small red picture.
func redPNG(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		img.Set(i%40, i/40, color.RGBA{255, 0, 0, 255})
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// uploadURL asks for an upload address.
func (rg *rig) uploadURL(filename, mediaType string) api.Upload {
	rg.T.Helper()
	body := api.UploadFiles{Files: []api.UploadFile{{Filename: filename, MediaType: mediaType}}}
	return wiretest.Data[api.UploadURLs](rg.Call("POST", "/v1/assets/upload-urls", body).Want(200)).Uploads[0]
}

// file makes a request to the address of a file, without a credential.
func (rg *rig) file(method, address, body string, headers ...string) wiretest.Reply {
	rg.T.Helper()
	u, err := url.Parse(address)
	if err != nil {
		rg.T.Fatal(err)
	}
	var payload any
	if body != "" {
		payload = body
	}
	return rg.Call(method, u.Path, payload, append([]string{"X-Api-Key", ""}, headers...)...)
}

func TestUploadThenProductShotsThenDownload(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	up := rg.uploadURL("My photo.PNG", "image")
	if up.ContentTypeHint != "image/png" || !up.ExpiresAt.Equal(rg.Clock.Now().Add(uploadTTL)) || !strings.HasSuffix(up.AssetURL, ".png") {
		t.Errorf("%+v", up)
	}
	rg.file("GET", up.AssetURL, "").WantError(404, "NOT_FOUND")
	rg.file("PUT", up.UploadURL, redPNG(t), "Content-Type", "image/png").Want(200)
	if got := rg.file("GET", up.AssetURL, "").Want(200); got.Body != redPNG(t) {
		t.Error("the bytes came back changed")
	}
	r := rg.make("product-shots", map[string]any{"image": up.AssetURL}, "square", "BANNER")
	if len(r.Outputs) != 2 || r.Outputs[0].Label != "Square" || r.Outputs[1].Label != "Banner" {
		t.Fatalf("%+v", r.Outputs)
	}
	for _, o := range r.Outputs {
		got := rg.file("GET", value(t, o), "").Want(200)
		img, err := jpeg.Decode(strings.NewReader(got.Body))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Dx() != o.Dimensions.Width || img.Bounds().Dy() != o.Dimensions.Height || o.MimeType != got.Header.Get("Content-Type") {
			t.Errorf("%s: %v %v", o.Label, img.Bounds(), o)
		}
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil)); u.Credits.TotalSpent != 4 {
		t.Errorf("two of four outputs cost %v", u.Credits.TotalSpent)
	}
}

func TestPaletteOfAnUpload(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	up := rg.uploadURL("red.png", "image")
	rg.file("PUT", up.UploadURL, redPNG(t), "Content-Type", "image/png; charset=binary").Want(200)
	r := rg.make("palette", map[string]any{"image": up.AssetURL})
	if got := value(t, r.Outputs[0]); got != "#FF0000  100.0 %" {
		t.Errorf("%q", got)
	}
	entries := wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets?outputType=text", nil).Want(200))
	if len(entries) != 1 || text(entries[0].TextContent) != "#FF0000  100.0 %" || text(entries[0].RunID) != r.RunID || entries[0].CDNURL != nil {
		t.Errorf("%+v", entries)
	}
	if entries = wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets", nil)); len(entries) != 3 || text(entries[2].CDNURL) != up.AssetURL || entries[2].RunID != nil {
		t.Errorf("%+v", entries)
	}
	if entries = wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets?limit=1&runId="+r.RunID, nil)); len(entries) != 1 || entries[0].OutputType != "image" {
		t.Errorf("%+v", entries)
	}
}

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, body := range []string{
		``, `{}`, `{"files":[]}`, `{"files":[{"filename":"","mediaType":"image"}]}`, `{"files":[{"filename":"a.png","mediaType":"text"}]}`,
		`{"files":[{"filename":"a.mp4","mediaType":"image"}]}`, `{"files":[{"filename":"` + strings.Repeat("x", 256) + `","mediaType":"image"}]}`,
		`{"files":[` + strings.Repeat(`{"filename":"a.png","mediaType":"image"},`, 50) + `{"filename":"a.png","mediaType":"image"}]}`,
	} {
		rg.Call("POST", "/v1/assets/upload-urls", body).WantError(400, "VALIDATION_ERROR")
	}
	up := rg.uploadURL("a.png", "image")
	rg.file("PUT", up.UploadURL, "x", "Content-Type", "text/html").WantError(400, "VALIDATION_ERROR")
	rg.file("PUT", up.UploadURL, "x", "Content-Type", "").WantError(400, "VALIDATION_ERROR")
	rg.file("PUT", up.UploadURL, "", "Content-Type", "image/png").WantError(400, "VALIDATION_ERROR")
	rg.file("PUT", up.UploadURL+"x", "x", "Content-Type", "image/png").WantError(403, "FORBIDDEN")
	rg.file("POST", up.UploadURL, "x", "Content-Type", "image/png").WantError(405, "METHOD_NOT_ALLOWED")
	rg.file("GET", up.UploadURL, "").WantError(405, "METHOD_NOT_ALLOWED")
	rg.Clock.Advance(uploadTTL)
	rg.file("PUT", up.UploadURL, "x", "Content-Type", "image/png").WantError(403, "FORBIDDEN")
	rg.uploadURL("b.png", "image")
	var left int
	rg.Deps.Store.View(func(tx *wire.Tx) { left = len(tx.Keys(bucketUploads)) + len(tx.Keys(bucketAssets)) })
	if left != 2 {
		t.Errorf("%d records are left, want the new upload and its asset", left)
	}
}

func TestUploadThatClaimsToBeTooLarge(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	up := rg.uploadURL("a.mp4", "video")
	u, err := url.Parse(up.UploadURL)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), "PUT", u.Path, strings.NewReader("x"))
	req.Host = u.Host
	req.Header.Set("Content-Type", "video/mp4")
	req.ContentLength = maxUpload + 1
	w := httptest.NewRecorder()
	wire.Guard(rg.Deps.Clock, rg.s).ServeHTTP(w, req)
	wiretest.Reply{T: t, Status: w.Code, Header: w.Header(), Body: w.Body.String()}.WantError(413, "VALIDATION_ERROR")
}

func TestFilesAreServedSafely(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	up := rg.uploadURL(`../..\evil"; filename="x.html`+"\u202e.exe", "image")
	rg.file("PUT", up.UploadURL, "<script>alert(1)</script>", "Content-Type", up.ContentTypeHint).Want(200)
	r := rg.file("GET", up.AssetURL, "").Want(200)
	for name, want := range map[string]string{
		"Content-Type": unknownType, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if d := r.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment;") || strings.ContainsAny(d, "/\\") || strings.Contains(d, "%E2%80%AE") {
		t.Errorf("Content-Disposition: %s", d)
	}

	up = rg.uploadURL("clip.mp4", "video")
	rg.file("PUT", up.UploadURL, "0123456789", "Content-Type", "video/mp4").Want(200)
	r = rg.file("GET", up.AssetURL, "", "Range", "bytes=2-4").Want(http.StatusPartialContent)
	if r.Body != "234" || r.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("%q %v", r.Body, r.Header)
	}
	r = rg.file("HEAD", up.AssetURL, "").Want(200)
	if len(r.Body) != 0 || r.Header.Get("Content-Length") != "10" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("%v", r.Header)
	}
	rg.file("GET", up.AssetURL, "", "If-None-Match", r.Header.Get("ETag")).Want(http.StatusNotModified)
	for _, path := range []string{"/media/", "/media/x", "/media/..%2fstate.db", "/media/" + *up.AssetID + ".html", "/media/" + *up.AssetID, "/media/a/b/c"} {
		rg.Call("GET", path, nil).WantError(404, "NOT_FOUND")
	}
	rg.Call("DELETE", "/media/x", nil).WantError(405, "METHOD_NOT_ALLOWED")
}

func TestFetch(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	var far *httptest.Server
	far = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/red.png":
			_, _ = w.Write([]byte(redPNG(t)))
		case "/away":
			http.Redirect(w, r, far.URL+"/red.png", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxFetch+1))
		default:
			http.NotFound(w, r)
		}
	}))
	defer far.Close()
	tests := []struct {
		address, want string // want: of the error; "" means success
	}{
		{far.URL + "/red.png", ""},
		{strings.Replace(far.URL, "127.0.0.1", "localhost", 1) + "/red.png", ""},
		{"data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(redPNG(t))), ""},
		{"data:image/png;base64,####", "base64"},
		{"data:nocomma", "no comma"},
		{"data:,text", "not a picture"},
		{far.URL + "/missing", "answered 404"},
		{far.URL + "/away", "redirect"},
		{far.URL + "/large", "larger than the 32 MiB"},
		{"http://127.0.0.1:1/x", "could not be fetched"},
		{"https://example.com/x.png", "does not fetch from example.com"},
		{"http://169.254.169.254/latest", "does not fetch from 169.254.169.254"},
		{"http://127.0.0.1.example.com/x", "does not fetch from"},
		{"http://0.0.0.0/x", "does not fetch from"},
		{"http://user@10.0.0.1/x", "does not fetch from 10.0.0.1"},
		{rg.URL + "/media/none.png", "no uploaded file"},
		{rg.URL + "/media/../v1/account", "no uploaded file"},
	}
	for _, tt := range tests {
		r := rg.finish(rg.start("palette", map[string]any{"image": tt.address}, "Colors"))
		if tt.want == "" && r.Status != api.Completed || tt.want != "" && !strings.Contains(text(r.ErrorMessage), tt.want) {
			t.Errorf("%.60s: %s: %s, want %q", tt.address, r.Status, text(r.ErrorMessage), tt.want)
		}
	}
}

func TestLoopbackClientCannotLeave(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newLoopbackClient().Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, errNotLoopback) {
		t.Errorf("%v", err)
	}
}

func FuzzDecodeDataURL(f *testing.F) {
	f.Add("data:,x")
	f.Add("data:;base64,eA==")
	f.Add("data:text/plain;base64,%zz")
	f.Fuzz(func(t *testing.T, address string) {
		if raw, err := decodeDataURL(address); err == nil && len(raw) > len(address) {
			t.Errorf("%d bytes from %d characters", len(raw), len(address))
		}
	})
}

func TestSlideshowOfPosters(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	poster := value(t, rg.make("poster", map[string]any{"text": "One", "aspect_ratio": "1:1"}).Outputs[0])
	r := rg.make("slideshow", map[string]any{"images": []string{poster, poster}, "Seconds per slide": "1"})
	got := rg.file("GET", value(t, r.Outputs[0]), "").Want(200)
	if got.Header.Get("Content-Type") != "image/gif" || r.Outputs[0].DurationSeconds != 2 {
		t.Errorf("%v %+v", got.Header, r.Outputs[0])
	}
}
