package models

import (
	"bytes"
	"image"
)

// planes are the macroblocks of a frame as they are stored: 256 bytes of luma, 64 of Cb and 64 of Cr.
type planes struct{ blocks [][]byte }

// The number of pixels in a side of a macroblock.
const side = 16

// planesOf converts a frame to YCbCr with a half resolution of colour. Pixels outside of the frame repeat its edge.
func planesOf(img *image.RGBA) *planes {
	size := img.Rect.Size()
	p := &planes{}
	for top := 0; top < size.Y; top += side {
		for left := 0; left < size.X; left += side {
			p.blocks = append(p.blocks, blockOf(img, image.Pt(left, top)))
		}
	}
	return p
}

func blockOf(img *image.RGBA, corner image.Point) []byte {
	size := img.Rect.Size()
	block := make([]byte, 0, 384)
	var cb, cr []byte
	for y := range side {
		for x := range side {
			at := img.PixOffset(min(corner.X+x, size.X-1), min(corner.Y+y, size.Y-1))
			r, g, b := int(img.Pix[at]), int(img.Pix[at+1]), int(img.Pix[at+2])
			block = append(block, byte(16+(66*r+129*g+25*b+128)>>8))
			if x%2 == 0 && y%2 == 0 {
				cb = append(cb, byte(128+(-38*r-74*g+112*b+128)>>8))
				cr = append(cr, byte(128+(112*r-94*g-18*b+128)>>8))
			}
		}
	}
	return append(append(block, cb...), cr...)
}

// bitWriter writes bits, the first one into the highest bit of a byte.
type bitWriter struct {
	data  []byte
	count int
}

func (w *bitWriter) bits(value uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.count%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[len(w.data)-1] |= byte(value>>i&1) << (7 - w.count%8)
		w.count++
	}
}

// ue writes an unsigned Exp-Golomb code (ITU-T H.264, 9.1). The signed code of 0 is the same.
func (w *bitWriter) ue(values ...uint32) {
	for _, value := range values {
		n := 0
		for (value+1)>>n > 1 {
			n++
		}
		w.bits(0, n)
		w.bits(value+1, n+1)
	}
}

// end writes the stop bit and fills the last byte.
func (w *bitWriter) end() {
	w.bits(1, 1)
	w.align()
}

func (w *bitWriter) align() { w.count = len(w.data) * 8 }

// unit returns a NAL unit with a header. Three bytes that look like a start code are separated (ITU-T H.264, 7.4.1).
func unit(header byte, payload []byte) []byte {
	out := []byte{header}
	zeros := 0
	for _, b := range payload {
		if zeros >= 2 && b <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		out = append(out, b)
		zeros++
		if b != 0 {
			zeros = 0
		}
	}
	return out
}

// parameterSets returns the sequence and the picture parameter set of a video: baseline profile, one reference, no filter.
func parameterSets(size image.Point) (sequence, picture []byte) {
	columns, rows := (size.X+side-1)/side, (size.Y+side-1)/side
	var s bitWriter
	s.bits(0x42c01e, 24) // profile 66, level 3
	s.ue(0, 0, 2, 1)     // id, 4 bits of frame_num, order as decoded, one reference
	s.bits(0, 1)
	s.ue(uint32(columns-1), uint32(rows-1))
	s.bits(0b11, 2)
	if right, bottom := columns*side-size.X, rows*side-size.Y; right+bottom > 0 {
		s.bits(1, 1)
		s.ue(0, uint32(right/2), 0, uint32(bottom/2))
	} else {
		s.bits(0, 1)
	}
	s.bits(0, 1)
	s.end()
	var p bitWriter
	p.ue(0, 0)
	p.bits(0, 2)
	p.ue(0, 0, 0)
	p.bits(0, 3)
	p.ue(0, 0, 0)
	p.bits(0b100, 3) // slices control the filter
	p.end()
	return unit(0x67, s.data), unit(0x68, p.data)
}

// encodeFrame returns a frame as a NAL unit. Macroblocks are stored without compression, or not at all if they equal those of the
// frame before.
func encodeFrame(p, before *planes, number int) []byte {
	header, kind, pcm := byte(0x65), uint32(7), uint32(25) // a frame of its own
	if before != nil {
		header, kind, pcm = 0x41, 5, 30
	}
	var w bitWriter
	w.ue(0, kind, 0)
	w.bits(uint32(number%16), 4)
	if before == nil {
		w.ue(0)
	}
	w.bits(0, map[bool]int{true: 2, false: 3}[before == nil]) // no changes of the references
	w.ue(0, 1)                                                // the default quality, no filter
	skipped := uint32(0)
	for i, block := range p.blocks {
		if before != nil && bytes.Equal(block, before.blocks[i]) {
			skipped++
			continue
		}
		if before != nil {
			w.ue(skipped)
			skipped = 0
		}
		w.ue(pcm)
		w.align()
		w.data = append(w.data, block...)
		w.align()
	}
	if skipped > 0 {
		w.ue(skipped)
	}
	w.end()
	return unit(header, w.data)
}
