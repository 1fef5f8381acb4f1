package apps

import (
	"image/color"
	"math"
)

// A lab is a colour in OKLab (https://bottosson.github.io/posts/oklab/), where equal distances look equally far apart:
// lightness from 0 to 1, and two axes of colour.
type lab struct{ l, a, b float64 }

// oklch returns a colour by lightness (0 to 1), chroma (0 to about 0.35) and hue in degrees. It reduces the chroma of a
// colour outside sRGB and keeps its lightness and hue.
func oklch(l, chroma, hue float64) color.RGBA {
	rad := hue * math.Pi / 180
	for ; chroma > 0.004; chroma -= 0.004 {
		c := lab{l, chroma * math.Cos(rad), chroma * math.Sin(rad)}
		if r, g, b := c.linear(); shown(r) && shown(g) && shown(b) {
			return c.rgba()
		}
	}
	return lab{l: l}.rgba()
}

func shown(v float64) bool { return v >= -0.001 && v <= 1.001 }

// linear returns linear-light red, green and blue.
func (c lab) linear() (r, g, b float64) {
	l := cube(c.l + 0.3963377774*c.a + 0.2158037573*c.b)
	m := cube(c.l - 0.1055613458*c.a - 0.0638541728*c.b)
	s := cube(c.l - 0.0894841775*c.a - 1.2914855480*c.b)
	return 4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s
}

func (c lab) rgba() color.RGBA {
	r, g, b := c.linear()
	return color.RGBA{encodeSRGB(r), encodeSRGB(g), encodeSRGB(b), 255}
}

func labOf(c color.RGBA) lab {
	r, g, b := decodeSRGB(c.R), decodeSRGB(c.G), decodeSRGB(c.B)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return lab{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

// distance returns the square of the perceived distance of two colours.
func (c lab) distance(d lab) float64 {
	return (c.l-d.l)*(c.l-d.l) + (c.a-d.a)*(c.a-d.a) + (c.b-d.b)*(c.b-d.b)
}

// mix returns the colour at t (0 to 1) between c and d.
func (c lab) mix(d lab, t float64) lab {
	return lab{c.l + (d.l-c.l)*t, c.a + (d.a-c.a)*t, c.b + (d.b-c.b)*t}
}

// alpha returns a colour with an opacity from 0 to 1.
func alpha(c color.RGBA, opacity float64) color.RGBA {
	scale := func(v uint8) uint8 { return uint8(math.Round(float64(v) * opacity)) }
	return color.RGBA{scale(c.R), scale(c.G), scale(c.B), scale(255)}
}

func cube(v float64) float64 { return v * v * v }

func decodeSRGB(v uint8) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}

func encodeSRGB(v float64) uint8 {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(math.Round(255 * min(max(v, 0), 1)))
}
