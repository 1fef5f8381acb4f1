package models

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// generate resolves parameters in JSON and runs the model as an app.
func generate(t *testing.T, id, params string) (apps.Result, error) {
	t.Helper()
	m, ok := Find(id)
	if !ok {
		t.Fatalf("there is no model %s", id)
	}
	resolved, problems := m.Resolve(decode(t, params))
	if len(problems) > 0 {
		t.Fatalf("%s: got the problems %+v, want none", id, problems)
	}
	var result apps.Result
	err := m.App(resolved).Make(t.Context(), apps.Job{
		Wants:    apps.Everything,
		Fetch:    fetchData,
		Progress: func(ctx context.Context, _ float64) error { return ctx.Err() },
		Deliver: func(_ int, r apps.Result) error {
			result = r
			return nil
		},
	})
	return result, err
}

func fetchData(_ context.Context, address string) ([]byte, error) {
	_, data, _ := strings.Cut(address, ",")
	return base64.StdEncoding.DecodeString(data)
}

func decode(t *testing.T, params string) map[string]any {
	t.Helper()
	var given map[string]any
	if err := json.Unmarshal([]byte(params), &given); err != nil {
		t.Fatal(err)
	}
	return given
}

// samplePicture returns a data: URL of a small picture.
func samplePicture(t *testing.T) string {
	t.Helper()
	img := apps.Landscape{Size: image.Pt(320, 200), Hue: 30, Light: 0.8, Layers: 3, HasSun: true}.Draw()
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(file.Bytes())
}

func TestEveryModelMakesItsOutput(t *testing.T) {
	t.Parallel()
	calls := map[string]string{
		"hills-1":     `{"prompt": "a violet evening", "layers": 7}`,
		"mosaic-1":    `{"prompt": "teal", "shape": "circles", "imageUrls": ["` + samplePicture(t) + `"]}`,
		"lettering-1": `{"prompt": "Hello", "style": "Neon", "subtitle": "again"}`,
		"drift-1":     `{"prompt": "orange", "duration": "1"}`,
		"shots-1":     `{"startImageUrl": "` + samplePicture(t) + `", "shots": [{"move": "left", "duration": 1}, {"duration": 1}]}`,
	}
	for _, m := range All() {
		t.Run(m.ID, func(t *testing.T) {
			t.Parallel()
			first, err := generate(t, m.ID, calls[m.ID])
			if err != nil {
				t.Fatal(err)
			}
			second, err := generate(t, m.ID, calls[m.ID])
			if err != nil || !bytes.Equal(first.Bytes, second.Bytes) {
				t.Errorf("got two results for the same parameters (%v), want one", err)
			}
			if first.MimeType != m.MimeType || first.Size.X < 100 || first.Description == "" {
				t.Errorf("got %s of %v, described as %q, want %s", first.MimeType, first.Size, first.Description, m.MimeType)
			}
			if m.Modality == "video" {
				wantMovie(t, first)
				return
			}
			img, err := png.Decode(bytes.NewReader(first.Bytes))
			if err != nil || img.Bounds().Size() != first.Size {
				t.Errorf("got a picture of %v (%v), want %v", img, err, first.Size)
			}
		})
	}
}

// wantMovie checks that a result is a complete MP4 file whose frames are where its table says.
func wantMovie(t *testing.T, r apps.Result) {
	t.Helper()
	var kinds []string
	for rest := r.Bytes; len(rest) >= 8; {
		length := binary.BigEndian.Uint32(rest)
		kinds = append(kinds, string(rest[4:8]))
		if int(length) > len(rest) {
			t.Fatalf("the box %s has %d bytes, more than the %d that are left", rest[4:8], length, len(rest))
		}
		rest = rest[length:]
	}
	if !slices.Equal(kinds, []string{"ftyp", "moov", "mdat"}) {
		t.Errorf("got the boxes %v, want ftyp, moov, mdat", kinds)
	}
	offset := binary.BigEndian.Uint32(r.Bytes[bytes.Index(r.Bytes, []byte("stco"))+12:])
	sizes := r.Bytes[bytes.Index(r.Bytes, []byte("stsz"))+4:]
	count := binary.BigEndian.Uint32(sizes[8:])
	if want := uint32(r.DurationSeconds * perSecond); count != want || count == 0 {
		t.Fatalf("got %d frames, want %d", count, want)
	}
	for i := range count {
		size := binary.BigEndian.Uint32(sizes[12+4*i:])
		if got := binary.BigEndian.Uint32(r.Bytes[offset:]); got != size-4 {
			t.Fatalf("frame %d: got a unit of %d bytes, want %d", i, got, size-4)
		}
		offset += size
	}
	if int(offset) != len(r.Bytes) {
		t.Errorf("the frames end at %d, want the end of the file, %d", offset, len(r.Bytes))
	}
}

func TestResolveFindsEveryMistake(t *testing.T) {
	t.Parallel()
	tests := []struct {
		model, params string
		want          []string // field and error of each problem
	}{
		{"hills-1", `{}`, []string{"prompt required"}},
		{"hills-1", `{"prompt": " "}`, []string{"prompt required"}},
		{"hills-1", `{"prompt": "x", "light": null}`, nil},
		{
			"hills-1", `{"prompt": 3, "layers": 1.5, "light": 0.33, "sun": "yes", "aspectRatio": "5:4", "seed": -1, "hue": 3}`,
			[]string{"aspectRatio invalid_option", "hue unknown_parameter", "layers invalid_type", "light out_of_range", "prompt invalid_type", "seed out_of_range", "sun invalid_type"},
		},
		{"hills-1", `{"prompt": "` + strings.Repeat("ä", 2001) + `"}`, []string{"prompt too_long"}},
		{"mosaic-1", `{"prompt": "x", "imageUrls": ["a.png", "http://h/1.mp4", "http://h/2", "http://h/3", "http://h/4"]}`, []string{
			"imageUrls wrong_number_of_items", "imageUrls[0] invalid_type", "imageUrls[1] invalid_media",
		}},
		{"mosaic-1", `{"prompt": "x", "imageUrls": "http://h/1"}`, []string{"imageUrls invalid_type"}},
		{"shots-1", `{"prompt": "x", "shots": [{"move": "up"}, 3]}`, []string{
			"prompt unknown_parameter", "shots[0].move invalid_option", "shots[0].duration required", "shots[1] invalid_type", "startImageUrl required",
		}},
		{"drift-1", `{"prompt": "x", "duration": 2}`, []string{"duration invalid_option"}}, // its durations are texts
	}
	for _, test := range tests {
		m, _ := Find(test.model)
		_, problems := m.Resolve(decode(t, test.params))
		var got []string
		for _, p := range problems {
			got = append(got, p.Field+" "+p.Error)
			if p.Message == "" {
				t.Errorf("%s: got no message for %s", test.model, p.Field)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %.80s: got %q, want %q", test.model, test.params, got, test.want)
		}
	}
}

func TestResolveAddsDefaults(t *testing.T) {
	t.Parallel()
	m, _ := Find("hills-1")
	got, _ := m.Resolve(map[string]any{"prompt": "x", "sun": false})
	want := `{"aspectRatio":"1:1","layers":5,"light":0.6,"prompt":"x","seed":0,"sun":false}`
	if text := string(encode(got)); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestPromptAndSeedChangeTheResult(t *testing.T) {
	t.Parallel()
	results := map[string]string{}
	for _, params := range []string{`{"prompt": "red"}`, `{"prompt": "blue"}`, `{"prompt": "red", "seed": 1}`, `{"prompt": "red", "sun": false}`} {
		r, err := generate(t, "hills-1", params)
		if err != nil {
			t.Fatal(err)
		}
		if other, isKnown := results[string(r.Bytes)]; isKnown {
			t.Errorf("%s and %s: got the same picture", params, other)
		}
		results[string(r.Bytes)] = params
	}
}

func TestUnreadablePictureIsAFailureForTheUser(t *testing.T) {
	t.Parallel()
	_, err := generate(t, "shots-1", `{"startImageUrl": "data:text/plain;base64,aGk=", "shots": [{"duration": 1}]}`)
	var known *apps.Error
	if !errors.As(err, &known) {
		t.Errorf("got %v, want an error for the user", err)
	}
}

func FuzzUnit(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0, 0, 3, 7})
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := unit(0x65, payload)
		for _, code := range []string{"\x00\x00\x00", "\x00\x00\x01", "\x00\x00\x02"} {
			if bytes.Contains(got[1:], []byte(code)) {
				t.Errorf("%x: the unit %x holds the code %x", payload, got, code)
			}
		}
	})
}
