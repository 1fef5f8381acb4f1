package apps

import (
	"bytes"
	"context"
	"image"
	_ "image/gif" // for decode
	"image/jpeg"
	_ "image/png" // for decode
	"net/url"
	"path"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // for decode
)

// The largest image that is decoded, in pixels. A file of a few kilobytes can declare a far larger size.
const largestPicture = 40_000_000

// load fetches and decodes an image.
func (j Job) load(ctx context.Context, address string) (image.Image, error) {
	file, err := j.Fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	return decode(file, shortName(address))
}

// decode decodes a file and applies its orientation. name is for messages.
func decode(file []byte, name string) (image.Image, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, failf("%s is not a picture in a known format: use PNG, JPEG, GIF or WebP", name)
	}
	if config.Width < 1 || config.Height < 1 {
		return nil, failf("%s is an empty picture", name)
	}
	if config.Width > largestPicture/config.Height {
		return nil, failf("%s has %d x %d pixels, more than the %d million that are allowed",
			name, config.Width, config.Height, largestPicture/1_000_000)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, failf("%s is damaged: it could not be decoded as %s", name, format)
	}
	if format == "jpeg" {
		img = upright(img, jpegOrientation(file))
	}
	return img, nil
}

// shortName returns the name of an address for messages: its last element, or "The picture" for data: URLs.
func shortName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "data" || path.Base(u.Path) == "/" || path.Base(u.Path) == "." {
		return "The picture"
	}
	return path.Base(u.Path)
}

// cover returns the largest centred part of an image with the aspect ratio of size.
func cover(b image.Rectangle, size image.Point) image.Rectangle {
	w, h := b.Dx(), b.Dy()
	if w*size.Y > h*size.X {
		w = max(1, h*size.X/size.Y)
	} else {
		h = max(1, w*size.Y/size.X)
	}
	corner := b.Min.Add(image.Pt((b.Dx()-w)/2, (b.Dy()-h)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(w, h))}
}

// contain returns the largest centred rectangle in box with the aspect ratio of b.
func contain(b, box image.Rectangle) image.Rectangle {
	w, h := box.Dx(), box.Dy()
	if b.Dx()*h > b.Dy()*w {
		h = max(1, w*b.Dy()/b.Dx())
	} else {
		w = max(1, h*b.Dx()/b.Dy())
	}
	corner := box.Min.Add(image.Pt((box.Dx()-w)/2, (box.Dy()-h)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(w, h))}
}

// scaled returns a part of an image at a size.
func scaled(img image.Image, part image.Rectangle, size image.Point) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(out, out.Rect, img, part, draw.Src, nil)
	return out
}

// shrunk returns an image with sides of at most side pixels, because work on a full photograph takes seconds.
func shrunk(img image.Image, side int) image.Image {
	b := img.Bounds()
	if max(b.Dx(), b.Dy()) <= side {
		return img
	}
	out := image.NewRGBA(image.Rectangle{Max: contain(b, image.Rect(0, 0, side, side)).Size()})
	draw.ApproxBiLinear.Scale(out, out.Rect, img, b, draw.Src, nil)
	return out
}

func encodeJPEG(img *image.RGBA) ([]byte, error) {
	var buf bytes.Buffer
	err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 90})
	return buf.Bytes(), err
}
