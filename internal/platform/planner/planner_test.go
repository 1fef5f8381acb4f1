package planner

import (
	"fmt"
	"slices"
	"testing"

	"github.com/uselamina/lamina/internal/platform/apps"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	find := func(slug string) *apps.App { app, _ := apps.Find(slug); return &app }
	quote, _ := FindTemplate("tpl_quote_card")
	for _, tt := range []struct {
		name   string
		req    Request
		app    string
		inputs map[string]any
		asks   []string
		tied   int
	}{
		{"the rest of the brief is the text", Request{Brief: "Make me a neon poster for the summer sale"}, "Poster", map[string]any{"text": "summer sale", "style": "Neon"}, nil, 0},
		{"a quoted text", Request{Brief: `a 1:1 poster that says "Open on Sunday"`}, "Poster", map[string]any{"text": "Open on Sunday", "aspect_ratio": "1:1"}, nil, 0},
		{"nothing to say", Request{Brief: "a poster, please"}, "Poster", map[string]any{}, []string{"text"}, 0},
		{"the platform decides on the shape", Request{Brief: "a poster: sale", Platform: "TikTok"}, "Poster", map[string]any{"text": "sale", "aspect_ratio": "9:16"}, nil, 0},
		{"an address", Request{Brief: "the palette of https://example.com/a.png."}, "Palette", map[string]any{"image": "https://example.com/a.png"}, nil, 0},
		{"an address of the document", Request{Brief: "the palette", Document: map[string]any{"hero": "https://example.com/a.png"}}, "Palette", map[string]any{"image": "https://example.com/a.png"}, nil, 0},
		{"several addresses", Request{Brief: "a slideshow of https://a.example/1.png, https://a.example/2.png, 3 seconds each"}, "Slideshow",
			map[string]any{"images": []any{"https://a.example/1.png", "https://a.example/2.png"}, "seconds": "3"}, nil, 0},
		{"a number of something else", Request{Brief: "a slideshow of 3 pictures"}, "Slideshow", map[string]any{}, []string{"images"}, 0},
		{"outputs are asked for", Request{Brief: "product shots"}, "Product Shots", map[string]any{}, []string{"image", AskOutputs}, 0},
		{"given inputs win", Request{Brief: "a neon poster: sale", Inputs: map[string]any{"Style": "paper", "text": "Hi"}}, "Poster", map[string]any{"style": "Paper", "text": "Hi"}, nil, 0},
		{"a named app", Request{Brief: "Hello", App: find("poster")}, "Poster", map[string]any{"text": "Hello"}, nil, 0},
		{"a template", Request{Brief: "Hello", Template: &quote}, "Poster", map[string]any{"text": "Hello", "style": "Elegant", "aspect_ratio": "1:1"}, nil, 0},
		{"several fit", Request{Brief: "a picture"}, "", nil, nil, 4},
		{"none fits", Request{Brief: "a symphony"}, "", nil, nil, 0},
		{"none makes it", Request{Brief: "a poster", Modality: "audio"}, "", nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := Decide(tt.req)
			if tt.app == "" {
				if d.App != nil || len(d.Tied) != tt.tied || d.Reason == "" {
					t.Fatalf("got %+v, want no app, %d tied", d, tt.tied)
				}
				return
			}
			var asks []string
			for _, q := range d.Questions {
				asks = append(asks, q.Name)
			}
			if d.App == nil || d.App.Name != tt.app || d.Rationale == "" {
				t.Fatalf("got %+v, want the app %s", d, tt.app)
			}
			if fmt.Sprint(d.Inputs) != fmt.Sprint(tt.inputs) || !slices.Equal(asks, tt.asks) {
				t.Errorf("got %v and questions %q, want %v and %q", d.Inputs, asks, tt.inputs, tt.asks)
			}
			if len(d.Sources) != len(d.Inputs) {
				t.Errorf("got the sources %v, want one for each of %v", d.Sources, d.Inputs)
			}
		})
	}
}

// Inputs that an app does not take are left out, and reported.
func TestDecideWarns(t *testing.T) {
	t.Parallel()
	d := Decide(Request{Brief: "a poster: x", Inputs: map[string]any{"colour": "red", "style": "Baroque"}})
	want := []Warning{{"colour", "is not an input of Poster; it was left out"}, {"style", `has no option "Baroque"; it was left out`}}
	if !slices.Equal(d.Warnings, want) {
		t.Errorf("got %v, want %v", d.Warnings, want)
	}
}

// The prompt of a concept is a brief that needs nothing more.
func TestConceptsCanBeCreated(t *testing.T) {
	t.Parallel()
	for _, c := range Concepts(`our "spring"  sale`, Filter{Platform: "instagram", Modality: "image"}, 10) {
		d := Decide(Request{Brief: c.Prompt})
		if d.App == nil || len(d.Questions) > 0 || d.Inputs["text"] != "our spring sale" {
			t.Errorf("%s: got %+v, want a poster without questions", c.Prompt, d)
		}
	}
}

// FuzzDecide checks that every brief has exactly one kind of decision.
func FuzzDecide(f *testing.F) {
	f.Add("a poster that says \"x\"", "image", "instagram")
	f.Add("slideshow https://a https://b 3", "", "")
	f.Fuzz(func(t *testing.T, brief, modality, platform string) {
		d := Decide(Request{Brief: brief, Modality: modality, Platform: platform})
		if (d.App == nil) == (d.Reason == "") || d.App != nil && len(d.Tied) > 0 || len(d.Tied) == 1 {
			t.Errorf("got %+v, want one app, several tied ones, or a reason", d)
		}
	})
}
