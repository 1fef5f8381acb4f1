// Recording runs lamina demo and writes what the README shows of it: a picture of the terminal, and the poster that the demo made.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	folder := flag.String("folder", "docs/demo", "write the pictures into this `FOLDER`")
	check := flag.Bool("check", false, "write nothing; fail if the pictures are stale")
	flag.Parse()
	files, err := record()
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(*folder, name)
		if !*check {
			err = os.WriteFile(path, content, 0o644) //nolint:gosec // the pictures are public
		} else if got, readErr := os.ReadFile(path); readErr != nil || !bytes.Equal(got, content) {
			err = fmt.Errorf("%s is stale; renew it with: go run ./internal/recording", path)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

// record runs the demo in an empty folder and returns the files of the README by name. Run it in the root of the repository.
func record() (map[string][]byte, error) {
	home, err := os.MkdirTemp("", "recording-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	program := filepath.Join(home, "lamina")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/lamina").CombinedOutput(); err != nil { //nolint:gosec // our own program
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	demo := exec.CommandContext(ctx, program, "demo", "--output", "text") //nolint:gosec // our own program
	demo.Dir = home
	demo.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "TZ=UTC", "CI=true", "NO_COLOR=1"}
	out, err := demo.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("lamina demo: %w\n%s", err, out)
	}
	pictures, err := filepath.Glob(filepath.Join(home, "lamina-demo", "*.png"))
	if err == nil && len(pictures) != 1 {
		err = fmt.Errorf("the demo made %d pictures, want 1", len(pictures))
	}
	if err != nil {
		return nil, err
	}
	poster, err := shrink(pictures[0])
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"terminal.svg": drawTerminal(steady(string(out), home)), "poster.png": poster}, nil
}

// What differs from one run of the demo to the next, and what the picture shows instead.
var changing = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:8799"},
	{regexp.MustCompile(`/oauth/authorize\?\S+`), "/oauth/authorize?…"},
	{regexp.MustCompile(`lamina-demo-\d+`), "lamina-demo-1"},
	{regexp.MustCompile(`poster-\d{6}`), "poster-120000"},
	{regexp.MustCompile(`(?m)^(run +)?[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(  completed| *$)`), "${1}1e7f3a52-9c4d-4b8a-a6f0-5d2b8c9e4f10${2}"},
	{regexp.MustCompile(`ended .*, took \S+`), "ended just now, took 3s"},
	{regexp.MustCompile(`expires( +)\d+ \w+ \d+`), "expires${1}31 December 2030"},
}

// progress matches the lines that a terminal replaces by the next one.
var progress = regexp.MustCompile(`(?m)^(running|queued|pending|saving) .*\n`)

// steady returns the lines of an output without what differs from run to run.
func steady(out, home string) []string {
	out = strings.ReplaceAll(progress.ReplaceAllString(out, ""), home, "~")
	for _, c := range changing {
		out = c.pattern.ReplaceAllString(out, c.shown)
	}
	return strings.Split("$ lamina demo\n"+strings.TrimSpace(out), "\n")
}

// shrink returns a picture at a quarter of its width and height, in few colors, as a small PNG file.
func shrink(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	full, err := png.Decode(file)
	if err != nil {
		return nil, err
	}
	const factor = 4
	size := full.Bounds().Size().Div(factor)
	small := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			small.Set(x, y, average(full, image.Rect(x*factor, y*factor, (x+1)*factor, (y+1)*factor)))
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}

// average returns the mean color of an area, in 64 steps for each primary color, so that the file becomes smaller.
func average(picture image.Image, area image.Rectangle) color.Color {
	var r, g, b uint32
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			red, green, blue, _ := picture.At(x, y).RGBA()
			r, g, b = r+red>>8, g+green>>8, b+blue>>8
		}
	}
	n := uint32(area.Dx() * area.Dy())
	return color.RGBA{R: uint8(r/n) &^ 3, G: uint8(g/n) &^ 3, B: uint8(b/n) &^ 3, A: 255}
}
