package apps_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// A run is a job whose results are kept.
type run struct {
	progress []float64
	slept    time.Duration
	results  map[int]apps.Result
	err      error
}

// make runs an app with its defaults, some inputs, the wanted outputs (nil: all), and files behind addresses.
func makeIt(t *testing.T, slug string, inputs apps.Inputs, wanted []int, files map[string][]byte) run {
	t.Helper()
	app, ok := apps.Find(slug)
	if !ok {
		t.Fatalf("no app %q", slug)
	}
	all := apps.Inputs{}
	for _, p := range app.Parameters {
		var standard string
		if p.Default != nil {
			if err := json.Unmarshal(p.Default, &standard); err != nil {
				t.Fatal(err)
			}
			all[p.Key] = []string{standard}
		}
	}
	for k, v := range inputs {
		all[k] = v
	}
	r := run{results: map[int]apps.Result{}}
	r.err = app.Make(t.Context(), apps.Job{
		Inputs:   all,
		Wants:    func(i int) bool { return wanted == nil || slices.Contains(wanted, i) },
		Fetch:    func(_ context.Context, address string) ([]byte, error) { return files[address], nil },
		Progress: func(ctx context.Context, done float64) error { r.progress = append(r.progress, done); return ctx.Err() },
		Sleep:    func(_ context.Context, d time.Duration) error { r.slept += d; return nil },
		Deliver:  func(i int, res apps.Result) error { r.results[i] = res; return nil },
	})
	return r
}

func encode(t *testing.T, img image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// stripes is a picture of vertical stripes, each as wide as its share of 100.
func stripes(shares []int, colors ...color.Color) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 400, 200))
	x := 0
	for i, s := range shares {
		draw.Draw(img, image.Rect(x*4, 0, (x+s)*4, 200), image.NewUniform(colors[i]), image.Point{}, draw.Src)
		x += s
	}
	return img
}

var (
	red   = color.RGBA{255, 0, 0, 255}
	green = color.RGBA{0, 160, 0, 255}
	blue  = color.RGBA{0, 0, 255, 255}
)

func isRefusal(err error) bool { var e *apps.Error; return errors.As(err, &e) }

func TestDeclarations(t *testing.T) {
	t.Parallel()
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, a := range apps.All() {
		if !uuid.MatchString(a.ID) || seen[a.ID] || seen[a.Slug] {
			t.Errorf("%s: id %q is no v4 UUID of its own", a.Slug, a.ID)
		}
		seen[a.ID], seen[a.Slug] = true, true
		if byID, ok := apps.Find(strings.ToUpper(a.ID)); !ok || byID.Slug != a.Slug {
			t.Errorf("%s is not found by its id", a.Slug)
		}
		if bySlug, ok := apps.Find(strings.ToUpper(a.Slug)); !ok || bySlug.ID != a.ID {
			t.Errorf("%s is not found by its slug", a.Slug)
		}
		steps := map[string]bool{}
		for _, s := range a.Steps {
			for _, before := range s.After {
				if !steps[before] {
					t.Errorf("%s: step %s comes after %s, which is not before it", a.Slug, s.ID, before)
				}
			}
			steps[s.ID] = true
			if s.For != apps.Shared && (s.For < 0 || s.For >= len(a.Outputs)) {
				t.Errorf("%s: step %s is for output %d", a.Slug, s.ID, s.For)
			}
		}
		for _, p := range a.Parameters {
			if p.Required == (p.Default != nil) {
				t.Errorf("%s: %s must be either required or have a default", a.Slug, p.Key)
			}
			var standard string
			if p.Type == "options" && (json.Unmarshal(p.Default, &standard) != nil || !slices.Contains(p.Options, standard)) {
				t.Errorf("%s: the default of %s is not among its options", a.Slug, p.Key)
			}
		}
	}
	if _, ok := apps.Find("nothing"); ok {
		t.Error("found an app that does not exist")
	}
}

func TestPosterShapesAndStyles(t *testing.T) {
	t.Parallel()
	sizes := map[string]image.Point{"1:1": {1080, 1080}, "4:5": {1080, 1350}, "16:9": {1600, 900}, "9:16": {1080, 1920}}
	styles := []string{"Bold", "Elegant", "Neon", "Paper"}
	i := 0
	for shape, size := range sizes {
		style := styles[i%len(styles)]
		i++
		t.Run(shape+" "+style, func(t *testing.T) {
			t.Parallel()
			in := apps.Inputs{"text": {"Grüße, мир\nκόσμε"}, "aspect_ratio": {shape}, "style": {style}, "subtitle": {"below"}}
			r := makeIt(t, "poster", in, nil, nil)
			if r.err != nil {
				t.Fatal(r.err)
			}
			res := r.results[0]
			img, err := png.Decode(bytes.NewReader(res.Bytes))
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds().Size() != size || res.Size != size || res.MimeType != "image/png" {
				t.Errorf("got %v, said %v %s, want %v", img.Bounds(), res.Size, res.MimeType, size)
			}
			if !strings.Contains(res.Description, style) || !strings.Contains(res.Description, "мир") {
				t.Errorf("description: %q", res.Description)
			}
			if len(r.progress) < 3 || !slices.IsSorted(r.progress) || r.progress[len(r.progress)-1] >= 1 {
				t.Errorf("progress: %v", r.progress)
			}
		})
	}
}

func TestPosterIsDeterministicAndDependsOnItsWords(t *testing.T) {
	t.Parallel()
	draw := func(text string) []byte {
		return makeIt(t, "poster", apps.Inputs{"text": {text}, "aspect_ratio": {"1:1"}}, nil, nil).results[0].Bytes
	}
	hello := draw("Hello")
	if !bytes.Equal(hello, draw("Hello")) {
		t.Error("the same words gave different posters")
	}
	if bytes.Equal(hello, draw("Hello!")) {
		t.Error("different words gave the same poster")
	}
}

func TestPosterWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		refused    bool
		note       string // in the description
	}{
		{"emoji are left out, and that is said", "Party 🎉 tonight", false, `no such symbol: "🎉"`},
		{"letters the font lacks", "日本", true, ""},
		{"Arabic", "مرحبا", true, ""},
		{"only an emoji", "🎉", true, ""},
		{"blank", " \n\t ", true, ""},
		{"combining accent", "Cafe\u0301", false, "Café"},
		{"control and bidi characters", "a\x00b\u202ec\x1b[31m", false, "abc[31m"},
		{"one endless word", strings.Repeat("Rindfleisch", 30), false, ""},
		{"as long as allowed", strings.Repeat("word ", 79) + "words", false, ""},
		{"too long", strings.Repeat("x", 401), true, ""},
		{"many line breaks", strings.Repeat("a\n", 150), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := makeIt(t, "poster", apps.Inputs{"text": {tt.text}, "aspect_ratio": {"16:9"}}, nil, nil)
			if tt.refused != isRefusal(r.err) || !tt.refused && r.err != nil {
				t.Fatalf("error: %v, want refused %t", r.err, tt.refused)
			}
			if d := r.results[0].Description; !strings.Contains(d, tt.note) {
				t.Errorf("description %q lacks %q", d, tt.note)
			}
		})
	}
}

func TestPaletteOfAKnownPicture(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"u": encode(t, stripes([]int{60, 30, 10}, red, blue, green))}
	r := makeIt(t, "palette", apps.Inputs{"image": {"u"}}, nil, files)
	if r.err != nil {
		t.Fatal(r.err)
	}
	want := "#FF0000  60.0 %\n#0000FF  30.0 %\n#00A000  10.0 %"
	if got := r.results[0].Text; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	swatch, err := png.Decode(bytes.NewReader(r.results[1].Bytes))
	if err != nil {
		t.Fatal(err)
	}
	edge := swatch.Bounds().Max.X - 10
	top, bottom := swatch.At(edge, 5), swatch.At(edge, swatch.Bounds().Max.Y-5)
	if color.RGBAModel.Convert(top) != red || color.RGBAModel.Convert(bottom) != green {
		t.Errorf("swatch runs from %v to %v", top, bottom)
	}
}

func TestPaletteCountsAndTransparency(t *testing.T) {
	t.Parallel()
	img := image.NewRGBA(image.Rect(0, 0, 256, 64))
	for x := range 256 {
		for y := range 64 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(255 - x), uint8(4 * y), 255})
		}
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	half := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	draw.Draw(half, image.Rect(0, 0, 20, 10), image.NewUniform(blue), image.Point{}, draw.Src)
	files := map[string][]byte{"many": encode(t, img), "clear": encode(t, clear), "half": encode(t, half)}
	for _, n := range []string{"3", "5", "8"} {
		r := makeIt(t, "palette", apps.Inputs{"image": {"many"}, "colors": {n}}, []int{0}, files)
		if lines := strings.Split(r.results[0].Text, "\n"); len(lines) != int(n[0]-'0') {
			t.Errorf("%s colours asked, got %q", n, lines)
		}
		if _, made := r.results[1]; made {
			t.Error("made the swatch, which was not asked for")
		}
	}
	if r := makeIt(t, "palette", apps.Inputs{"image": {"clear"}}, nil, files); !isRefusal(r.err) {
		t.Errorf("transparent picture: %v", r.err)
	}
	if r := makeIt(t, "palette", apps.Inputs{"image": {"half"}}, nil, files); r.results[0].Text != "#0000FF  100.0 %" {
		t.Errorf("half transparent: %q", r.results[0].Text)
	}
}

func TestProductShots(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"u": encode(t, stripes([]int{50, 50}, red, blue))}
	r := makeIt(t, "product-shots", apps.Inputs{"image": {"u"}, "background": {"White"}}, []int{0, 3}, files)
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.results) != 2 {
		t.Fatalf("made %d outputs, want 2", len(r.results))
	}
	for i, size := range map[int]image.Point{0: {1080, 1080}, 3: {1600, 900}} {
		img, err := jpeg.Decode(bytes.NewReader(r.results[i].Bytes))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Size() != size || r.results[i].Size != size {
			t.Errorf("output %d: %v, want %v", i, img.Bounds().Size(), size)
		}
		near(t, img, size.X/4, size.Y/2, red)
		near(t, img, size.X*3/4, size.Y/2, blue)
		near(t, img, 5, 5, color.RGBA{255, 255, 255, 255})
	}
}

func TestProductShotsOfExtremeShapes(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {4000, 1}, {1, 4000}} {
		for _, background := range []string{"Blur", "Color", "White"} {
			files := map[string][]byte{"u": encode(t, image.NewNRGBA(image.Rectangle{Max: size}))}
			r := makeIt(t, "product-shots", apps.Inputs{"image": {"u"}, "background": {background}}, []int{0}, files)
			if r.err != nil {
				t.Errorf("%v %s: %v", size, background, r.err)
			}
		}
	}
}

func near(t *testing.T, img image.Image, x, y int, want color.RGBA) {
	t.Helper()
	got := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
		if d > 12 || d < -12 {
			t.Errorf("at %d,%d: %v, want about %v", x, y, got, want)
			return
		}
	}
}

func TestSlideshow(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"a": encode(t, stripes([]int{100}, red)), "b": encode(t, stripes([]int{100}, blue))}
	r := makeIt(t, "slideshow", apps.Inputs{"images": {"a", "b", "a"}, "seconds": {"0.5"}, "size": {"Landscape"}}, nil, files)
	if r.err != nil {
		t.Fatal(r.err)
	}
	show, err := gif.DecodeAll(bytes.NewReader(r.results[0].Bytes))
	if err != nil {
		t.Fatal(err)
	}
	if len(show.Image) != 3 || show.Config.Width != 640 || show.Config.Height != 360 || show.Delay[1] != 50 {
		t.Errorf("%d slides, %v, delays %v", len(show.Image), show.Config, show.Delay)
	}
	near(t, show.Image[0], 320, 180, red)
	near(t, show.Image[1], 320, 180, blue)
	if r.results[0].DurationSeconds != 1.5 {
		t.Errorf("duration %v", r.results[0].DurationSeconds)
	}
	for _, images := range [][]string{{"a"}, slices.Repeat([]string{"a"}, 21)} {
		if r := makeIt(t, "slideshow", apps.Inputs{"images": images}, nil, files); !isRefusal(r.err) {
			t.Errorf("%d pictures: %v", len(images), r.err)
		}
	}
}

func TestCountdown(t *testing.T) {
	t.Parallel()
	r := makeIt(t, "countdown", apps.Inputs{"seconds": {"3"}}, nil, nil)
	if r.err != nil || r.slept != 3*time.Second || r.results[1].Text != "3\n2\n1\n0" || len(r.progress) != 3 {
		t.Errorf("%+v", r)
	}
	r = makeIt(t, "countdown", apps.Inputs{"seconds": {"3"}, "ending": {"Fail"}}, nil, nil)
	if _, kept := r.results[0]; !isRefusal(r.err) || !kept || len(r.results) != 1 {
		t.Errorf("failing: %v, results %v", r.err, r.results)
	}
	if r = makeIt(t, "countdown", apps.Inputs{"seconds": {"0"}}, nil, nil); r.err != nil || len(r.results) != 2 {
		t.Errorf("zero: %v, results %v", r.err, r.results)
	}
	for _, bad := range []string{"", "-1", "3601", "1.5", "ten", "99999999999999999999"} {
		if r := makeIt(t, "countdown", apps.Inputs{"seconds": {bad}}, nil, nil); !isRefusal(r.err) {
			t.Errorf("%q: %v", bad, r.err)
		}
	}
}

func TestBadPicturesAreRefused(t *testing.T) {
	t.Parallel()
	good := encode(t, stripes([]int{100}, red))
	for name, file := range map[string][]byte{
		"empty":      nil,
		"text":       []byte("<html>not a picture</html>"),
		"svg":        []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"cut off":    good[:len(good)/2],
		"a PNG bomb": pngClaiming(60_000, 60_000),
		"wide bomb":  pngClaiming(2_000_000_000, 2_000_000_000),
		"a GIF bomb": append([]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), 0x2c),
	} {
		for _, app := range []string{"palette", "product-shots"} {
			if r := makeIt(t, app, apps.Inputs{"image": {"u"}}, nil, map[string][]byte{"u": file}); !isRefusal(r.err) {
				t.Errorf("%s, %s: %v", app, name, r.err)
			}
		}
	}
}

// pngClaiming is the start of a PNG that says it has a size.
func pngClaiming(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(nil, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	chunk := append([]byte("IHDR"), header...)
	file := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(header)))
	return binary.BigEndian.AppendUint32(append(file, chunk...), crc32.ChecksumIEEE(chunk))
}

func TestPhotographsStandUpright(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, stripes([]int{50, 50}, red, blue), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	// Turned clockwise, what was left (red) is at the top.
	r := makeIt(t, "product-shots", apps.Inputs{"image": {"u"}, "background": {"White"}}, []int{0},
		map[string][]byte{"u": withOrientation(buf.Bytes(), 6)})
	img, err := jpeg.Decode(bytes.NewReader(r.results[0].Bytes))
	if err != nil {
		t.Fatal(err)
	}
	near(t, img, 540, 270, red)
	near(t, img, 540, 810, blue)
	near(t, img, 120, 540, color.RGBA{255, 255, 255, 255})
}

// withOrientation adds an Exif segment to a JPEG.
func withOrientation(file []byte, orientation byte) []byte {
	tiff := []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := []byte{0xFF, 0xD8, 0xFF, 0xE1, 0, byte(len(segment) + 2)}
	return slices.Concat(head, segment, file[2:])
}

func TestAppsStopWhenTold(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	for _, app := range apps.All() {
		err := app.Make(t.Context(), apps.Job{
			Inputs: apps.Inputs{"text": {"x"}, "image": {"u"}, "images": {"u", "u"}, "seconds": {"2"}, "colors": {"5"}},
			Wants:  apps.Everything,
			Fetch: func(context.Context, string) ([]byte, error) {
				return base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
			},
			Progress: func(context.Context, float64) error { return stop },
			Sleep:    func(context.Context, time.Duration) error { return nil },
			Deliver:  func(int, apps.Result) error { t.Errorf("%s delivered after it was stopped", app.Slug); return nil },
		})
		if !errors.Is(err, stop) {
			t.Errorf("%s: %v", app.Slug, err)
		}
	}
}
