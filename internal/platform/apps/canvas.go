package apps

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// A canvas is an image to draw on. Lengths are in pixels, angles in radians, clockwise from the right. Functions of the
// standard library receive the RGBA instead of the canvas, because they are several times slower for other types.
type canvas struct {
	*image.RGBA
	w, h float64
}

func newCanvas(size image.Point) canvas {
	return canvas{image.NewRGBA(image.Rectangle{Max: size}), float64(size.X), float64(size.Y)}
}

// A point is a position on a canvas.
type point struct{ x, y float64 }

// gradient fills the canvas with a linear gradient in the direction of an angle.
func (c canvas) gradient(angle float64, stops ...color.RGBA) {
	dx, dy := math.Cos(angle), math.Sin(angle)
	reach := math.Abs(dx)*c.w + math.Abs(dy)*c.h
	c.shade(stops, func(x, y float64) float64 { return ((x-c.w/2)*dx+(y-c.h/2)*dy)/reach + 0.5 })
}

// radial fills the canvas with a radial gradient around a centre.
func (c canvas) radial(at point, radius float64, stops ...color.RGBA) {
	c.shade(stops, func(x, y float64) float64 { return math.Sqrt((x-at.x)*(x-at.x)+(y-at.y)*(y-at.y)) / radius })
}

// shade colours each pixel by its position between the stops. It dithers the last bit, because a gradient with eight bits
// has visible bands.
func (c canvas) shade(stops []color.RGBA, position func(x, y float64) float64) {
	const steps = 2048
	var table [steps][3]float64
	for i := range table {
		r, g, b := between(stops, float64(i)/(steps-1)).linear()
		table[i] = [3]float64{srgb255(r), srgb255(g), srgb255(b)}
	}
	for y := range c.Rect.Max.Y {
		row := c.Pix[y*c.Stride:]
		for x := range c.Rect.Max.X {
			t := min(max(position(float64(x), float64(y)), 0), 1)
			v := &table[int(t*(steps-1))]
			n := noise(x, y)
			row[4*x] = uint8(v[0] + n)
			row[4*x+1] = uint8(v[1] + n)
			row[4*x+2] = uint8(v[2] + n)
			row[4*x+3] = 255
		}
	}
}

func between(stops []color.RGBA, t float64) lab {
	last := len(stops) - 1
	i := min(int(t*float64(last)), max(last-1, 0))
	return labOf(stops[i]).mix(labOf(stops[min(i+1, last)]), t*float64(last)-float64(i))
}

// srgb255 is encodeSRGB before rounding, kept below 255 so that adding noise cannot overflow.
func srgb255(v float64) float64 {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return 255 * min(max(v, 0), 0.9999)
}

// noise returns a pseudo-random number from 0 to 1 for a position.
func noise(x, y int) float64 {
	h := uint32(x)*0x9E3779B1 ^ uint32(y)*0x85EBCA77
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	h ^= h >> 15
	return float64(h>>8) / (1 << 24)
}

// grain adds a paper-like noise. strength is the largest change of a channel.
func (c canvas) grain(strength float64) {
	for y := range c.Rect.Max.Y {
		for x := range c.Rect.Max.X {
			// Paper fibres are wider than high.
			n := (noise(x/2, y) + noise(x/3+7919, y/2) - 1) * strength
			px := c.Pix[y*c.Stride+4*x:]
			for i := range 3 {
				px[i] = uint8(min(max(float64(px[i])+n, 0), 255))
			}
		}
	}
}

// An outline draws a shape into a rasterizer.
type outline func(z *vector.Rasterizer)

// fill paints the inside of the shapes.
func (c canvas) fill(col color.Color, shapes ...outline) {
	c.mask(func(z *vector.Rasterizer) { z.Draw(c.RGBA, c.Rect, image.NewUniform(col), image.Point{}) }, shapes)
}

// stencil returns the coverage of the shapes.
func (c canvas) stencil(shapes ...outline) *image.Alpha {
	a := image.NewAlpha(c.Rect)
	c.mask(func(z *vector.Rasterizer) { z.Draw(a, a.Rect, image.Opaque, image.Point{}) }, shapes)
	return a
}

func (c canvas) mask(drawTo func(*vector.Rasterizer), shapes []outline) {
	z := vector.NewRasterizer(c.Rect.Max.X, c.Rect.Max.Y)
	for _, p := range shapes {
		p(z)
	}
	drawTo(z)
}

// paint fills the area of a mask with a colour.
func (c canvas) paint(col color.Color, mask *image.Alpha, offset image.Point) {
	draw.DrawMask(c.RGBA, c.Rect, image.NewUniform(col), image.Point{}, mask, offset.Mul(-1), draw.Over)
}

func polygon(points ...point) outline {
	return func(z *vector.Rasterizer) {
		z.MoveTo(float32(points[0].x), float32(points[0].y))
		for _, p := range points[1:] {
			z.LineTo(float32(p.x), float32(p.y))
		}
		z.ClosePath()
	}
}

func rectangle(x0, y0, x1, y1 float64) outline {
	return polygon(point{x0, y0}, point{x1, y0}, point{x1, y1}, point{x0, y1})
}

// wedge returns a sector of a disc.
func wedge(at point, radius, from, to float64) outline {
	points := []point{at}
	n := int(math.Ceil(math.Abs(to-from)/(2*math.Pi)*max(24, radius/2))) + 1
	for i := range n + 1 {
		a := from + (to-from)*float64(i)/float64(n)
		points = append(points, point{at.x + radius*math.Cos(a), at.y + radius*math.Sin(a)})
	}
	return polygon(points...)
}

func disc(at point, radius float64) outline {
	return polygon(circlePoints(at, radius, false)...)
}

// ring returns a disc with a hole: an inner outline in the opposite direction.
func ring(at point, outer, inner float64) outline {
	return func(z *vector.Rasterizer) {
		polygon(circlePoints(at, outer, false)...)(z)
		polygon(circlePoints(at, inner, true)...)(z)
	}
}

func circlePoints(at point, radius float64, reverse bool) []point {
	n := int(max(24, radius))
	points := make([]point, n)
	for i := range points {
		a := 2 * math.Pi * float64(i) / float64(n)
		if reverse {
			a = -a
		}
		points[i] = point{at.x + radius*math.Cos(a), at.y + radius*math.Sin(a)}
	}
	return points
}

// frame returns the outline of a rectangle.
func frame(x0, y0, x1, y1, thickness float64) outline {
	return func(z *vector.Rasterizer) {
		rectangle(x0, y0, x1, y1)(z)
		polygon(point{x0 + thickness, y0 + thickness}, point{x0 + thickness, y1 - thickness},
			point{x1 - thickness, y1 - thickness}, point{x1 - thickness, y0 + thickness})(z)
	}
}

// rounded returns a rectangle with round corners.
func rounded(x0, y0, x1, y1, radius float64) outline {
	var points []point
	corner := func(at point, from float64) {
		for i := range 17 {
			a := from + math.Pi/2*float64(i)/16
			points = append(points, point{at.x + radius*math.Cos(a), at.y + radius*math.Sin(a)})
		}
	}
	corner(point{x1 - radius, y1 - radius}, 0)
	corner(point{x0 + radius, y1 - radius}, math.Pi/2)
	corner(point{x0 + radius, y0 + radius}, math.Pi)
	corner(point{x1 - radius, y0 + radius}, 3*math.Pi/2)
	return polygon(points...)
}

// line returns a straight stroke.
func line(from, to point, thickness float64) outline {
	length := math.Hypot(to.x-from.x, to.y-from.y)
	nx, ny := -(to.y-from.y)/length*thickness/2, (to.x-from.x)/length*thickness/2
	return polygon(point{from.x + nx, from.y + ny}, point{to.x + nx, to.y + ny},
		point{to.x - nx, to.y - ny}, point{from.x - nx, from.y - ny})
}

// blurred returns a blurred copy of a mask. Three box blurs approximate a Gaussian blur.
func blurred(mask *image.Alpha, radius int) *image.Alpha {
	w, h := mask.Rect.Dx(), mask.Rect.Dy()
	out := image.NewAlpha(mask.Rect)
	copy(out.Pix, mask.Pix)
	line := make([]uint8, max(w, h))
	for range 3 {
		for y := range h {
			boxBlur(out.Pix[y*out.Stride:], 1, line[:w], radius)
		}
		for x := range w {
			boxBlur(out.Pix[x:], out.Stride, line[:h], radius)
		}
	}
	return out
}

// boxBlur replaces len(old) values at a distance of step by the mean of their neighbours. old is a buffer.
func boxBlur(values []uint8, step int, old []uint8, radius int) {
	n := len(old)
	for i := range n {
		old[i] = values[i*step]
	}
	sum := 0
	for i := range min(radius, n) {
		sum += int(old[i])
	}
	for i := range n {
		if i+radius < n {
			sum += int(old[i+radius])
		}
		if i-radius-1 >= 0 {
			sum -= int(old[i-radius-1])
		}
		values[i*step] = uint8(sum / (2*radius + 1))
	}
}

func encodePNG(img *image.RGBA) ([]byte, error) {
	var buf bytes.Buffer
	// The best compression takes five times as long and saves a tenth.
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	err := enc.Encode(&buf, img)
	return buf.Bytes(), err
}
