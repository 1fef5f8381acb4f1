package apps

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"strconv"
	"strings"

	"golang.org/x/image/font/gofont/gomono"

	"github.com/uselamina/lamina/internal/api"
)

func palette() App {
	return App{
		ID:          "1d9e3b70-52c4-4f3a-8c17-90b6a4e2d503",
		Slug:        "palette",
		Name:        "Palette",
		Description: "Finds the main colours of a picture: as text with their shares, and as a swatch.",
		Icon:        "🎨",
		Modality:    "image",
		Keywords:    []string{"palette", "colour", "color", "hex", "swatch", "brand", "scheme", "picture", "image", "analyse"},
		Capabilities: api.Capabilities{
			Produces:            []string{"text", "image"},
			Strengths:           []string{"Groups colours as the eye sees them"},
			BestFor:             []string{"Brand colours", "Matching a design to a photograph"},
			Limitations:         []string{"Up to 40 megapixels"},
			OutputFormats:       []string{"txt", "png"},
			GenerationStepCount: 2,
			NodeTypes:           []string{"input", "analysis", "drawing", "output"},
		},
		Parameters: parameters{
			imageInput("palette", "image", "Image", "The address of a picture."),
			optionsInput("palette", "colors", "Colors", "How many colours to find, at most.", "5", []string{"3", "5", "8"}),
		}.wire(),
		Outputs: []Output{
			{Label: "Colors", Type: "text", MimeType: "text/plain"},
			{Label: "Swatch", Type: "image", MimeType: "image/png"},
		},
		Steps: []Step{
			{ID: "image", Type: "input", Label: "Image", For: Shared},
			{ID: "analysis", Type: "analysis", Label: "Group the colours", Credits: 1, For: Shared, After: []string{"image"}},
			{ID: "drawing", Type: "drawing", Label: "Draw the swatch", Credits: 1, For: 1, After: []string{"analysis"}},
			{ID: "colors", Type: "output", Label: "Colors", For: 0, After: []string{"analysis"}},
			{ID: "swatch", Type: "output", Label: "Swatch", For: 1, After: []string{"drawing"}},
		},
		Make: makePalette,
	}
}

// A tone is a colour of an image with its share from 0 to 1.
type tone struct {
	color color.RGBA
	share float64
}

func (t tone) String() string {
	return fmt.Sprintf("#%02X%02X%02X  %4.1f %%", t.color.R, t.color.G, t.color.B, t.share*100)
}

func makePalette(ctx context.Context, job Job) error {
	if err := job.Progress(ctx, 0); err != nil {
		return err
	}
	img, err := job.load(ctx, job.Inputs.Text("image"))
	if err != nil {
		return err
	}
	if err := job.Progress(ctx, 0.3); err != nil {
		return err
	}
	count, err := strconv.Atoi(job.Inputs.Text("colors"))
	if err != nil {
		return err
	}
	tones, err := tonesOf(img, count)
	if err != nil {
		return err
	}
	text := describeTones(tones)
	if job.Wants(0) {
		if err := job.Deliver(0, Result{Text: text, Description: "The main colours of the picture"}); err != nil {
			return err
		}
	}
	if err := job.Progress(ctx, 0.7); err != nil || !job.Wants(1) {
		return err
	}
	return deliverSwatch(job, tones)
}

// tonesOf returns the main colours of an image, most frequent first.
func tonesOf(img image.Image, count int) ([]tone, error) {
	bins := histogram(img, 250_000)
	if len(bins) == 0 {
		return nil, failf("The picture is transparent throughout: it has no colours")
	}
	groups := clusters(bins, count)
	total := 0
	for _, g := range groups {
		total += g.n
	}
	tones := make([]tone, len(groups))
	for i, g := range groups {
		tones[i] = tone{g.mean(), float64(g.n) / float64(total)}
	}
	return tones, nil
}

func describeTones(tones []tone) string {
	lines := make([]string, len(tones))
	for i, t := range tones {
		lines[i] = t.String()
	}
	return strings.Join(lines, "\n")
}

func deliverSwatch(job Job, tones []tone) error {
	img, err := drawSwatch(tones)
	if err != nil {
		return err
	}
	file, err := encodePNG(img.RGBA)
	if err != nil {
		return err
	}
	return job.Deliver(1, Result{
		Bytes: file, MimeType: "image/png", Size: img.Rect.Max,
		Description: "A swatch of the colours " + strings.ReplaceAll(describeTones(tones), "\n", ", "),
	})
}

// drawSwatch draws each colour as a row with its code. The height of a row is proportional to its share, with a minimum.
func drawSwatch(tones []tone) (canvas, error) {
	c := newCanvas(image.Pt(1200, 900))
	mono, err := newTypeface(gomono.TTF, 0)
	if err != nil {
		return c, err
	}
	least := 0.45 / float64(len(tones)) // space for the label of a rare colour
	y := 0.0
	for _, t := range tones {
		height := c.h * (least + t.share*(1-least*float64(len(tones))))
		c.fill(t.color, rectangle(0, y, c.w, y+height+1))
		label, err := mono.fit(t.String(), c.w, height, 20, min(40, height*0.5), 1)
		if err != nil {
			return c, err
		}
		c.write(label, inkOn(t.color), 60, y+height/2-label.height()/2, left)
		y += height
	}
	return c, nil
}

// inkOn returns a text colour with contrast to another colour.
func inkOn(ground color.RGBA) color.RGBA {
	if labOf(ground).l > 0.65 {
		return color.RGBA{20, 20, 20, 255}
	}
	return white
}
