package lamina

import (
	"bytes"
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

// redPNG returns a small red image.
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

// file sends a request to the address of a file, without a credential.
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
		t.Errorf("upload: got %+v, want an image/png that expires in %s", up, uploadTTL)
	}
	rg.file("GET", up.AssetURL, "").WantError(404, "NOT_FOUND")
	rg.file("PUT", up.UploadURL, redPNG(t), "Content-Type", "image/png").Want(200)
	if got := rg.file("GET", up.AssetURL, "").Want(200); got.Body != redPNG(t) {
		t.Errorf("file: got %q, want the uploaded bytes", got.Body)
	}
	r := rg.make("product-shots", map[string]any{"image": up.AssetURL}, "square", "BANNER")
	if len(r.Outputs) != 2 || r.Outputs[0].Label != "Square" || r.Outputs[1].Label != "Banner" {
		t.Fatalf("outputs: got %+v, want Square and Banner", r.Outputs)
	}
	for _, o := range r.Outputs {
		got := rg.file("GET", value(t, o), "").Want(200)
		img, err := jpeg.Decode(strings.NewReader(got.Body))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Dx() != o.Dimensions.Width || img.Bounds().Dy() != o.Dimensions.Height || o.MimeType != got.Header.Get("Content-Type") {
			t.Errorf("%s: got a file of %v, %s; want that of %+v", o.Label, img.Bounds(), got.Header.Get("Content-Type"), o)
		}
	}
	if u := wiretest.Data[usage](rg.Call("GET", "/v1/account/usage", nil)); u.Credits.TotalSpent != 4 {
		t.Errorf("credits of two outputs: got %v, want 4", u.Credits.TotalSpent)
	}
}

func TestPaletteOfAnUpload(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	up := rg.uploadURL("red.png", "image")
	rg.file("PUT", up.UploadURL, redPNG(t), "Content-Type", "image/png; charset=binary").Want(200)
	r := rg.make("palette", map[string]any{"image": up.AssetURL})
	if got := value(t, r.Outputs[0]); got != "#FF0000  100.0 %" {
		t.Errorf("palette: got %q, want one colour, red", got)
	}
	entries := wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets?outputType=text", nil).Want(200))
	if len(entries) != 1 || text(entries[0].TextContent) != "#FF0000  100.0 %" || text(entries[0].RunID) != r.RunID || entries[0].CDNURL != nil {
		t.Errorf("assets: got %+v, want one text of the run", entries)
	}
	if entries = wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets", nil)); len(entries) != 3 || text(entries[2].CDNURL) != up.AssetURL || entries[2].RunID != nil {
		t.Errorf("assets: got %+v, want all three assets, newest first", entries)
	}
	if entries = wiretest.Data[[]assetEntry](rg.Call("GET", "/v1/assets?limit=1&runId="+r.RunID, nil)); len(entries) != 1 || entries[0].OutputType != "image" {
		t.Errorf("assets: got %+v, want the newest image of the run", entries)
	}
}

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for _, tt := range []struct{ name, body string }{
		{"no body", ``},
		{"no files", `{}`},
		{"empty list", `{"files":[]}`},
		{"empty name", `{"files":[{"filename":"","mediaType":"image"}]}`},
		{"unknown media type", `{"files":[{"filename":"a.png","mediaType":"text"}]}`},
		{"another media type", `{"files":[{"filename":"a.mp4","mediaType":"image"}]}`},
		{"long name", `{"files":[{"filename":"` + strings.Repeat("x", 256) + `","mediaType":"image"}]}`},
		{"too many files", `{"files":[` + strings.Repeat(`{"filename":"a.png","mediaType":"image"},`, 50) + `{"filename":"a.png","mediaType":"image"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := rg.Call("POST", "/v1/assets/upload-urls", tt.body)
			res.T = t
			res.WantError(400, "VALIDATION_ERROR")
		})
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
		t.Errorf("got %d records, want 2: the new upload and its asset", left)
	}
}

func TestUploadWithTooLargeContentLength(t *testing.T) {
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
	for _, tt := range []struct{ header, want string }{
		{"Content-Type", unknownType},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", "default-src 'none'; sandbox"},
	} {
		if got := r.Header.Get(tt.header); got != tt.want {
			t.Errorf("header %s: got %q, want %q", tt.header, got, tt.want)
		}
	}
	if d := r.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment;") || strings.ContainsAny(d, "/\\") || strings.Contains(d, "%E2%80%AE") {
		t.Errorf("Content-Disposition: got %s, want an attachment with a safe file name", d)
	}

	up = rg.uploadURL("clip.mp4", "video")
	rg.file("PUT", up.UploadURL, "0123456789", "Content-Type", "video/mp4").Want(200)
	r = rg.file("GET", up.AssetURL, "", "Range", "bytes=2-4").Want(http.StatusPartialContent)
	if r.Body != "234" || r.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: got %q, %v; want 234, bytes 2-4/10", r.Body, r.Header)
	}
	r = rg.file("HEAD", up.AssetURL, "").Want(200)
	if len(r.Body) != 0 || r.Header.Get("Content-Length") != "10" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("HEAD: got %q, %v; want no body, a length of 10, inline", r.Body, r.Header)
	}
	rg.file("GET", up.AssetURL, "", "If-None-Match", r.Header.Get("ETag")).Want(http.StatusNotModified)
	for _, path := range []string{"/media/", "/media/x", "/media/..%2fstate.db", "/media/" + *up.AssetID + ".html", "/media/" + *up.AssetID, "/media/a/b/c"} {
		rg.Call("GET", path, nil).WantError(404, "NOT_FOUND")
	}
	rg.Call("DELETE", "/media/x", nil).WantError(405, "METHOD_NOT_ALLOWED")
}

func TestSlideshowOfPosters(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	poster := value(t, rg.make("poster", map[string]any{"text": "One", "aspect_ratio": "1:1"}).Outputs[0])
	r := rg.make("slideshow", map[string]any{"images": []string{poster, poster}, "Seconds per slide": "1"})
	got := rg.file("GET", value(t, r.Outputs[0]), "").Want(200)
	if got.Header.Get("Content-Type") != "image/gif" || r.Outputs[0].DurationSeconds != 2 {
		t.Errorf("slideshow: got %v, %+v; want an image/gif of 2 s", got.Header, r.Outputs[0])
	}
}
