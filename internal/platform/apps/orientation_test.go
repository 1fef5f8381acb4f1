package apps

import (
	"fmt"
	"image"
	"image/color"
	"testing"
)

func TestUpright(t *testing.T) {
	t.Parallel()
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	mark := color.RGBA{255, 0, 0, 255}
	img.Set(0, 0, mark)
	// The displayed position of the first stored pixel, by orientation (Exif 2.32, table 6).
	for _, tt := range []struct {
		orientation int
		at          image.Point
	}{
		{1, image.Point{X: 0, Y: 0}},
		{2, image.Point{X: 2, Y: 0}},
		{3, image.Point{X: 2, Y: 1}},
		{4, image.Point{X: 0, Y: 1}},
		{5, image.Point{X: 0, Y: 0}},
		{6, image.Point{X: 1, Y: 0}},
		{7, image.Point{X: 1, Y: 2}},
		{8, image.Point{X: 0, Y: 2}},
	} {
		t.Run(fmt.Sprint(tt.orientation), func(t *testing.T) {
			t.Parallel()
			got := upright(img, tt.orientation)
			if got.At(tt.at.X, tt.at.Y) != mark {
				t.Errorf("at %v: got %v, want the mark", tt.at, got.At(tt.at.X, tt.at.Y))
			}
			if isRotated := got.Bounds().Dx() == 2; isRotated != (tt.orientation >= 5) {
				t.Errorf("size: got %v, want 3 x 2 or, from 5 on, 2 x 3", got.Bounds().Size())
			}
		})
	}
}

func FuzzJPEGOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II\x2a\x00\xff\xff\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := jpegOrientation(file); o < 1 || o > 8 {
			t.Errorf("jpegOrientation: got %d, want 1 to 8", o)
		}
	})
}
