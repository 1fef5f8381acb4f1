package assetfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api/check"
)

// TestInspect: the content decides on the media type and on the extension of the name; the extension decides where it says nothing.
func TestInspect(t *testing.T) {
	t.Parallel()
	png, mp4 := "\x89PNG\r\n\x1a\n", func(brand string) string { return "\x00\x00\x00\x20ftyp" + brand + "\x00\x00\x02\x00isommp42" }
	tests := []struct {
		file, content string
		kind          string // --media-type
		want          string // kind, media type and name; or the error
	}{
		{"a.png", png, "", "image image/png a.png"},
		{"a.PNG", png, "", "image image/png a.PNG"},
		{"a.jpg", png, "", "image image/png a.png"},
		{"a", png, "", "image image/png a.png"},
		{"a.backup", png, "", "image image/png a.backup.png"},
		{"a.jpeg", "\xff\xd8\xff\xe0", "", "image image/jpeg a.jpeg"},
		{"a.mp4", mp4("isom"), "", "video video/mp4 a.mp4"},
		{"a.mov", mp4("qt  "), "", "video video/quicktime a.mov"},
		{"a.m4a", mp4("M4A "), "", "audio audio/mp4 a.m4a"},
		{"a.m4a", mp4("isom"), "", "audio audio/mp4 a.m4a"},
		{"a.heic", mp4("heic"), "", "image image/heic a.heic"},
		{"a.avif", mp4("avif"), "", "image image/avif a.avif"},
		{"a.mkv", "\x1a\x45\xdf\xa3", "", "video video/x-matroska a.mkv"},
		{"a.webm", "\x1a\x45\xdf\xa3", "", "video video/webm a.webm"},
		{"a.ogg", "OggS\x00", "", "audio audio/ogg a.ogg"},
		{"a.ogv", "OggS\x00", "", "video video/ogg a.ogv"},
		{"a.flac", "fLaC", "", "audio audio/flac a.flac"},
		{"a.wav", "RIFF\x00\x00\x00\x00WAVEfmt ", "", "audio audio/wav a.wav"},
		{"a.mp3", "\xff\xfb\x90", "", "audio audio/mpeg a.mp3"},
		{"a.mp3", "\x00\x00\x00\x00", "", "audio audio/mpeg a.mp3"},
		{"a.svg", "<?xml version='1.0'?><svg/>", "", "image image/svg+xml a.svg"},
		{"a.png", "<!DOCTYPE html>", "", "is text/html, and Lamina takes images, videos and audio"},
		{"a.pdf", "%PDF-1.7", "", "is application/pdf, and Lamina takes images, videos and audio"},
		{"a.bin", "\x00\x01", "", "is of an unknown type, and Lamina takes images, videos and audio"},
		{"a.bin", "\x00\x01", "video", "video application/octet-stream a.bin"},
		{"a.png", "", "", "is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.want, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := Inspect(path, tt.kind, "")
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = strings.Join([]string{f.Kind, f.ContentType, f.Name}, " ")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := Inspect(t.TempDir(), "", ""); err == nil || err.Error() != "is a folder: name the files in it" {
		t.Errorf("a folder: got %v, want a clear refusal", err)
	}
	if f, err := Inspect(os.Args[0], "image", "x.png"); err != nil || f.Name != "x.png" {
		t.Errorf("a given name: got %v, %v, want x.png", f, err)
	}
}

// FuzzInspect: no content and no name makes Inspect panic, and what is accepted has a known kind.
func FuzzInspect(f *testing.F) {
	f.Add("a.png", []byte("\x89PNG\r\n\x1a\n"))
	f.Add("a", []byte("\x00\x00\x00\x20ftyp"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		contentType := contentOf(content)
		named := nameFor(name, contentType)
		if known := typeOf(filepath.Ext(named)); known != "" && known != contentType && typeOf(filepath.Ext(name)) == "" {
			t.Errorf("got the name %q for %s", named, contentType)
		}
	})
}

// read reads all of h in order, and returns the hash.
func (h *hashingReader) readAll(step int64) string {
	for off := int64(0); off < h.size; off += step {
		_, _ = h.ReadAt(make([]byte, min(step, h.size-off)), off)
	}
	return h.sum()
}

// TestHashingReader: the hash is that of the last complete reading in order, and unknown otherwise.
func TestHashingReader(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("lamina"), 1000)
	sum := sha256.Sum256(data)
	want := hex.EncodeToString(sum[:])
	newReader := func() *hashingReader {
		return &hashingReader{ReaderAt: bytes.NewReader(data), size: int64(len(data)), now: time.Now}
	}
	h := newReader()
	if got := h.readAll(700); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := h.readAll(999); got != want {
		t.Errorf("a second reading: got %s, want %s", got, want)
	}
	if _, _ = h.ReadAt(make([]byte, 10), 0); h.sum() != "" {
		t.Errorf("an incomplete reading: got %s, want nothing", h.sum())
	}
	h = newReader()
	_, _ = h.ReadAt(make([]byte, 10), 0)
	_, _ = h.ReadAt(make([]byte, len(data)-20), 20)
	if h.sum() != "" {
		t.Errorf("a reading with a gap: got %s, want nothing", h.sum())
	}
	if got, err := sumOf(t.Context(), bytes.NewReader(data), int64(len(data))); err != nil || got != want {
		t.Errorf("sumOf: got %s, %v, want %s", got, err, want)
	}
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }

// TestHashingPace: a large file is hashed on a slow network, and not on a fast one.
func TestHashingPace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size, pace int64
		isHashed   bool
	}{
		"large, slow": {largeFile, 100 << 20, true},
		"large, fast": {largeFile, 1 << 30, false},
		"small, fast": {largeFile - 1, 1 << 30, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const step = 8 << 20
			now := time.Unix(0, 0)
			h := &hashingReader{ReaderAt: zeros{}, size: tt.size, now: func() time.Time { return now }}
			buf := make([]byte, step)
			for off := int64(0); off < 128<<20; off += step {
				_, _ = h.ReadAt(buf, off)
				now = now.Add(time.Duration(float64(step) / float64(tt.pace) * float64(time.Second)))
			}
			if got := h.hash != nil; got != tt.isHashed {
				t.Errorf("got hashed: %t, want %t", got, tt.isHashed)
			}
		})
	}
}

// TestInInputs: files are found in inputs and in lists, checked against what the input accepts, and replaced by their URLs.
func TestInInputs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	image, video := check.LocalFile{Path: path, Accept: []string{"image"}}, check.LocalFile{Path: path, Accept: []string{"video"}}
	inputs := map[string]any{"text": "@me", "one": image, "list": []any{"https://example.com/a.png", image}}
	places, problems := InInputs(inputs)
	if len(places) != 2 || len(problems) != 0 {
		t.Fatalf("got %d places and the problems %v, want 2 and none", len(places), problems)
	}
	for i, place := range places {
		place.set(strings.Repeat("u", i+1))
	}
	if inputs["one"] != "uu" || inputs["list"].([]any)[1] != "u" || inputs["text"] != "@me" {
		t.Errorf("got %v, want the URLs in place of the files", inputs)
	}
	if _, problems := InInputs(map[string]any{"a": video, "b": check.LocalFile{Path: "none"}}); len(problems) != 2 {
		t.Errorf("got %v, want two problems", problems)
	}
}
