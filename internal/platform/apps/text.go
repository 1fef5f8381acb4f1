package apps

import (
	"image"
	"image/color"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// A typeface is a font with letter spacing, as a share of the size.
type typeface struct {
	font     *opentype.Font
	tracking float64
}

func newTypeface(ttf []byte, tracking float64) (typeface, error) {
	f, err := opentype.Parse(ttf)
	return typeface{f, tracking}, err
}

// A setting is a text in lines at a size.
type setting struct {
	face     font.Face
	tracking fixed.Int26_6
	size     float64
	leading  float64
	lines    []string
}

// fit sets a text as large as the box allows, between two sizes, in lines of similar length. It breaks words only if the
// text does not fit otherwise. At the smallest size it cuts the text and adds an ellipsis.
func (t typeface) fit(text string, width, height, smallest, largest, leading float64) (setting, error) {
	for size := largest; ; size *= 0.94 {
		last := size <= smallest
		size = max(size, smallest)
		face, err := opentype.NewFace(t.font, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return setting{}, err
		}
		s := setting{face: face, tracking: fixed.Int26_6(t.tracking * size * 64), size: size, leading: leading * size}
		mayBreak := size < 0.35*largest || last
		if ok := s.wrap(text, width, mayBreak); ok && s.height() <= height {
			s.balance(text, width, mayBreak)
			return s, nil
		}
		if last {
			keep := max(1, int((height-size)/s.leading)+1)
			if len(s.lines) > keep {
				s.lines = s.lines[:keep]
				s.lines[keep-1] = strings.TrimRight(s.lines[keep-1], " .,") + "…"
			}
			return s, nil
		}
	}
}

// height returns the height of the lines, from the top of the first capitals to the last baseline.
func (s setting) height() float64 {
	return s.capHeight() + float64(len(s.lines)-1)*s.leading
}

func (s setting) capHeight() float64 { return float64(s.face.Metrics().CapHeight) / 64 }

// wrap fills the lines. It returns false if a word is too wide.
func (s *setting) wrap(text string, width float64, mayBreak bool) bool {
	s.lines = nil
	for paragraph := range strings.SplitSeq(text, "\n") {
		var current string
		for _, word := range strings.Fields(paragraph) {
			pieces := []string{word}
			if s.measure(word) > width {
				if !mayBreak {
					return false
				}
				pieces = s.split(word, width)
			}
			for _, piece := range pieces {
				if joined := strings.TrimSpace(current + " " + piece); s.measure(joined) <= width {
					current = joined
					continue
				}
				if current != "" {
					s.lines = append(s.lines, current)
				}
				current = piece
			}
		}
		s.lines = append(s.lines, current)
	}
	return true
}

// split cuts a word into pieces of at most width and at least one letter.
func (s setting) split(word string, width float64) []string {
	var pieces []string
	var current string
	for _, r := range word {
		if current != "" && s.measure(current+string(r)) > width {
			pieces = append(pieces, current)
			current = ""
		}
		current += string(r)
	}
	return append(pieces, current)
}

// balance narrows the box while the number of lines stays equal, so that the last line is not a single short word.
func (s *setting) balance(text string, width float64, mayBreak bool) {
	best, count := s.lines, len(s.lines)
	low, high := 0.0, width
	for range 12 {
		mid := (low + high) / 2
		if s.wrap(text, mid, mayBreak) && len(s.lines) <= count && s.widest() <= mid {
			best, high = s.lines, mid
		} else {
			low = mid
		}
	}
	s.lines = best
}

func (s setting) widest() float64 {
	var w float64
	for _, l := range s.lines {
		w = max(w, s.measure(l))
	}
	return w
}

// measure returns the width of a line in pixels.
func (s setting) measure(text string) float64 {
	w := s.walk(text, func(rune, fixed.Int26_6) {})
	return float64(w) / 64
}

// walk calls visit with each letter and its position. It returns the width.
func (s setting) walk(text string, visit func(r rune, x fixed.Int26_6)) fixed.Int26_6 {
	var x fixed.Int26_6
	before := rune(-1)
	for _, r := range text {
		if before >= 0 {
			x += s.face.Kern(before, r) + s.tracking
		}
		visit(r, x)
		advance, _ := s.face.GlyphAdvance(r)
		x += advance
		before = r
	}
	return x
}

// An align is the alignment of lines in their box.
type align int

const (
	left align = iota
	center
)

// stencil returns the coverage of the text. top is the top of the first capitals, and x the position of the alignment.
func (s setting) stencil(r image.Rectangle, x, top float64, a align) *image.Alpha {
	mask := image.NewAlpha(r)
	drawer := font.Drawer{Dst: mask, Src: image.Opaque, Face: s.face}
	for i, l := range s.lines {
		lineX := x
		if a == center {
			lineX -= s.measure(l) / 2
		}
		y := top + s.capHeight() + float64(i)*s.leading
		s.walk(l, func(r rune, dx fixed.Int26_6) {
			drawer.Dot = fixed.Point26_6{X: fixed.Int26_6(lineX*64) + dx, Y: fixed.Int26_6(y * 64)}
			drawer.DrawString(string(r))
		})
	}
	return mask
}

// write draws the text in one colour.
func (c canvas) write(s setting, col color.Color, x, top float64, a align) {
	c.paint(col, s.stencil(c.Rect, x, top, a), image.Point{})
}

// drawable prepares a text for a font. It removes and returns symbols that the font does not have, such as emoji. Letters
// that the font does not have are an error, because removing them changes the text.
func drawable(f *opentype.Font, text string) (clean string, dropped []string, err error) {
	var buf sfnt.Buffer
	var letters []string
	clean = strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		if i, err := f.GlyphIndex(&buf, r); err == nil && i != 0 {
			return r
		}
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			letters = append(letters, string(r))
		} else {
			dropped = append(dropped, string(r))
		}
		return -1
	}, norm.NFC.String(strings.ReplaceAll(text, "\r\n", "\n")))
	if len(letters) > 0 {
		return "", nil, failf("This platform's font has no %s: it covers the Latin, Greek and Cyrillic alphabets", quoted(letters))
	}
	return strings.TrimSpace(clean), distinct(dropped), nil
}

func distinct(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// quoted returns some of the values for a message.
func quoted(values []string) string {
	values = distinct(values)
	more := ""
	if len(values) > 5 {
		values, more = values[:5], " and others"
	}
	var q []string
	for _, v := range values {
		q = append(q, strconv.Quote(v))
	}
	return strings.Join(q, ", ") + more
}
