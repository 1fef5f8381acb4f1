package apps

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// A bin counts pixels of nearly the same colour, with the sum of each channel.
type bin struct {
	n, r, g, b int
}

func (b bin) mean() color.RGBA {
	return color.RGBA{uint8((b.r + b.n/2) / b.n), uint8((b.g + b.n/2) / b.n), uint8((b.b + b.n/2) / b.n), 255}
}

func (b bin) plus(o bin) bin { return bin{b.n + o.n, b.r + o.r, b.g + o.g, b.b + o.b} }

// histogram counts the colours of an image's pixels, or of an even sample of about most of them. It ignores pixels that are
// mostly transparent. The order of the bins is deterministic.
func histogram(img image.Image, most int) []bin {
	area := img.Bounds()
	step := 1
	for (area.Dx()/step)*(area.Dy()/step) > most {
		step++
	}
	bins := map[uint16]bin{}
	for y := area.Min.Y; y < area.Max.Y; y += step {
		for x := area.Min.X; x < area.Max.X; x += step {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if c.A < 128 {
				continue
			}
			key := uint16(c.R>>3)<<10 | uint16(c.G>>3)<<5 | uint16(c.B>>3)
			bins[key] = bins[key].plus(bin{1, int(c.R), int(c.G), int(c.B)})
		}
	}
	all := make([]bin, 0, len(bins))
	for _, b := range bins {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b bin) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.r, b.r), cmp.Compare(a.g, b.g), cmp.Compare(a.b, b.b))
	})
	return all
}

// clusters groups bins into at most k groups of similar colours (k-means in OKLab), largest first.
func clusters(bins []bin, k int) []bin {
	labs := make([]lab, len(bins))
	for i, b := range bins {
		labs[i] = labOf(b.mean())
	}
	centers := farApart(bins, labs, k)
	groups := make([]bin, len(centers))
	for range 12 {
		clear(groups)
		sums := make([]lab, len(centers))
		for i, b := range bins {
			g := nearest(centers, labs[i])
			groups[g] = groups[g].plus(b)
			n := float64(b.n)
			sums[g] = lab{sums[g].l + labs[i].l*n, sums[g].a + labs[i].a*n, sums[g].b + labs[i].b*n}
		}
		for g := range centers {
			if n := float64(groups[g].n); n > 0 {
				centers[g] = lab{sums[g].l / n, sums[g].a / n, sums[g].b / n}
			}
		}
	}
	groups = slices.DeleteFunc(groups, func(b bin) bool { return b.n == 0 })
	slices.SortStableFunc(groups, func(a, b bin) int { return cmp.Compare(b.n, a.n) })
	return groups
}

// farApart chooses up to k start colours: the most frequent one, then each time the colour with the largest product of
// pixels and distance to the chosen ones.
func farApart(bins []bin, labs []lab, k int) []lab {
	centers := []lab{labs[0]}
	gap := make([]float64, len(labs))
	for i, c := range labs {
		gap[i] = c.distance(labs[0])
	}
	for len(centers) < k {
		best, score := 0, 0.0
		for i := range labs {
			if s := gap[i] * float64(bins[i].n); s > score {
				best, score = i, s
			}
		}
		if score == 0 {
			break
		}
		centers = append(centers, labs[best])
		for i, c := range labs {
			gap[i] = min(gap[i], c.distance(labs[best]))
		}
	}
	return centers
}

func nearest(centers []lab, c lab) int {
	best := 0
	for i := range centers {
		if c.distance(centers[i]) < c.distance(centers[best]) {
			best = i
		}
	}
	return best
}

// reduce chooses at most k colours for an image by median cut.
func reduce(img image.Image, k int) color.Palette {
	bins := histogram(img, 60_000)
	if len(bins) == 0 {
		return color.Palette{color.RGBA{A: 255}}
	}
	boxes := [][]bin{bins}
	for len(boxes) < k {
		i, channel, spread := widest(boxes)
		if spread == 0 {
			break
		}
		low, high := cut(boxes[i], channel)
		boxes[i] = low
		boxes = append(boxes, high)
	}
	var p color.Palette
	for _, box := range boxes {
		var sum bin
		for _, b := range box {
			sum = sum.plus(b)
		}
		p = append(p, sum.mean())
	}
	return p
}

// A channel reads one channel of a colour.
type channel func(color.RGBA) int

var channels = [3]channel{
	func(c color.RGBA) int { return int(c.R) },
	func(c color.RGBA) int { return int(c.G) },
	func(c color.RGBA) int { return int(c.B) },
}

// widest returns the box and the channel with the largest product of pixels and spread.
func widest(boxes [][]bin) (box int, along channel, score int) {
	for i, bins := range boxes {
		if len(bins) < 2 {
			continue
		}
		n := 0
		for _, b := range bins {
			n += b.n
		}
		for _, ch := range channels {
			low, high := 255, 0
			for _, b := range bins {
				v := ch(b.mean())
				low, high = min(low, v), max(high, v)
			}
			// Without a bound on n, rare colours would get no box.
			if s := (high - low) * min(n, 4000); s > score {
				box, along, score = i, ch, s
			}
		}
	}
	return box, along, score
}

// cut divides a box of at least two bins at the median of its pixels.
func cut(bins []bin, along channel) (low, high []bin) {
	bins = slices.Clone(bins)
	slices.SortStableFunc(bins, func(a, b bin) int { return cmp.Compare(along(a.mean()), along(b.mean())) })
	total := 0
	for _, b := range bins {
		total += b.n
	}
	at, sum := 0, 0
	for at < len(bins)-1 && (at == 0 || sum < total/2) {
		sum += bins[at].n
		at++
	}
	return bins[:at], bins[at:]
}
