package apps_test

import (
	"bytes"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/apps"
)

func TestPosterShapesAndStyles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		shape, style string
		size         image.Point
	}{
		{"1:1", "Bold", image.Point{X: 1080, Y: 1080}},
		{"4:5", "Elegant", image.Point{X: 1080, Y: 1350}},
		{"16:9", "Neon", image.Point{X: 1600, Y: 900}},
		{"9:16", "Paper", image.Point{X: 1080, Y: 1920}},
	} {
		t.Run(tt.shape+" "+tt.style, func(t *testing.T) {
			t.Parallel()
			in := apps.Inputs{"text": {"Grüße, мир\nκόσμε"}, "aspect_ratio": {tt.shape}, "style": {tt.style}, "subtitle": {"below"}}
			r := makeIt(t, "poster", in, nil, nil)
			if r.err != nil {
				t.Fatal(r.err)
			}
			res := r.results[0]
			img, err := png.Decode(bytes.NewReader(res.Bytes))
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds().Size() != tt.size || res.Size != tt.size || res.MimeType != "image/png" {
				t.Errorf("got a file of %v, result %v %s; want %v", img.Bounds(), res.Size, res.MimeType, tt.size)
			}
			if !strings.Contains(res.Description, tt.style) || !strings.Contains(res.Description, "мир") {
				t.Errorf("description: got %q, want the style and the text", res.Description)
			}
			if len(r.progress) < 3 || !slices.IsSorted(r.progress) || r.progress[len(r.progress)-1] >= 1 {
				t.Errorf("progress: got %v, want at least 3 ascending values below 1", r.progress)
			}
		})
	}
}

func TestPosterDependsOnlyOnItsInputs(t *testing.T) {
	t.Parallel()
	draw := func(text string) []byte {
		return makeIt(t, "poster", apps.Inputs{"text": {text}, "aspect_ratio": {"1:1"}}, nil, nil).results[0].Bytes
	}
	hello := draw("Hello")
	if !bytes.Equal(hello, draw("Hello")) {
		t.Error("two posters of a text: got different files, want the same")
	}
	if bytes.Equal(hello, draw("Hello!")) {
		t.Error("posters of two texts: got the same file, want different ones")
	}
}

func TestPosterWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		isRefused  bool
		note       string // in the description
	}{
		{"emoji", "Party 🎉 tonight", false, `no such symbol: "🎉"`},
		{"letters without a glyph", "日本", true, ""},
		{"Arabic", "مرحبا", true, ""},
		{"only an emoji", "🎉", true, ""},
		{"blank", " \n\t ", true, ""},
		{"combining accent", "Cafe\u0301", false, "Café"},
		{"control and bidi characters", "a\x00b\u202ec\x1b[31m", false, "abc[31m"},
		{"one long word", strings.Repeat("Rindfleisch", 30), false, ""},
		{"the longest text", strings.Repeat("word ", 79) + "words", false, ""},
		{"too long", strings.Repeat("x", 401), true, ""},
		{"many line breaks", strings.Repeat("a\n", 150), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := makeIt(t, "poster", apps.Inputs{"text": {tt.text}, "aspect_ratio": {"16:9"}}, nil, nil)
			if tt.isRefused != isRefusal(r.err) || !tt.isRefused && r.err != nil {
				t.Fatalf("error: got %v, want a refusal: %t", r.err, tt.isRefused)
			}
			if d := r.results[0].Description; !strings.Contains(d, tt.note) {
				t.Errorf("description: got %q, want %q in it", d, tt.note)
			}
		})
	}
}
