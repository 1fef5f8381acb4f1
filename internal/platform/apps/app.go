package apps

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// An App is a small program that makes results from inputs.
type App struct {
	ID           string // a UUID
	Slug         string // a short name that is accepted in the place of ID
	Name         string
	Description  string
	Icon         string
	Modality     string   // image, video or text
	Keywords     []string // what a person who wants this app may say
	Capabilities api.Capabilities
	Parameters   []api.Parameter
	Outputs      []Output
	Steps        []Step
	Make         func(ctx context.Context, job Job) error
}

// An Output is a result that an app declares. Its place in App.Outputs is its index.
type Output struct {
	Label    string
	Type     string // image, video, audio or text
	MimeType string
}

// A Step is a node in the graph behind an app.
type Step struct {
	ID      string
	Type    string
	Label   string
	Credits float64
	For     int      // index of the only output that needs this step, or Shared
	After   []string // ids of the steps before it
}

// Shared marks a step that every output needs.
const Shared = -1

// Inputs are an app's inputs by the key of their parameter, complete and valid: text and options have one value, url
// has one or, for a parameter that takes several, more.
type Inputs map[string][]string

// Text returns the only value of an input.
func (in Inputs) Text(key string) string {
	if len(in[key]) == 0 {
		return ""
	}
	return in[key][0]
}

// A Result is one finished output: a file (Bytes and MimeType) or, without bytes, a Text.
type Result struct {
	Bytes           []byte
	MimeType        string
	Text            string
	Size            image.Point // of a picture, in pixels
	DurationSeconds float64     // of what moves
	Description     string      // what is to be seen, for those who do not see it
}

// A Job is one piece of work for an app.
type Job struct {
	Inputs Inputs
	// Wants reports whether an output was asked for.
	Wants func(output int) bool
	// Fetch returns the bytes behind an address.
	Fetch func(ctx context.Context, address string) ([]byte, error)
	// Progress records how much is done, from 0 to 1, and fails if the work should end here.
	Progress func(ctx context.Context, done float64) error
	// Sleep lets time pass, or fails when the work should end.
	Sleep func(ctx context.Context, d time.Duration) error
	// Deliver hands over a finished output.
	Deliver func(output int, r Result) error
}

// An Error is a failure that the person who started the work can understand and mend.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func failf(format string, args ...any) error { return &Error{Message: fmt.Sprintf(format, args...)} }

// All returns every app, in the order in which they are listed.
func All() []App {
	return []App{poster(), productShots(), palette(), slideshow(), countdown()}
}

// Find returns the app with an id or a slug, in any case.
func Find(idOrSlug string) (App, bool) {
	all := All()
	i := slices.IndexFunc(all, func(a App) bool {
		return strings.EqualFold(a.ID, idOrSlug) || strings.EqualFold(a.Slug, idOrSlug)
	})
	if i < 0 {
		return App{}, false
	}
	return all[i], true
}

// Credits is what making the wanted outputs costs.
func (a App) Credits(wants func(output int) bool) float64 {
	var sum float64
	for _, s := range a.Steps {
		if s.For == Shared || wants(s.For) {
			sum += s.Credits
		}
	}
	return sum
}

// Everything wants every output.
func Everything(int) bool { return true }
