package transfer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// png is the beginning of a picture.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

const page = "<!DOCTYPE html><title>Sign in</title>"

// TestMediaType: the media type of the response decides the extension, and a web page is no picture.
func TestMediaType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		output Output // its URL is a path
		header string // Content-Type of the response
		body   string
		want   string // the name of the file; empty: a TypeError
	}{
		{"as promised", Output{URL: "/a.png", Kind: "image", MimeType: "image/png"}, "image/png", png, "a_0.png"},
		{"another type than that of the URL", Output{URL: "/a.png", Kind: "image"}, "image/webp", "RIFF", "a_0.webp"},
		{"another type than the described one", Output{URL: "/a", Kind: "image", MimeType: "image/png"}, "image/jpeg; q=1", "\xff\xd8", "a_0.jpg"},
		{"extension of the same type", Output{URL: "/a.jpeg", Kind: "image"}, "image/jpeg", "\xff\xd8", "a_0.jpeg"},
		{"old name of a type", Output{URL: "/a", Kind: "image"}, "image/jpg", "\xff\xd8", "a_0.jpg"},
		{"type in capital letters", Output{URL: "/a", Kind: "image"}, "Image/PNG", png, "a_0.png"},
		{"bytes without a type", Output{URL: "/a.mp4", Kind: "video"}, "binary/octet-stream", "....ftyp", "a_0.mp4"},
		{"bytes without a type and without an extension", Output{URL: "/a", Kind: "image"}, "application/octet-stream", png, "a_0.png"},
		{"bytes with a described type", Output{URL: "/a", Kind: "image", MimeType: "image/gif"}, "application/octet-stream", "GIF", "a_0.gif"},
		{"unknown type", Output{URL: "/a.xyz"}, "application/x-unknown", "?", "a_0.xyz"},
		{"Markdown as plain text", Output{URL: "/a.md"}, "text/plain", "# A", "a_0.md"},
		{"plain text", Output{URL: "/a"}, "text/plain; charset=utf-8", "A", "a_0.txt"},
		{"vector graphic as plain text", Output{URL: "/a", Kind: "image", MimeType: "image/svg+xml"}, "text/plain", "<svg>", "a_0.svg"},
		{"vector graphic as XML", Output{URL: "/a.svg", Kind: "image"}, "application/xml", "<svg>", "a_0.svg"},
		{"page that is wanted", Output{URL: "/a.html"}, "text/html", page, "a_0.html"},
		{"page where nothing is known", Output{URL: "/a"}, "text/html", page, "a_0.html"},
		{"page instead of a picture", Output{URL: "/a.png", Kind: "image"}, "text/html; charset=utf-8", page, ""},
		{"page instead of what the URL says", Output{URL: "/a.pdf"}, "text/html", page, ""},
		{"page instead of a video without an extension", Output{URL: "/a", Kind: "video"}, "application/xhtml+xml", page, ""},
		{"page that says it is a picture", Output{URL: "/a", Kind: "image"}, "image/png", " \n" + page, ""},
		{"page without a type", Output{URL: "/a.png"}, "application/octet-stream", "<html>", ""},
		{"error in JSON", Output{URL: "/a.mp3", Kind: "audio"}, "application/json", `{"error":"expired"}`, ""},
		{"error in XML", Output{URL: "/a.mp4"}, "application/xml", `<?xml version="1.0"?><Error/>`, ""},
		{"error as plain text", Output{URL: "/a.png", Kind: "image"}, "text/plain; charset=utf-8", "Access denied", ""},
		{"picture as plain text", Output{URL: "/a", Kind: "image"}, "text/plain", png, "a_0.png"},
		{"JSON that is wanted", Output{URL: "/a.json"}, "application/json", `{}`, "a_0.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.header)
				_, _ = io.WriteString(w, tt.body)
			})
			folder := t.TempDir()
			tt.output.URL, tt.output.Label = url+tt.output.URL+"?signature=s3cret", "A"
			path, _, err := newDownloader().Save(t.Context(), tt.output, func(o Output) string {
				return Names(folder, "r", []Output{o}, func(string) bool { return true })[0]
			})
			wantNames(t, folder, tt.want)
			if tt.want != "" {
				if err != nil || filepath.Base(path) != tt.want {
					t.Errorf("got %s, %v, want %s", path, err, tt.want)
				}
				return
			}
			var wrong *TypeError
			if !errors.As(err, &wrong) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want a TypeError without the query", err)
			}
		})
	}
}

// TestEmptyPicture: a picture without a byte is no picture, and is requested again. A text may be empty.
func TestEmptyPicture(t *testing.T) {
	t.Parallel()
	folder, path := t.TempDir(), ""
	name := func(Output) string { return path }
	h := &host{answers: answers{sends(200, 0, nil, "Content-Type", "image/png"), sends(200, len(png), []byte(png), "Content-Type", "image/png")}}
	path = filepath.Join(folder, "a.png")
	if _, size, err := newDownloader().Save(t.Context(), Output{URL: serve(t, h.ServeHTTP), Kind: "image"}, name); err != nil || size != int64(len(png)) {
		t.Errorf("got %d, %v, want the picture of the second response", size, err)
	}
	empty := serve(t, sends(200, 0, nil, "Content-Type", "image/png"))
	path = filepath.Join(folder, "b.png")
	if _, _, err := newDownloader().Save(t.Context(), Output{URL: empty, Kind: "image"}, name); !errors.Is(err, errEmpty) {
		t.Errorf("got %v, want errEmpty", err)
	}
	path = filepath.Join(folder, "c.txt")
	if _, size, err := newDownloader().Save(t.Context(), Output{URL: empty, Kind: "text"}, name); err != nil || size != 0 {
		t.Errorf("got %d, %v, want an empty file", size, err)
	}
	wantNames(t, folder, "a.png c.txt")
}

// TestMaxSize: a file above the limit is refused by its length, or else while it is read, and nothing remains of it.
func TestMaxSize(t *testing.T) {
	t.Parallel()
	data := content(1000)
	tests := []struct {
		name    string
		limit   int64
		handler http.HandlerFunc
		wantOK  bool
		size    int64 // of the error
	}{
		{"length", 999, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000000000")
			_, _ = w.Write(data[:10])
		}, false, 1_000_000_000_000},
		{"no length", 999, func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(data)
		}, false, -1},
		{"at the limit", 1000, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }, true, 0},
		{"no limit", 0, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder, requests := t.TempDir(), 0
			d := newDownloader()
			d.MaxSize = tt.limit
			_, err := save(t.Context(), d, serve(t, func(w http.ResponseWriter, r *http.Request) { requests++; tt.handler(w, r) }), filepath.Join(folder, "a"))
			var large *TooLargeError
			switch {
			case tt.wantOK && err != nil:
				t.Errorf("got %v, want no error", err)
			case !tt.wantOK && (!errors.As(err, &large) || large.Size != tt.size || large.Limit != tt.limit || requests != 1):
				t.Errorf("got %v after %d requests, want a TooLargeError with %d of %d after one", err, requests, tt.size, tt.limit)
			}
			if !tt.wantOK {
				wantNames(t, folder, "")
			}
		})
	}
	d := &Downloader{MaxSize: 3}
	for _, o := range []Output{{Text: "four"}, {URL: "data:,four"}, {URL: "data:;base64,Zm91cg=="}} {
		if _, err := d.Copy(t.Context(), o, io.Discard); !errors.As(err, new(*TooLargeError)) {
			t.Errorf("%+v: got %v, want a TooLargeError", o, err)
		}
	}
}

// TestCopy: what is written elsewhere is complete, too, and nothing remains in the folder for temporary files.
func TestCopy(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	data := content(1000)
	h := &host{answers: answers{sends(503, 0, nil), sends(200, 1000, data[:400]), sends(200, 1000, data)}}
	var got bytes.Buffer
	size, err := newDownloader().Copy(t.Context(), Output{URL: serve(t, h.ServeHTTP)}, &got)
	if err != nil || size != 1000 || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("got %d of %d bytes, %v, want 1000", size, got.Len(), err)
	}
	got.Reset()
	if _, err := newDownloader().Copy(t.Context(), Output{URL: serve(t, sends(200, 1000, data[:400]))}, &got); err == nil || got.Len() > 0 {
		t.Errorf("got %d bytes, %v, want an error and none", got.Len(), err)
	}
	wantNames(t, temporary, "")
}

func TestDecodeData(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, wantType, want string }{
		{"data:image/png;base64,iVBORw0KGgo=", "image/png", "\x89PNG\r\n\x1a\n"},
		{"DATA:Image/PNG;BASE64,iVBORw0KGgo", "image/png", "\x89PNG\r\n\x1a\n"},
		{"data:image/svg+xml;charset=utf-8,%3Csvg%3E%0A", "image/svg+xml", "<svg>\n"},
		{"data:text/plain;charset=UTF-8;base64,R3LDvMOfZQ==", "text/plain", "Grüße"},
		{"data:;base64,%2B%2F8=", "text/plain", "\xfb\xff"},
		{"data:;base64,-_8", "text/plain", "\xfb\xff"},
		{"data:;base64,AA\r\n AA", "text/plain", "\x00\x00\x00"},
		{"data:,a,b", "text/plain", "a,b"},
		{"data:,", "text/plain", ""},
		{"data:image/jpg,x", "image/jpeg", "x"},
	}
	for _, tt := range tests {
		got, raw, err := decodeData(tt.url, "")
		if err != nil || got != tt.wantType || string(raw) != tt.want {
			t.Errorf("%s: got %s %q, %v, want %s %q", tt.url, got, raw, err, tt.wantType, tt.want)
		}
	}
	for _, url := range []string{"data:", "data:image/png;base64", "data:;base64,?", "data:;base64,A", "data:,%", "data:,%zz"} {
		if _, _, err := decodeData(url, ""); !errors.Is(err, errData) {
			t.Errorf("%s: got %v, want errData", url, err)
		}
	}
}

// FuzzDecodeData: what was encoded is decoded, and other text is an error or content, never a panic.
func FuzzDecodeData(f *testing.F) {
	f.Add("image/png;base64,AAAA", []byte("x"))
	f.Add(";,%41", []byte{})
	f.Fuzz(func(t *testing.T, rest string, raw []byte) {
		_, _, _ = decodeData("data:"+rest, "")
		_, got, err := decodeData("data:image/png;base64,"+base64.StdEncoding.EncodeToString(raw), "")
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("got %q, %v, want %q", got, err, raw)
		}
	})
}

// TestSaveData: a data: URL is saved under the extension of its media type.
func TestSaveData(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	outputs := []Output{
		{Index: 0, Label: "A", Kind: "image", URL: "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(png))},
		{Index: 1, Part: 1, Label: "B", Kind: "image", URL: "data:image/gif,GIF"},
		{Index: 1, Part: 2, Label: "B", Kind: "image", URL: "data:image/gif,GIF2"},
	}
	for i := range outputs {
		path, size, err := (&Downloader{}).Save(t.Context(), outputs[i], func(o Output) string {
			outputs[i] = o
			return Names(folder, "r", outputs, func(string) bool { return true })[i]
		})
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() != size {
			t.Errorf("got %v, %v, want a file of %s bytes", info, err, strconv.FormatInt(size, 10))
		}
	}
	wantNames(t, folder, "a_0.png b_1-1.gif b_1-2.gif")
}

// TestNamesByContent: two outputs that get the same name only when their media types are known are both saved.
func TestNamesByContent(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, png+r.URL.Path)
	})
	folder := t.TempDir()
	outputs := []Output{{Index: 0, Label: "A", URL: url + "/1.png"}, {Index: 1, Label: "A", URL: url + "/2.webp"}}
	for i := range outputs {
		_, _, err := newDownloader().Save(t.Context(), outputs[i], func(o Output) string {
			outputs[i] = o
			return Names(filepath.Join(folder, "{label}.{ext}"), "r", outputs, noDir)[i]
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wantNames(t, folder, "a.png a_1.png")
}
