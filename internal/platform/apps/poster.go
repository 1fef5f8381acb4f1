package apps

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"

	"github.com/uselamina/lamina/internal/api"
)

// The longest texts of a poster, in characters.
const (
	longestText     = 400
	longestSubtitle = 160
)

var (
	posterShapes = []string{"1:1", "4:5", "16:9", "9:16"}
	posterStyles = []string{"Bold", "Elegant", "Neon", "Paper"}
)

func poster() App {
	return App{
		ID:          "7b1f6c52-4a0e-4d8b-9a53-2f0c6d1e8a01",
		Slug:        "poster",
		Name:        "Poster",
		Description: "Sets your words as a poster: a headline, an optional line below it, four styles and four shapes.",
		Icon:        "🖼️",
		Modality:    "image",
		Keywords: []string{
			"poster", "banner", "text", "words", "headline", "quote", "typography", "announcement", "sale", "event", "flyer",
			"print", "social", "post", "story", "summer", "picture", "image",
		},
		Capabilities: api.Capabilities{
			Produces:            []string{"image"},
			Strengths:           []string{"Large, balanced type", "The same words always give the same poster"},
			BestFor:             []string{"Announcements", "Quotes", "Sale and event posters"},
			Limitations:         []string{"Latin, Greek and Cyrillic letters only", "Up to 400 characters"},
			OutputFormats:       []string{"png"},
			GenerationStepCount: 3,
			NodeTypes:           []string{"input", "background", "typesetting", "output"},
		},
		Parameters: parameters{
			textInput("poster", "text", "Text", "What the poster says. Line breaks are kept."),
			optionsInput("poster", "aspect_ratio", "Aspect ratio", "The shape of the poster.", "4:5", posterShapes),
			optionsInput("poster", "style", "Style", "How the poster looks.", "Bold", posterStyles),
			textInput("poster", "subtitle", "Subtitle", "A smaller line below the text.").withDefault(""),
		}.wire(),
		Outputs: []Output{{Label: "Poster", Type: "image", MimeType: "image/png"}},
		Steps: []Step{
			{ID: "words", Type: "input", Label: "Words", For: Shared},
			{ID: "background", Type: "background", Label: "Draw the background", Credits: 2, For: Shared, After: []string{"words"}},
			{ID: "typesetting", Type: "typesetting", Label: "Set the type", Credits: 3, For: Shared, After: []string{"words", "background"}},
			{ID: "poster", Type: "output", Label: "Poster", For: 0, After: []string{"typesetting"}},
		},
		Make: makePoster,
	}
}

// A posterSpec has the values for drawing a poster.
type posterSpec struct {
	text, subtitle string
	size           image.Point
	rand           *rand.Rand // seeded by the inputs
}

func makePoster(ctx context.Context, job Job) error {
	spec, dropped, err := readPoster(job.Inputs)
	if err != nil {
		return err
	}
	style := job.Inputs.Text("style")
	c := newCanvas(spec.size)
	passes := append(posterPasses(style, spec, c), func() error { return nil })
	for i, pass := range passes {
		if err := job.Progress(ctx, float64(i)/float64(len(passes))); err != nil {
			return err
		}
		if err := pass(); err != nil {
			return err
		}
	}
	file, err := encodePNG(c.RGBA)
	if err != nil {
		return err
	}
	return job.Deliver(0, Result{
		Bytes: file, MimeType: "image/png", Size: spec.size, Description: describePoster(style, spec, dropped),
	})
}

// readPoster validates the texts. It returns the symbols that it removed from them.
func readPoster(in Inputs) (posterSpec, []string, error) {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return posterSpec{}, nil, err
	}
	spec := posterSpec{size: posterSize(in.Text("aspect_ratio"))}
	text, dropped, err := drawable(f, in.Text("text"))
	if err != nil {
		return spec, nil, err
	}
	subtitle, alsoDropped, err := drawable(f, in.Text("subtitle"))
	if err != nil {
		return spec, nil, err
	}
	spec.text, spec.subtitle = text, strings.Join(strings.Fields(subtitle), " ")
	switch {
	case spec.text == "":
		return spec, nil, failf("The text holds nothing that can be drawn: give it a few words")
	case utf8.RuneCountInString(spec.text) > longestText:
		return spec, nil, failf("The text has %d characters; a poster takes %d", utf8.RuneCountInString(spec.text), longestText)
	case utf8.RuneCountInString(spec.subtitle) > longestSubtitle:
		return spec, nil, failf("The subtitle has %d characters; a poster takes %d",
			utf8.RuneCountInString(spec.subtitle), longestSubtitle)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{text, subtitle, in.Text("style"), in.Text("aspect_ratio")}, "\x00")))
	spec.rand = rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))
	return spec, distinct(append(dropped, alsoDropped...)), nil
}

func posterSize(shape string) image.Point {
	switch shape {
	case "1:1":
		return image.Pt(1080, 1080)
	case "16:9":
		return image.Pt(1600, 900)
	case "9:16":
		return image.Pt(1080, 1920)
	default:
		return image.Pt(1080, 1350)
	}
}

func describePoster(style string, spec posterSpec, dropped []string) string {
	d := fmt.Sprintf("A poster in the style %s that says: %s", style, strings.Join(strings.Fields(spec.text), " "))
	if spec.subtitle != "" {
		d += " / " + spec.subtitle
	}
	if len(dropped) > 0 {
		d += " (left out, because the font has no such symbol: " + quoted(dropped) + ")"
	}
	return d
}
