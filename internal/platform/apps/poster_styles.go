package apps

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/vector"
)

var white = color.RGBA{255, 255, 255, 255}

// posterPasses returns the drawing passes of a style, in order.
func posterPasses(style string, p posterSpec, c canvas) []func() error {
	short := min(c.w, c.h)
	switch style {
	case "Elegant":
		return elegantPasses(p, c, short)
	case "Neon":
		return neonPasses(p, c, short)
	case "Paper":
		return paperPasses(p, c, short)
	default:
		return boldPasses(p, c, short)
	}
}

// A block is a headline with a smaller line below it.
type block struct {
	head, sub setting
	gap       float64
}

// setBlock sets the texts of a poster in a box. The subtitle has up to a third of its height.
func setBlock(p posterSpec, head, sub typeface, width, height, largest, leading float64) (block, error) {
	var b block
	var err error
	if p.subtitle != "" {
		size := min(largest*0.26, width*0.052)
		b.sub, err = sub.fit(p.subtitle, width, height/3, size*0.6, size, 1.35)
		if err != nil {
			return b, err
		}
		b.gap = size * 1.25
	}
	b.head, err = head.fit(p.text, width, height-b.gap-b.subHeight(), largest*0.09, largest, leading)
	return b, err
}

func (b block) subHeight() float64 {
	if b.sub.face == nil {
		return 0
	}
	return b.sub.height()
}

func (b block) height() float64 { return b.head.height() + b.gap + b.subHeight() }

func (b block) write(c canvas, head, sub color.Color, x, top float64, a align) {
	c.write(b.head, head, x, top, a)
	if b.sub.face != nil {
		c.write(b.sub, sub, x, top+b.head.height()+b.gap, a)
	}
}

// typefaces parses the fonts of a headline and a subtitle.
func typefaces(head []byte, headTracking float64, sub []byte, subTracking float64) (h, s typeface, err error) {
	if h, err = newTypeface(head, headTracking); err != nil {
		return h, s, err
	}
	s, err = newTypeface(sub, subTracking)
	return h, s, err
}

// boldPasses draws a saturated background, large shapes at the top, and heavy white text at the bottom left.
func boldPasses(p posterSpec, c canvas, short float64) []func() error {
	// Chosen pairs: random pairs often have too little contrast.
	pairs := [][2]float64{{25, -40}, {350, -60}, {300, -45}, {268, 45}, {250, -50}, {205, 60}, {42, -50}, {168, 65}}
	pair := pairs[p.rand.IntN(len(pairs))]
	hue, turn := pair[0], pair[1]
	ground := []color.RGBA{oklch(0.56, 0.24, hue), oklch(0.42, 0.2, hue+turn)}
	return []func() error{
		func() error {
			c.gradient(math.Pi/3, ground...)
			return nil
		},
		func() error {
			boldShapes(p, c, short, hue, turn)
			return nil
		},
		func() error {
			head, sub, err := typefaces(gobold.TTF, -0.02, gomedium.TTF, 0)
			if err != nil {
				return err
			}
			margin := short * 0.085
			b, err := setBlock(p, head, sub, c.w-2*margin, c.h*0.6-margin, short*0.26, 1.0)
			if err != nil {
				return err
			}
			b.write(c, white, oklch(0.95, 0.04, hue+turn), margin, c.h-margin-b.height(), left)
			return nil
		},
	}
}

func boldShapes(p posterSpec, c canvas, short, hue, turn float64) {
	unit := short / 4
	bright := oklch(0.86, 0.19, hue+180)
	lighter, darker := oklch(0.66, 0.22, hue+turn/2), oklch(0.33, 0.15, hue+turn)
	if c.w > c.h*1.3 {
		unit = c.h / 4.6
	}
	big := point{c.w - unit*0.9, unit * 0.75}
	c.fill(alpha(lighter, 0.75), disc(big, unit*2.05))
	c.fill(alpha(darker, 0.55), ring(point{c.w * 0.1, c.h * 1.02}, unit*2.4, unit*1.75))
	switch p.rand.IntN(3) {
	case 0:
		c.fill(bright, disc(point{c.w - unit*1.75, unit * 1.05}, unit*0.62))
		c.fill(darker, wedge(point{c.w, 0}, unit*1.5, math.Pi/2, math.Pi))
	case 1:
		c.fill(bright, wedge(point{c.w - unit*1.1, unit * 1.1}, unit*0.95, math.Pi*0.75, math.Pi*1.75))
		c.fill(darker, wedge(point{c.w - unit*1.1, unit * 1.1}, unit*0.95, -math.Pi*0.25, math.Pi*0.75))
	default:
		c.fill(darker, ring(big, unit*1.45, unit*1.1))
		c.fill(bright, disc(big, unit*0.62))
	}
	stripes(c, white, short*0.085, short*0.085, unit*0.9, short*0.009)
}

// stripes draws four slanted strokes.
func stripes(c canvas, col color.RGBA, x, y, height, thickness float64) {
	var strokes []outline
	for i := range 4 {
		dx := float64(i) * thickness * 3.2
		strokes = append(strokes, line(point{x + dx + height*0.25, y}, point{x + dx, y + height*0.5}, thickness))
	}
	c.fill(alpha(col, 0.9), strokes...)
}

// elegantPasses draws a plain dark or light background, thin rays, a thin double frame, and spaced text in the middle.
func elegantPasses(p posterSpec, c canvas, short float64) []func() error {
	hue := []float64{155, 255, 20, 290, 85}[p.rand.IntN(5)]
	inner, outer := oklch(0.33, 0.055, hue), oklch(0.2, 0.04, hue)
	gold, ink := oklch(0.82, 0.1, 88), oklch(0.95, 0.025, 90)
	if p.rand.IntN(3) == 0 {
		inner, outer = oklch(0.975, 0.012, 90), oklch(0.92, 0.025, 85)
		gold, ink = oklch(0.6, 0.1, 78), oklch(0.28, 0.03, hue)
	}
	middle := point{c.w / 2, c.h / 2}
	margin := short * 0.055
	return []func() error{
		func() error {
			c.radial(middle, math.Hypot(c.w, c.h)/2, inner, outer)
			return nil
		},
		func() error {
			elegantOrnament(p, c, gold, middle, margin, short)
			return nil
		},
		func() error {
			head, sub, err := typefaces(goregular.TTF, 0.045, goitalic.TTF, 0.02)
			if err != nil {
				return err
			}
			b, err := setBlock(p, head, sub, c.w-5.6*margin, c.h-9*margin, short*0.16, 1.3)
			if err != nil {
				return err
			}
			if b.sub.face != nil {
				b.gap *= 2.4
			}
			top := middle.y - b.height()/2
			b.write(c, ink, gold, middle.x, top, center)
			y := top - short*0.07
			if b.sub.face != nil {
				y = top + b.head.height() + b.gap/2
			}
			divider(c, gold, point{middle.x, y}, short)
			return nil
		},
	}
}

func elegantOrnament(p posterSpec, c canvas, gold color.RGBA, middle point, margin, short float64) {
	var rays []outline
	count := 48 + 12*p.rand.IntN(4)
	from := []point{middle, {middle.x, c.h - margin}, {middle.x, margin}}[p.rand.IntN(3)]
	for i := range count {
		a := 2 * math.Pi * (float64(i) + 0.5) / float64(count)
		reach := math.Hypot(c.w, c.h)
		near := short * 0.12
		rays = append(rays, line(point{from.x + near*math.Cos(a), from.y + near*math.Sin(a)},
			point{from.x + reach*math.Cos(a), from.y + reach*math.Sin(a)}, short*0.0016))
	}
	c.fill(alpha(gold, 0.16), rays...)
	thin := short * 0.0028
	in := margin * 1.35
	solid := []outline{frame(margin, margin, c.w-margin, c.h-margin, thin)}
	c.fill(alpha(gold, 0.7), frame(in, in, c.w-in, c.h-in, thin*0.6))
	for _, corner := range []point{{in, in}, {c.w - in, in}, {in, c.h - in}, {c.w - in, c.h - in}} {
		x, y := math.Copysign(1, middle.x-corner.x), math.Copysign(1, middle.y-corner.y)
		at := point{corner.x + x*margin*0.7, corner.y + y*margin*0.7}
		solid = append(solid, diamond(at, margin*0.16), ring(at, margin*0.42, margin*0.42-thin*0.8))
	}
	c.fill(gold, solid...)
}

// divider draws a short line with a diamond in its middle.
func divider(c canvas, col color.RGBA, at point, short float64) {
	long, gap := short*0.12, short*0.022
	c.fill(col, diamond(at, short*0.008),
		line(point{at.x - long, at.y}, point{at.x - gap, at.y}, short*0.0022),
		line(point{at.x + gap, at.y}, point{at.x + long, at.y}, short*0.0022))
}

func diamond(at point, r float64) outline {
	return polygon(point{at.x, at.y - r}, point{at.x + r, at.y}, point{at.x, at.y + r}, point{at.x - r, at.y})
}

// neonPasses draws a dark background, a striped sun over a grid, and glowing text.
func neonPasses(p posterSpec, c canvas, short float64) []func() error {
	hue := []float64{345, 200, 305, 145, 35}[p.rand.IntN(5)]
	other := hue + []float64{-110, 95, 140}[p.rand.IntN(3)]
	glow, grid := oklch(0.72, 0.27, hue), oklch(0.74, 0.2, other)
	horizon := c.h * 0.76
	return []func() error{
		func() error {
			c.gradient(math.Pi/2, oklch(0.13, 0.05, 285), oklch(0.17, 0.08, 290), oklch(0.3, 0.15, other), oklch(0.1, 0.04, 285))
			stars(p, c, horizon)
			return nil
		},
		func() error {
			neonSun(c, point{c.w / 2, horizon}, min(short*0.34, c.h*0.26), glow, oklch(0.85, 0.16, other))
			neonGrid(c, horizon, grid, short)
			return nil
		},
		func() error {
			head, sub, err := typefaces(gobold.TTF, 0.01, gomedium.TTF, 0.05)
			if err != nil {
				return err
			}
			margin := short * 0.09
			b, err := setBlock(p, head, sub, c.w-2*margin, c.h*0.5, short*0.23, 1.08)
			if err != nil {
				return err
			}
			top := max(margin, c.h*0.3-b.height()/2)
			neonWrite(c, b.head, glow, c.w/2, top, short)
			if b.sub.face != nil {
				neonWrite(c, b.sub, grid, c.w/2, top+b.head.height()+b.gap, short*0.4)
			}
			return nil
		},
	}
}

func stars(p posterSpec, c canvas, below float64) {
	for range 90 {
		at := point{p.rand.Float64() * c.w, p.rand.Float64() * below}
		r := 0.6 + 1.4*p.rand.Float64()
		box := image.Rect(int(at.x-r), int(at.y-r), int(at.x+r)+1, int(at.y+r)+1).Intersect(c.Rect)
		tint := alpha(white, 0.25+0.5*p.rand.Float64())
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				over(c, x, y, tint)
			}
		}
	}
}

// over blends a translucent colour over a pixel.
func over(c canvas, x, y int, col color.RGBA) {
	px := c.Pix[c.PixOffset(x, y):]
	for i, v := range []uint8{col.R, col.G, col.B} {
		px[i] = uint8(int(v) + int(px[i])*(255-int(col.A))/255)
	}
}

// neonSun draws the upper half of a disc, cut by bars that widen towards the horizon.
func neonSun(c canvas, at point, radius float64, bottom, top color.RGBA) {
	mask := c.stencil(wedge(at, radius, math.Pi, 2*math.Pi))
	halo := blurred(mask, int(radius/5))
	c.paint(alpha(bottom, 0.55), halo, image.Point{})
	for i := range 6 {
		y := at.y - radius*0.08 - radius*0.115*float64(i)
		thickness := radius * (0.052 - 0.007*float64(i))
		for row := int(y - thickness); row < int(y); row++ {
			clear(mask.Pix[row*mask.Stride : (row+1)*mask.Stride])
		}
	}
	for y := int(at.y - radius); y < int(at.y); y++ {
		shade := labOf(top).mix(labOf(bottom), (float64(y)-at.y+radius)/radius).rgba()
		for x := max(0, int(at.x-radius)-1); x < min(int(c.w), int(at.x+radius)+1); x++ {
			if a := mask.Pix[mask.PixOffset(x, y)]; a > 0 {
				over(c, x, y, alpha(shade, float64(a)/255*0.62))
			}
		}
	}
}

// neonGrid draws a dark floor of lines towards a vanishing point.
func neonGrid(c canvas, horizon float64, col color.RGBA, short float64) {
	c.fill(oklch(0.12, 0.05, 285), rectangle(0, horizon, c.w, c.h))
	thin := short * 0.0022
	var lines []outline
	for i := -16; i <= 16; i++ {
		x := c.w / 2
		lines = append(lines, line(point{x + float64(i)*c.w*0.045, horizon}, point{x + float64(i)*c.w*0.24, c.h}, thin))
	}
	for i := range 9 {
		t := math.Pow(float64(i)/8.5, 2.1)
		y := horizon + (c.h-horizon)*t
		lines = append(lines, rectangle(0, y-thin/2, c.w, y+thin/2+thin*t))
	}
	mask := c.stencil(lines...)
	c.paint(alpha(col, 0.7), blurred(mask, int(short*0.007)), image.Point{})
	c.paint(alpha(col, 0.75), mask, image.Point{})
}

// neonWrite draws text as a light tube: a wide halo, a narrow halo, and a pale core.
func neonWrite(c canvas, s setting, glow color.RGBA, x, top, short float64) {
	mask := s.stencil(c.Rect, x, top, center)
	c.paint(alpha(oklch(0.1, 0.05, 285), 0.75), blurred(mask, int(short*0.016)), image.Point{})
	wide := blurred(mask, int(short*0.026))
	c.paint(glow, wide, image.Point{})
	c.paint(alpha(glow, 0.9), blurred(mask, int(short*0.006)), image.Point{})
	core := labOf(glow).mix(labOf(white), 0.86).rgba()
	c.paint(core, mask, image.Point{})
}

// paperPasses draws layers of cut paper, and dark text above them.
func paperPasses(p posterSpec, c canvas, short float64) []func() error {
	hue := p.rand.Float64() * 360
	turn := []float64{-60, 50, 110}[p.rand.IntN(3)]
	sky, ink := oklch(0.94, 0.035, hue+turn+30), oklch(0.27, 0.07, hue)
	return []func() error{
		func() error {
			c.gradient(math.Pi/2, oklch(0.965, 0.02, hue+turn+30), sky)
			return nil
		},
		func() error {
			at := point{c.w * (0.6 + 0.25*p.rand.Float64()), c.h * 0.6}
			paperSheet(c, oklch(0.8, 0.14, hue+turn), short, disc(at, short*0.2))
			const sheets = 5
			for i := range sheets {
				t := float64(i) / (sheets - 1)
				y := c.h * (0.655 + 0.072*float64(i))
				col := oklch(0.76-0.42*t, 0.1+0.03*t, hue+turn*(1-t))
				paperSheet(c, col, short, wave(p, c, y, short*(0.055-0.006*float64(i))))
			}
			return nil
		},
		func() error {
			c.grain(9)
			head, sub, err := typefaces(gobold.TTF, -0.015, gomedium.TTF, 0)
			if err != nil {
				return err
			}
			margin := short * 0.09
			b, err := setBlock(p, head, sub, c.w-2*margin, c.h*0.56-margin, short*0.22, 1.04)
			if err != nil {
				return err
			}
			b.write(c, ink, labOf(ink).mix(labOf(sky), 0.18).rgba(), margin, margin, left)
			return nil
		},
	}
}

// paperSheet draws a shape with a soft shadow.
func paperSheet(c canvas, col color.RGBA, short float64, shape outline) {
	mask := c.stencil(shape)
	c.paint(alpha(color.RGBA{20, 16, 30, 255}, 0.3), blurred(mask, int(short*0.011)), image.Pt(0, -int(short*0.006)))
	c.paint(col, mask, image.Point{})
}

// wave returns the area below a curve.
func wave(p posterSpec, c canvas, y, height float64) outline {
	a, b := p.rand.Float64()*2*math.Pi, p.rand.Float64()*2*math.Pi
	length := c.w * (0.55 + 0.5*p.rand.Float64())
	return func(z *vector.Rasterizer) {
		z.MoveTo(0, float32(c.h))
		for x := 0.0; x <= c.w+4; x += 4 {
			dy := math.Sin(x/length*2*math.Pi+a) + 0.45*math.Sin(x/length*4.1*math.Pi+b)
			z.LineTo(float32(x), float32(y-height*dy))
		}
		z.LineTo(float32(c.w), float32(c.h))
		z.ClosePath()
	}
}
