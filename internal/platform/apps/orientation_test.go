package apps

import (
	"image"
	"image/color"
	"testing"
)

func TestUprightPutsTheFirstPixelWhereExifSays(t *testing.T) {
	t.Parallel()
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	mark := color.RGBA{255, 0, 0, 255}
	img.Set(0, 0, mark)
	// The displayed position of the first stored pixel, by orientation (Exif 2.32, table 6).
	want := map[int]image.Point{1: {0, 0}, 2: {2, 0}, 3: {2, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 2}, 8: {0, 2}}
	for orientation, at := range want {
		got := upright(img, orientation)
		if got.At(at.X, at.Y) != mark {
			t.Errorf("orientation %d: no mark at %v", orientation, at)
		}
		if turned := got.Bounds().Dx() == 2; turned != (orientation >= 5) {
			t.Errorf("orientation %d: size %v", orientation, got.Bounds().Size())
		}
	}
}

func FuzzJPEGOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II\x2a\x00\xff\xff\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := jpegOrientation(file); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
