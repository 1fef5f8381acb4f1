package apps

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"strconv"

	"golang.org/x/image/draw"

	"github.com/uselamina/lamina/internal/api"
)

// The number of images in a slideshow.
const (
	fewestSlides = 2
	mostSlides   = 20
)

var slideshowSizes = []string{"Square", "Landscape", "Portrait"}

func slideshow() App {
	return App{
		ID:          "e4f0279a-8b3d-4c65-a2e9-13d7f58b6c04",
		Slug:        "slideshow",
		Name:        "Slideshow",
		Description: "Joins several pictures to one that moves: an animated GIF.",
		Icon:        "🎞️",
		Modality:    "image",
		Keywords: []string{
			"slideshow", "slide", "gif", "animation", "animated", "video", "motion", "carousel", "picture", "image", "photo",
		},
		Capabilities: api.Capabilities{
			Produces:            []string{"image"},
			Strengths:           []string{"Plays everywhere, without a player"},
			BestFor:             []string{"Carousels", "Before and after"},
			Limitations:         []string{"2 to 20 pictures", "256 colours in each slide"},
			OutputFormats:       []string{"gif"},
			GenerationStepCount: 2,
			NodeTypes:           []string{"input", "framing", "animation", "output"},
		},
		Parameters: parameters{
			imageInput("slideshow", "images", "Images", "The addresses of 2 to 20 pictures, in their order.").several(),
			optionsInput("slideshow", "seconds", "Seconds per slide", "How long each picture is shown.", "2",
				[]string{"0.5", "1", "2", "3", "5"}),
			optionsInput("slideshow", "size", "Size", "The shape of the slideshow.", "Square", slideshowSizes),
		}.wire(),
		Outputs: []Output{{Label: "Slideshow", Type: "image", MimeType: "image/gif"}},
		Steps: []Step{
			{ID: "images", Type: "input", Label: "Images", For: Shared},
			{ID: "framing", Type: "framing", Label: "Fit the pictures", Credits: 2, For: Shared, After: []string{"images"}},
			{ID: "animation", Type: "animation", Label: "Join the slides", Credits: 4, For: Shared, After: []string{"framing"}},
			{ID: "slideshow", Type: "output", Label: "Slideshow", For: 0, After: []string{"animation"}},
		},
		Make: makeSlideshow,
	}
}

func makeSlideshow(ctx context.Context, job Job) error {
	addresses := job.Inputs["images"]
	if len(addresses) < fewestSlides || len(addresses) > mostSlides {
		return failf("A slideshow takes %d to %d pictures, not %d", fewestSlides, mostSlides, len(addresses))
	}
	seconds, err := strconv.ParseFloat(job.Inputs.Text("seconds"), 64)
	if err != nil {
		return err
	}
	size := slideSize(job.Inputs.Text("size"))
	show := gif.GIF{Config: image.Config{Width: size.X, Height: size.Y}}
	for i, address := range addresses {
		if err := job.Progress(ctx, float64(i)/float64(len(addresses)+1)); err != nil {
			return err
		}
		img, err := job.load(ctx, address)
		if err != nil {
			return err
		}
		show.Image = append(show.Image, slide(img, size))
		show.Delay = append(show.Delay, int(seconds*100))
	}
	var file bytes.Buffer
	if err := gif.EncodeAll(&file, &show); err != nil {
		return err
	}
	return job.Deliver(0, Result{
		Bytes: file.Bytes(), MimeType: "image/gif", Size: size, DurationSeconds: seconds * float64(len(addresses)),
		Description: fmt.Sprintf("A slideshow of %d pictures", len(addresses)),
	})
}

func slideSize(name string) image.Point {
	switch name {
	case "Landscape":
		return image.Pt(640, 360)
	case "Portrait":
		return image.Pt(360, 640)
	default:
		return image.Pt(480, 480)
	}
}

// slide returns an image that fills a size, with its own palette of 256 colours.
func slide(img image.Image, size image.Point) *image.Paletted {
	img = shrunk(img, 4*max(size.X, size.Y))
	full := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(full, full.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(full, full.Rect, img, cover(img.Bounds(), size), draw.Over, nil)
	out := image.NewPaletted(full.Rect, reduce(full, 256))
	draw.FloydSteinberg.Draw(out, out.Rect, full, image.Point{})
	return out
}
