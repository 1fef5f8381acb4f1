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
	"image/png"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// A run is a call of an app with its results.
type run struct {
	progress []float64
	slept    time.Duration
	results  map[int]apps.Result
	err      error
}

// makeIt runs an app with its defaults, some inputs, the wanted outputs (nil: all) and files by address.
func makeIt(t *testing.T, slug string, inputs apps.Inputs, wanted []int, files map[string][]byte) run {
	t.Helper()
	app, ok := apps.Find(slug)
	if !ok {
		t.Fatalf("Find(%q): got no app", slug)
	}
	all := apps.Inputs{}
	for _, p := range app.Parameters {
		var value string
		if p.Default != nil {
			if err := json.Unmarshal(p.Default, &value); err != nil {
				t.Fatal(err)
			}
			all[p.Key] = []string{value}
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

// stripes returns an image of vertical stripes. Their shares are in percent of the width.
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
			t.Errorf("%s: got the id %q, want an unused UUID of version 4", a.Slug, a.ID)
		}
		seen[a.ID], seen[a.Slug] = true, true
		if byID, ok := apps.Find(strings.ToUpper(a.ID)); !ok || byID.Slug != a.Slug {
			t.Errorf("Find(%q): got no %s", strings.ToUpper(a.ID), a.Slug)
		}
		if bySlug, ok := apps.Find(strings.ToUpper(a.Slug)); !ok || bySlug.ID != a.ID {
			t.Errorf("Find(%q): got no %s", strings.ToUpper(a.Slug), a.Slug)
		}
		steps := map[string]bool{}
		for _, s := range a.Steps {
			for _, before := range s.After {
				if !steps[before] {
					t.Errorf("%s: got step %s before %s, want it after", a.Slug, s.ID, before)
				}
			}
			steps[s.ID] = true
			if s.For != apps.Shared && (s.For < 0 || s.For >= len(a.Outputs)) {
				t.Errorf("%s: got step %s for output %d, want one of the outputs", a.Slug, s.ID, s.For)
			}
		}
		for _, p := range a.Parameters {
			if !p.Required {
				t.Errorf("%s: got the input %s not required, want each to be, as at the service", a.Slug, p.Key)
			}
			var value string
			if p.Type == "options" && (json.Unmarshal(p.Default, &value) != nil || !slices.Contains(p.Options, value)) {
				t.Errorf("%s: got a default of %s that is no option", a.Slug, p.Key)
			}
		}
	}
	if _, ok := apps.Find("nothing"); ok {
		t.Error("Find(nothing): got an app, want none")
	}
}

func near(t *testing.T, img image.Image, x, y int, want color.RGBA) {
	t.Helper()
	got := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
		if d > 12 || d < -12 {
			t.Errorf("at %d,%d: got %v, want about %v", x, y, got, want)
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
		t.Errorf("got %d slides, %v, delays %v; want 3 of 640 x 360 at 0.5 s", len(show.Image), show.Config, show.Delay)
	}
	near(t, show.Image[0], 320, 180, red)
	near(t, show.Image[1], 320, 180, blue)
	if r.results[0].DurationSeconds != 1.5 {
		t.Errorf("duration: got %v, want 1.5", r.results[0].DurationSeconds)
	}
	for _, images := range [][]string{{"a"}, slices.Repeat([]string{"a"}, 21)} {
		if r := makeIt(t, "slideshow", apps.Inputs{"images": images}, nil, files); !isRefusal(r.err) {
			t.Errorf("%d images: got %v, want a refusal", len(images), r.err)
		}
	}
}

func TestCountdown(t *testing.T) {
	t.Parallel()
	r := makeIt(t, "countdown", apps.Inputs{"seconds": {"3"}}, nil, nil)
	if r.err != nil || r.slept != 3*time.Second || r.results[1].Text != "3\n2\n1\n0" || len(r.progress) != 3 {
		t.Errorf("countdown of 3: got %+v, want 3 s and the log", r)
	}
	r = makeIt(t, "countdown", apps.Inputs{"seconds": {"3"}, "ending": {"Fail"}}, nil, nil)
	if _, kept := r.results[0]; !isRefusal(r.err) || !kept || len(r.results) != 1 {
		t.Errorf("failing countdown: got %v and results %v, want a refusal and one result", r.err, r.results)
	}
	if r = makeIt(t, "countdown", apps.Inputs{"seconds": {"0"}}, nil, nil); r.err != nil || len(r.results) != 2 {
		t.Errorf("countdown of 0: got %v and results %v, want two results", r.err, r.results)
	}
	for _, bad := range []string{"", "-1", "3601", "1.5", "ten", "99999999999999999999"} {
		if r := makeIt(t, "countdown", apps.Inputs{"seconds": {bad}}, nil, nil); !isRefusal(r.err) {
			t.Errorf("countdown of %q: got %v, want a refusal", bad, r.err)
		}
	}
}

func TestBadImagesAreRefused(t *testing.T) {
	t.Parallel()
	good := encode(t, stripes([]int{100}, red))
	for _, tt := range []struct {
		name string
		file []byte
	}{
		{"empty", nil},
		{"text", []byte("<html>not a picture</html>")},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		{"truncated", good[:len(good)/2]},
		{"large PNG", pngOfSize(60_000, 60_000)},
		{"wide PNG", pngOfSize(2_000_000_000, 2_000_000_000)},
		{"large GIF", append([]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), 0x2c)},
	} {
		for _, app := range []string{"palette", "product-shots"} {
			t.Run(app+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				if r := makeIt(t, app, apps.Inputs{"image": {"u"}}, nil, map[string][]byte{"u": tt.file}); !isRefusal(r.err) {
					t.Errorf("got %v, want a refusal", r.err)
				}
			})
		}
	}
}

// pngOfSize returns the header of a PNG with a size.
func pngOfSize(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(nil, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	chunk := append([]byte("IHDR"), header...)
	file := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(header)))
	return binary.BigEndian.AppendUint32(append(file, chunk...), crc32.ChecksumIEEE(chunk))
}

func TestAppsStop(t *testing.T) {
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
			Deliver: func(int, apps.Result) error {
				t.Errorf("%s: got a result after the stop, want none", app.Slug)
				return nil
			},
		})
		if len(app.Outputs) > 0 && !errors.Is(err, stop) { // an app without outputs has nothing to stop
			t.Errorf("%s: got %v, want %v", app.Slug, err, stop)
		}
	}
}
