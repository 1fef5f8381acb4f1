package apps

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// An App creates results from inputs.
type App struct {
	ID           string // a UUID
	Slug         string // a short name, accepted in place of ID
	Name         string
	Description  string
	Icon         string
	Modality     string   // image, video or text
	Keywords     []string // words in an intent that match this app
	Capabilities api.Capabilities
	Parameters   []api.Parameter
	Outputs      []Output
	Steps        []Step
	Make         func(ctx context.Context, job Job) error
}

// An Output is a declared result of an app.
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

// Shared is the For of a step that every output needs.
const Shared = -1

// Inputs are the validated inputs of an app by the key of their parameter. A text or an option has one value, a url one or,
// for a parameter with several values, more.
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
	Size            image.Point // of an image, in pixels
	DurationSeconds float64     // of an animation
	Description     string      // description of the content, as an alternative to an image
}

// A Job is one call of an app.
type Job struct {
	Inputs Inputs
	// Wants reports whether an output is requested.
	Wants func(output int) bool
	// Fetch returns the bytes at an address.
	Fetch func(ctx context.Context, address string) ([]byte, error)
	// Progress reports the progress from 0 to 1. It fails if the work has to end.
	Progress func(ctx context.Context, done float64) error
	// Sleep waits. It fails if the work has to end.
	Sleep func(ctx context.Context, d time.Duration) error
	// Deliver takes a finished output.
	Deliver func(output int, r Result) error
}

// An Error is a failure with a message for the user, who can fix it.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func failf(format string, args ...any) error { return &Error{Message: fmt.Sprintf(format, args...)} }

// All returns all apps in the order of the API. The slice is shared and must not be changed.
func All() []App { return all() }

var all = sync.OnceValue(func() []App {
	return []App{poster(), productShots(), palette(), slideshow(), countdown(), noop()}
})

// Find returns the app with an id or a slug, in any case.
func Find(idOrSlug string) (App, bool) {
	i := slices.IndexFunc(all(), func(a App) bool {
		return strings.EqualFold(a.ID, idOrSlug) || strings.EqualFold(a.Slug, idOrSlug)
	})
	if i < 0 {
		return App{}, false
	}
	return all()[i], true
}

// Credits returns the cost of the wanted outputs.
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
