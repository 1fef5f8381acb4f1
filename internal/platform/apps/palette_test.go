package apps_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/apps"
)

func TestPalette(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"u": encode(t, stripes([]int{60, 30, 10}, red, blue, green))}
	r := makeIt(t, "palette", apps.Inputs{"image": {"u"}}, nil, files)
	if r.err != nil {
		t.Fatal(r.err)
	}
	want := "#FF0000  60.0 %\n#0000FF  30.0 %\n#00A000  10.0 %"
	if got := r.results[0].Text; got != want {
		t.Errorf("palette: got\n%s\nwant\n%s", got, want)
	}
	swatch, err := png.Decode(bytes.NewReader(r.results[1].Bytes))
	if err != nil {
		t.Fatal(err)
	}
	edge := swatch.Bounds().Max.X - 10
	top, bottom := swatch.At(edge, 5), swatch.At(edge, swatch.Bounds().Max.Y-5)
	if color.RGBAModel.Convert(top) != red || color.RGBAModel.Convert(bottom) != green {
		t.Errorf("swatch: got %v to %v, want red to green", top, bottom)
	}
}

func TestPaletteCountsAndTransparency(t *testing.T) {
	t.Parallel()
	img := image.NewRGBA(image.Rect(0, 0, 256, 64))
	for x := range 256 {
		for y := range 64 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(255 - x), uint8(4 * y), 255})
		}
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	half := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	draw.Draw(half, image.Rect(0, 0, 20, 10), image.NewUniform(blue), image.Point{}, draw.Src)
	files := map[string][]byte{"many": encode(t, img), "clear": encode(t, clear), "half": encode(t, half)}
	for _, n := range []string{"3", "5", "8"} {
		r := makeIt(t, "palette", apps.Inputs{"image": {"many"}, "colors": {n}}, []int{0}, files)
		if lines := strings.Split(r.results[0].Text, "\n"); len(lines) != int(n[0]-'0') {
			t.Errorf("%s colours: got %q", n, lines)
		}
		if _, made := r.results[1]; made {
			t.Error("results: got the swatch, want the text alone")
		}
	}
	if r := makeIt(t, "palette", apps.Inputs{"image": {"clear"}}, nil, files); !isRefusal(r.err) {
		t.Errorf("transparent image: got %v, want a refusal", r.err)
	}
	if r := makeIt(t, "palette", apps.Inputs{"image": {"half"}}, nil, files); r.results[0].Text != "#0000FF  100.0 %" {
		t.Errorf("half transparent image: got %q, want blue alone", r.results[0].Text)
	}
}
