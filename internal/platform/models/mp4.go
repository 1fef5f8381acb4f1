package models

import (
	"encoding/binary"
	"image"
)

// encodeMP4 returns frames of one size as a video: H.264 in MP4 (ISO 14496-12 and -15).
func encodeMP4(frames []*image.RGBA, perSecond int) []byte {
	size := frames[0].Rect.Size()
	var data []byte
	var sizes []uint32
	var before *planes
	for i, frame := range frames {
		p := planesOf(frame)
		unit := encodeFrame(p, before, i)
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(unit))), unit...)
		sizes = append(sizes, uint32(len(unit)+4))
		before = p
	}
	start := box("ftyp", []byte("isom"), u32(0x200), []byte("isomavc1"))
	header := movieBox(size, sizes, uint32(perSecond), 0)
	offset := uint32(len(start) + len(header) + 8)
	header = movieBox(size, sizes, uint32(perSecond), offset) // has the same length with any offset
	return append(append(start, header...), box("mdat", data)...)
}

// box returns a box with a type and its content.
func box(kind string, parts ...[]byte) []byte {
	length := 8
	for _, p := range parts {
		length += len(p)
	}
	b := append(binary.BigEndian.AppendUint32(nil, uint32(length)), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func u16(values ...uint16) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

func u32(values ...uint32) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// matrix is the transformation that changes nothing.
func matrix() []byte { return u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }

// movieBox returns the header of a video with the sizes of its frames. Times are in frames.
func movieBox(size image.Point, sizes []uint32, perSecond, offset uint32) []byte {
	count := uint32(len(sizes))
	w, h := uint32(size.X), uint32(size.Y)
	return box("moov",
		box("mvhd", u32(0, 0, 0, perSecond, count, 0x10000), u16(0x100), make([]byte, 10), matrix(), make([]byte, 24), u32(2)),
		box("trak",
			box("tkhd", u32(3, 0, 0, 1, 0, count), make([]byte, 8), u16(0, 0, 0, 0), matrix(), u32(w<<16, h<<16)),
			box("mdia",
				box("mdhd", u32(0, 0, 0, perSecond, count), u16(0x55c4, 0)), // no language
				box("hdlr", u32(0, 0), []byte("vide"), make([]byte, 12), []byte("video\x00")),
				box("minf",
					box("vmhd", u32(1), u16(0, 0, 0, 0)),
					box("dinf", box("dref", u32(0, 1), box("url ", u32(1)))),
					sampleTable(size, sizes, offset),
				),
			),
		),
	)
}

// sampleTable returns the places of the frames, which follow each other.
func sampleTable(size image.Point, sizes []uint32, offset uint32) []byte {
	count := uint32(len(sizes))
	sequence, picture := parameterSets(size)
	config := append([]byte{1, sequence[1], sequence[2], sequence[3], 0xff, 0xe1}, u16(uint16(len(sequence)))...)
	config = append(append(config, sequence...), 1)
	config = append(append(config, u16(uint16(len(picture)))...), picture...)
	entry := box("avc1", make([]byte, 6), u16(1), make([]byte, 16), u16(uint16(size.X), uint16(size.Y)), u32(0x480000, 0x480000, 0),
		u16(1), make([]byte, 32), u16(0x18, 0xffff), box("avcC", config))
	return box("stbl",
		box("stsd", u32(0, 1), entry),
		box("stts", u32(0, 1, count, 1)),
		box("stss", u32(0, 1, 1)), // only the first frame is complete
		box("stsc", u32(0, 1, 1, count, 1)),
		box("stsz", u32(0, 0, count), u32(sizes...)),
		box("stco", u32(0, 1, offset)),
	)
}
