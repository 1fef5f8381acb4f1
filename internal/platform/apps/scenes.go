package apps

import (
	"context"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// A Landscape is a picture of hills below a sky. Equal values give the same picture.
type Landscape struct {
	Size   image.Point
	Hue    float64 // of the sky, in degrees
	Light  float64 // 0 is night, 1 is noon
	Layers int     // rows of hills
	HasSun bool
	Seed   uint64
	Time   float64 // from 0 to 1, the sun crosses the sky and the hills drift
}

// Draw draws the landscape.
func (l Landscape) Draw() *image.RGBA {
	c := newCanvas(l.Size)
	c.gradient(math.Pi/2, oklch(0.2+0.45*l.Light, 0.09, l.Hue), oklch(0.45+0.5*l.Light, 0.11, l.Hue+45))
	random := rand.New(rand.NewPCG(l.Seed, 1))
	short := min(c.w, c.h)
	if l.HasSun {
		at := point{c.w * (0.2 + 0.15*random.Float64() + 0.5*l.Time), c.h * (0.42 - 0.24*math.Sin(math.Pi*(0.2+0.6*l.Time)))}
		c.fill(alpha(oklch(0.9, 0.1, 85), 0.35), disc(at, short*0.15))
		c.fill(oklch(0.95, 0.09, 90), disc(at, short*0.1))
	}
	for i := range l.Layers {
		depth := float64(i+1) / float64(l.Layers)
		col := oklch((0.62-0.45*depth)*(0.45+0.55*l.Light), 0.05+0.05*depth, l.Hue-60*depth)
		c.fill(col, l.ridge(c, random, depth))
	}
	return c.RGBA
}

// ridge returns one row of hills. A near row has depth 1, and drifts further.
func (l Landscape) ridge(c canvas, random *rand.Rand, depth float64) outline {
	base, height := c.h*(0.45+0.42*depth), c.h*(0.05+0.07*random.Float64())
	long, short := 2+2*random.Float64(), 6+5*random.Float64()
	shift, drift := 2*math.Pi*random.Float64(), 1.2*l.Time*depth
	points := []point{{0, c.h}}
	const steps = 120
	for i := range steps + 1 {
		x := float64(i) / steps
		y := base - height*math.Sin(long*x+shift+drift) - 0.3*height*math.Sin(short*x+2*shift+drift)
		points = append(points, point{x * c.w, y})
	}
	return polygon(append(points, point{c.w, c.h})...)
}

// A Mosaic is a picture of tiles. Equal values give the same picture.
type Mosaic struct {
	Size   image.Point
	Tiles  int // in the shorter direction
	Shape  string
	Colors []color.RGBA
	Seed   uint64
}

// Draw draws the mosaic.
func (m Mosaic) Draw() *image.RGBA {
	c := newCanvas(m.Size)
	random := rand.New(rand.NewPCG(m.Seed, 2))
	pick := func() color.RGBA { return m.Colors[random.IntN(len(m.Colors))] }
	side := min(c.w, c.h) / float64(m.Tiles)
	for y := 0.0; y < c.h; y += side {
		for x := 0.0; x < c.w; x += side {
			c.tile(m.Shape, point{x, y}, side, random, pick)
		}
	}
	return c.RGBA
}

func (c canvas) tile(shape string, at point, side float64, random *rand.Rand, pick func() color.RGBA) {
	c.fill(pick(), rectangle(at.x, at.y, at.x+side+1, at.y+side+1))
	middle := point{at.x + side/2, at.y + side/2}
	switch shape {
	case "circles":
		c.fill(pick(), disc(middle, side*0.45))
		c.fill(pick(), disc(middle, side*(0.1+0.25*random.Float64())))
	case "triangles":
		corners := []point{at, {at.x + side, at.y}, {at.x + side, at.y + side}, {at.x, at.y + side}}
		first := random.IntN(4)
		c.fill(pick(), polygon(corners[first], corners[(first+1)%4], corners[(first+2)%4]))
	default: // arcs
		corner := point{at.x + side*float64(random.IntN(2)), at.y + side*float64(random.IntN(2))}
		from := math.Pi / 2 * float64(map[[2]bool]int{{true, true}: 0, {false, true}: 1, {false, false}: 2, {true, false}: 3}[[2]bool{corner.x == at.x, corner.y == at.y}])
		c.fill(pick(), wedge(corner, side, from, from+math.Pi/2))
		c.fill(pick(), wedge(corner, side*0.5, from, from+math.Pi/2))
	}
}

// Load fetches and decodes a picture.
func (j Job) Load(ctx context.Context, address string) (image.Image, error) {
	return j.load(ctx, address)
}

// Colors returns the main colours of a picture, at most the given number.
func Colors(img image.Image, most int) ([]color.RGBA, error) {
	tones, err := tonesOf(img, most)
	var colors []color.RGBA
	for _, t := range tones {
		colors = append(colors, t.color)
	}
	return colors, err
}

// Shades returns colours around a hue.
func Shades(hue float64) []color.RGBA {
	return []color.RGBA{
		oklch(0.25, 0.07, hue), oklch(0.45, 0.16, hue), oklch(0.65, 0.17, hue+25), oklch(0.8, 0.14, hue+60), oklch(0.94, 0.04, hue+90),
	}
}

// Crop returns a part of a picture at a size. zoom is 1 for the largest part with the shape of size, and 2 for half of it; x and y
// from 0 to 1 choose its place.
func Crop(img image.Image, size image.Point, zoom, x, y float64) *image.RGBA {
	whole := img.Bounds()
	part := cover(whole, size).Size()
	part = image.Pt(max(1, int(float64(part.X)/zoom)), max(1, int(float64(part.Y)/zoom)))
	corner := whole.Min.Add(image.Pt(int(x*float64(whole.Dx()-part.X)), int(y*float64(whole.Dy()-part.Y))))
	return scaled(img, image.Rectangle{Min: corner, Max: corner.Add(part)}, size)
}

// EncodePNG returns a picture as a PNG file.
func EncodePNG(img *image.RGBA) ([]byte, error) { return encodePNG(img) }
