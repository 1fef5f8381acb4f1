package apps

import (
	"encoding/binary"
	"image"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// jpegOrientation returns the Exif tag 0x0112 (1 to 8), or 1. Most photographs of phones need it.
func jpegOrientation(file []byte) int {
	const app1, startOfScan = 0xE1, 0xDA
	for b := file[min(2, len(file)):]; len(b) >= 4 && b[0] == 0xFF && b[1] != startOfScan; {
		length := int(binary.BigEndian.Uint16(b[2:]))
		if length < 2 || len(b) < 2+length {
			return 1
		}
		if segment := b[4 : 2+length]; b[1] == app1 && len(segment) > 6 && string(segment[:6]) == "Exif\x00\x00" {
			return tiffOrientation(segment[6:])
		}
		b = b[2+length:]
	}
	return 1
}

// tiffOrientation looks for the tag in the first directory of a TIFF block.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(b[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if value := int(order.Uint16(entries[8:])); order.Uint16(entries) == 0x0112 && value >= 1 && value <= 8 {
			return value
		}
		entries = entries[12:]
	}
	return 1
}

// upright rotates and mirrors an image with an orientation.
func upright(img image.Image, orientation int) image.Image {
	b := img.Bounds()
	w, h := float64(b.Dx()), float64(b.Dy())
	// The mapping of a position in the source (x, y) to the result.
	transforms := map[int]f64.Aff3{
		2: {-1, 0, w, 0, 1, 0},
		3: {-1, 0, w, 0, -1, h},
		4: {1, 0, 0, 0, -1, h},
		5: {0, 1, 0, 1, 0, 0},
		6: {0, -1, h, 1, 0, 0},
		7: {0, -1, h, -1, 0, w},
		8: {0, 1, 0, -1, 0, w},
	}
	m, turned := transforms[orientation]
	if !turned {
		return img
	}
	size := b.Size()
	if orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.NearestNeighbor.Transform(out, m, img, b, draw.Src, nil)
	return out
}
