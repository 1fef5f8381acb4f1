package models

import (
	"context"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"strconv"
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
)

func hills() Model {
	return Model{
		Model: api.Model{ID: "hills-1", DisplayName: "Hills 1", Modality: "image", ParamSchema: schema(
			prompt("A colour in it, such as violet, is the colour of the sky; without one, its letters choose the colour."),
			aspectRatio(),
			param("layers", "integer", "How many rows of hills there are.").between(2, 12).standard(5),
			param("light", "number", "From night to noon.").between(0, 1).inSteps(0.05).standard(0.6),
			param("sun", "boolean", "Whether there is a sun.").standard(true),
			seed(),
		)},
		Credits: 4, MimeType: "image/png",
		render: func(ctx context.Context, job apps.Job, p Params) (apps.Result, error) {
			size := pictureSize(p.text("aspectRatio"), 1024)
			return picture(ctx, job, size, "Hills: "+p.text("prompt"), func() (*image.RGBA, error) { return p.landscape(size, 0).Draw(), nil })
		},
	}
}

// landscape returns the landscape that the parameters describe, at a time from 0 to 1.
func (p Params) landscape(size image.Point, time float64) apps.Landscape {
	return apps.Landscape{
		Size: size, Hue: hueOf(p.text("prompt")), Light: p.number("light"), Layers: int(p.number("layers")),
		HasSun: p["sun"] != false, Seed: hash(p.text("prompt")) + uint64(p.number("seed")), Time: time,
	}
}

func mosaic() Model {
	return Model{
		Model: api.Model{ID: "mosaic-1", DisplayName: "Mosaic 1", Modality: "image", ParamSchema: schema(
			prompt("Names of colours choose the colours, unless imageUrls does."),
			aspectRatio(),
			param("tiles", "integer", "How many tiles the shorter side has.").between(2, 24).standard(6),
			param("shape", "enum", "What is on a tile.").oneOf("arcs", "circles", "triangles").standard("arcs"),
			param("imageUrls", "array<url>", "Pictures whose colours are used.").items(0, 4).accept("image"),
			seed(),
		)},
		Credits: 5, MimeType: "image/png",
		render: func(ctx context.Context, job apps.Job, p Params) (apps.Result, error) {
			m := apps.Mosaic{
				Size: pictureSize(p.text("aspectRatio"), 1024), Tiles: int(p.number("tiles")), Shape: p.text("shape"),
				Colors: apps.Shades(hueOf(p.text("prompt"))), Seed: hash(p.text("prompt")) + uint64(p.number("seed")),
			}
			colors, err := p.colors(ctx, job)
			if len(colors) > 0 {
				m.Colors = colors
			}
			if err != nil {
				return apps.Result{}, err
			}
			return picture(ctx, job, m.Size, "A mosaic: "+p.text("prompt"), func() (*image.RGBA, error) { return m.Draw(), nil })
		},
	}
}

// colors returns the main colours of the pictures in imageUrls.
func (p Params) colors(ctx context.Context, job apps.Job) ([]color.RGBA, error) {
	addresses, _ := p["imageUrls"].([]any)
	var all []color.RGBA
	for _, address := range addresses {
		img, err := job.Load(ctx, fmt.Sprint(address))
		if err != nil {
			return nil, err
		}
		colors, err := apps.Colors(img, 5)
		if err != nil {
			return nil, err
		}
		all = append(all, colors...)
	}
	return all, nil
}

func lettering() Model {
	poster, _ := apps.Find("poster")
	return Model{
		Model: api.Model{ID: "lettering-1", DisplayName: "Lettering 1", Modality: "image", ParamSchema: schema(
			prompt("The words to draw, at most 300 characters.").atMost(300),
			param("style", "enum", "How the words look.").oneOf("Bold", "Elegant", "Neon", "Paper").standard("Bold"),
			param("aspectRatio", "enum", "The shape of the picture.").oneOf("1:1", "4:5", "16:9", "9:16").standard("1:1"),
			param("subtitle", "string", "A smaller line below the words.").atMost(120).standard(""),
		)},
		Credits: 5, MimeType: "image/png",
		render: func(ctx context.Context, job apps.Job, p Params) (result apps.Result, err error) {
			job.Inputs = apps.Inputs{
				"text": {p.text("prompt")}, "style": {p.text("style")}, "aspect_ratio": {p.text("aspectRatio")}, "subtitle": {p.text("subtitle")},
			}
			job.Deliver = func(_ int, r apps.Result) error {
				result = r
				return nil
			}
			err = poster.Make(ctx, job)
			return result, err
		},
	}
}

func drift() Model {
	return Model{
		Model: api.Model{ID: "drift-1", DisplayName: "Drift 1", Modality: "video", ParamSchema: schema(
			prompt("As of Hills 1, which this model sets in motion."),
			param("aspectRatio", "enum", "The shape of the video.").oneOf("16:9", "9:16", "1:1").standard("16:9"),
			param("duration", "enum", "Seconds.").oneOf("1", "2", "4").standard("2"),
			param("layers", "integer", "How many rows of hills there are.").between(2, 8).standard(4),
			param("light", "number", "From night to noon.").between(0, 1).inSteps(0.05).standard(0.6),
			seed(),
		)},
		Credits: 20, MimeType: "video/mp4",
		render: func(ctx context.Context, job apps.Job, p Params) (apps.Result, error) {
			seconds, err := strconv.Atoi(p.text("duration"))
			if err != nil {
				return apps.Result{}, err
			}
			size := pictureSize(p.text("aspectRatio"), 216)
			return video(ctx, job, size, seconds, "Hills in motion: "+p.text("prompt"), func(time float64) *image.RGBA { return p.landscape(size, time).Draw() })
		},
	}
}

func shots() Model {
	return Model{
		Model: api.Model{ID: "shots-1", DisplayName: "Shots 1", Modality: "video", ParamSchema: schema(
			param("startImageUrl", "url", "The picture over which the camera moves.").required().accept("image"),
			param("shots", "array<object>", "The movements, one after the other.").required().items(1, 5).of(
				param("move", "enum", "Where the camera goes.").oneOf("in", "out", "left", "right").standard("in"),
				param("duration", "integer", "Seconds.").required().between(1, 3),
			),
			param("aspectRatio", "enum", "The shape of the video.").oneOf("16:9", "9:16", "1:1").standard("16:9"),
		)},
		Credits: 25, MimeType: "video/mp4",
		render: renderShots,
	}
}

func renderShots(ctx context.Context, job apps.Job, p Params) (apps.Result, error) {
	img, err := job.Load(ctx, p.text("startImageUrl"))
	if err != nil {
		return apps.Result{}, err
	}
	size := pictureSize(p.text("aspectRatio"), 216)
	list, _ := p["shots"].([]any)
	var plan []string // the move of each second
	for _, shot := range list {
		fields := Params(shot.(map[string]any))
		for range int(fields.number("duration")) {
			plan = append(plan, fields.text("move"))
		}
	}
	still := apps.Crop(img, size.Mul(2), 1, 0.5, 0.5)
	return video(ctx, job, size, len(plan), fmt.Sprintf("%d shots of a picture", len(list)), func(time float64) *image.RGBA {
		at := time * float64(len(plan))
		second := min(int(at), len(plan)-1)
		part := at - float64(second)
		switch plan[second] {
		case "out":
			return apps.Crop(still, size, 1.6-0.6*part, 0.5, 0.5)
		case "left":
			return apps.Crop(still, size, 1.5, 1-part, 0.5)
		case "right":
			return apps.Crop(still, size, 1.5, part, 0.5)
		}
		return apps.Crop(still, size, 1+0.6*part, 0.5, 0.5)
	})
}

func (p Params) text(name string) string {
	text, _ := p[name].(string)
	return text
}

func (p Params) number(name string) float64 {
	number, _ := p[name].(float64)
	return number
}

// pictureSize returns the size of a shape with a shorter side, in whole macroblocks of a video where that is a multiple of 8.
func pictureSize(shape string, short int) image.Point {
	w, h, _ := strings.Cut(shape, ":")
	x, _ := strconv.Atoi(w)
	y, _ := strconv.Atoi(h)
	if x >= y {
		return image.Pt(short*x/max(y, 1), short)
	}
	return image.Pt(short, short*y/x)
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// hues are the colours that a prompt may name, in degrees of OKLCH.
var hues = map[string]float64{
	"red": 28, "orange": 60, "gold": 85, "yellow": 100, "green": 145, "teal": 190, "turquoise": 190, "cyan": 205, "blue": 255,
	"indigo": 275, "violet": 300, "purple": 310, "magenta": 330, "pink": 350,
}

// hueOf returns the hue of the first colour that a prompt names, or one that its letters choose.
func hueOf(prompt string) float64 {
	for word := range strings.FieldsFuncSeq(strings.ToLower(prompt), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if hue, ok := hues[word]; ok {
			return hue
		}
	}
	return float64(hash(prompt) % 360)
}
