package apps

import (
	"context"
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/draw"

	"github.com/uselamina/lamina/internal/api"
)

// shotSizes are the outputs of Product Shots, in the order of their index.
var shotSizes = []struct {
	label string
	size  image.Point
}{
	{"Square", image.Pt(1080, 1080)},
	{"Portrait", image.Pt(1080, 1350)},
	{"Story", image.Pt(1080, 1920)},
	{"Banner", image.Pt(1600, 900)},
}

func productShots() App {
	a := App{
		ID:          "c3a85e14-6f27-4b91-b0d8-5e7a19c4f602",
		Slug:        "product-shots",
		Name:        "Product Shots",
		Description: "Frames one picture for every place it is shown: square, portrait, story and banner.",
		Icon:        "📦",
		Modality:    "image",
		Keywords: []string{
			"product", "shot", "photo", "picture", "image", "resize", "crop", "frame", "square", "portrait", "story", "banner",
			"social", "instagram", "shop", "sizes",
		},
		Capabilities: api.Capabilities{
			Produces:            []string{"image"},
			Strengths:           []string{"Nothing is cut off", "Only the sizes that you ask for"},
			BestFor:             []string{"Shops", "Posting one picture in several places"},
			Limitations:         []string{"Up to 40 megapixels and 32 MiB"},
			OutputFormats:       []string{"jpg"},
			GenerationStepCount: len(shotSizes),
			NodeTypes:           []string{"input", "background", "framing", "output"},
		},
		Parameters: parameters{
			imageInput("product-shots", "image", "Image", "The address of a picture."),
			optionsInput("product-shots", "background", "Background", "What fills the space around the picture.", "Blur",
				[]string{"Blur", "Color", "White"}),
		}.wire(),
		Steps: []Step{{ID: "image", Type: "input", Label: "Image", For: Shared}},
		Make:  makeProductShots,
	}
	for i, s := range shotSizes {
		frame, out := fmt.Sprintf("frame-%d", i), fmt.Sprintf("output-%d", i)
		a.Outputs = append(a.Outputs, Output{Label: s.label, Type: "image", MimeType: "image/jpeg"})
		a.Steps = append(a.Steps,
			Step{ID: frame, Type: "framing", Label: "Frame " + s.label, Credits: 2, For: i, After: []string{"image"}},
			Step{ID: out, Type: "output", Label: s.label, For: i, After: []string{frame}})
	}
	return a
}

func makeProductShots(ctx context.Context, job Job) error {
	if err := job.Progress(ctx, 0); err != nil {
		return err
	}
	img, err := job.load(ctx, job.Inputs.Text("image"))
	if err != nil {
		return err
	}
	img = shrunk(img, 2200)
	for i, s := range shotSizes {
		if err := job.Progress(ctx, 0.1+0.9*float64(i)/float64(len(shotSizes))); err != nil {
			return err
		}
		if !job.Wants(i) {
			continue
		}
		file, err := encodeJPEG(framed(img, s.size, job.Inputs.Text("background")).RGBA)
		if err != nil {
			return err
		}
		err = job.Deliver(i, Result{
			Bytes: file, MimeType: "image/jpeg", Size: s.size,
			Description: fmt.Sprintf("The picture framed as %s, %d x %d pixels", s.label, s.size.X, s.size.Y),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// framed draws a whole image in a size, with a soft shadow on a background.
func framed(img image.Image, size image.Point, background string) canvas {
	c := newCanvas(size)
	fillBackground(c, img, background)
	margin := min(size.X, size.Y) / 12
	box := contain(img.Bounds(), c.Rect.Inset(margin))
	radius := min(c.w, c.h) * 0.018
	shape := c.stencil(rounded(float64(box.Min.X), float64(box.Min.Y), float64(box.Max.X), float64(box.Max.Y),
		min(radius, float64(min(box.Dx(), box.Dy()))/2)))
	c.paint(color.RGBA{A: 105}, blurred(shape, margin/4), image.Pt(0, margin/5))
	scaledUp := image.NewRGBA(c.Rect)
	draw.Draw(scaledUp, box, image.White, image.Point{}, draw.Src) // background of transparent parts
	draw.CatmullRom.Scale(scaledUp, box, img, img.Bounds(), draw.Over, nil)
	draw.DrawMask(c.RGBA, c.Rect, scaledUp, image.Point{}, shape, image.Point{}, draw.Over)
	return c
}

func fillBackground(c canvas, img image.Image, kind string) {
	switch kind {
	case "White":
		draw.Draw(c.RGBA, c.Rect, image.White, image.Point{}, draw.Src)
	case "Color":
		main := color.RGBA{200, 200, 200, 255}
		if bins := histogram(img, 40_000); len(bins) > 0 {
			main = clusters(bins, 4)[0].mean()
		}
		l := labOf(main)
		c.radial(point{c.w / 2, c.h * 0.45}, max(c.w, c.h)*0.75, lab{0.94, l.a * 0.35, l.b * 0.35}.rgba(),
			lab{0.8, l.a * 0.6, l.b * 0.6}.rgba())
	default:
		// Enlarging a very small copy is a cheap blur.
		draw.Draw(c.RGBA, c.Rect, image.White, image.Point{}, draw.Src)
		small := shrunk(img, 120)
		tiny := scaled(small, cover(small.Bounds(), c.Rect.Max), image.Pt(max(6, c.Rect.Max.X/90), max(6, c.Rect.Max.Y/90)))
		draw.CatmullRom.Scale(c.RGBA, c.Rect, tiny, tiny.Rect, draw.Over, nil)
		c.fill(color.RGBA{A: 46}, rectangle(0, 0, c.w, c.h))
	}
}
