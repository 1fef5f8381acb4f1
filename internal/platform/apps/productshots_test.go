package apps_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"

	"github.com/uselamina/lamina/internal/platform/apps"
)

func TestProductShots(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"u": encode(t, stripes([]int{50, 50}, red, blue))}
	r := makeIt(t, "product-shots", apps.Inputs{"image": {"u"}, "background": {"White"}}, []int{0, 3}, files)
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.results) != 2 {
		t.Fatalf("got %d outputs, want 2", len(r.results))
	}
	for _, tt := range []struct {
		output int
		size   image.Point
	}{
		{0, image.Point{X: 1080, Y: 1080}},
		{3, image.Point{X: 1600, Y: 900}},
	} {
		img, err := jpeg.Decode(bytes.NewReader(r.results[tt.output].Bytes))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Size() != tt.size || r.results[tt.output].Size != tt.size {
			t.Errorf("output %d: got %v, want %v", tt.output, img.Bounds().Size(), tt.size)
		}
		near(t, img, tt.size.X/4, tt.size.Y/2, red)
		near(t, img, tt.size.X*3/4, tt.size.Y/2, blue)
		near(t, img, 5, 5, color.RGBA{255, 255, 255, 255})
	}
}

func TestProductShotsOfExtremeShapes(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {4000, 1}, {1, 4000}} {
		for _, background := range []string{"Blur", "Color", "White"} {
			files := map[string][]byte{"u": encode(t, image.NewNRGBA(image.Rectangle{Max: size}))}
			r := makeIt(t, "product-shots", apps.Inputs{"image": {"u"}, "background": {background}}, []int{0}, files)
			if r.err != nil {
				t.Errorf("%v %s: got %v, want no error", size, background, r.err)
			}
		}
	}
}

func TestOrientationIsApplied(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, stripes([]int{50, 50}, red, blue), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	// Rotated clockwise, the left side (red) is at the top.
	r := makeIt(t, "product-shots", apps.Inputs{"image": {"u"}, "background": {"White"}}, []int{0},
		map[string][]byte{"u": withOrientation(buf.Bytes(), 6)})
	img, err := jpeg.Decode(bytes.NewReader(r.results[0].Bytes))
	if err != nil {
		t.Fatal(err)
	}
	near(t, img, 540, 270, red)
	near(t, img, 540, 810, blue)
	near(t, img, 120, 540, color.RGBA{255, 255, 255, 255})
}

// withOrientation adds an Exif segment to a JPEG.
func withOrientation(file []byte, orientation byte) []byte {
	tiff := []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := []byte{0xFF, 0xD8, 0xFF, 0xE1, 0, byte(len(segment) + 2)}
	return slices.Concat(head, segment, file[2:])
}
