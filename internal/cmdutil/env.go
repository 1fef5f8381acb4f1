// Package cmdutil holds what every command receives: streams, printer, clock, build version and global flags; and what commands
// share: checks of arguments, reading of inputs, prompts.
package cmdutil

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
	"github.com/uselamina/lamina/internal/term"
)

// Env is the environment of one command.
type Env struct {
	Streams *term.Streams
	Getenv  func(string) string
	// IsBlank reports whether a variable is set, but empty or only white space; nil: none is.
	IsBlank func(name string) bool
	Now     func() time.Time
	Build   Build
	// OpenBrowser opens a URL in the user's browser.
	OpenBrowser func(url string) error
	// ApprovesItself means that OpenBrowser approves sign-ins itself, so that no user is needed.
	ApprovesItself bool
	// Folder returns the working folder, in which the project config is looked up; nil means that there is no project config.
	Folder func() (string, error)

	// WrapAPI wraps the Lamina API of a local platform, so that a test can look at its exchanges; nil: nothing does.
	WrapAPI func(http.Handler) http.Handler

	// Sessions opens the credential that the command uses.
	Sessions *session.Manager
	// Args is the command line without the program's name.
	Args  []string
	Flags Flags
	// IgnoreSettings is set for the root command, which must start fast, and reads no configuration.
	IgnoreSettings bool
	// AboveFlags writes what the help of a command shows above its flags; nil: nothing.
	AboveFlags func(*output.Page)
	// Printer is set by Begin.
	Printer *output.Printer

	lines *bufio.Reader
}

// Begin validates the global flags and makes the printer. ctx ends a jq program that does not end by itself.
func (e *Env) Begin(ctx context.Context) error {
	format, err := e.format()
	if err != nil {
		return err
	}
	color := e.color()
	if err := OneOf("--color", color, "auto", "always", "never"); err != nil {
		return err
	}
	e.Streams.SetColor(color, e.Getenv)
	e.Printer, err = output.New(e.Streams, output.Options{Format: format, JQ: e.Flags.JQ, Quiet: e.Flags.Quiet, Context: ctx})
	return err
}

// CheckVariables refuses variables that every command uses and that are empty or invalid.
func (e *Env) CheckVariables() error {
	if e.Flags.Output == "" && !e.Flags.JSON && e.Flags.JQ == "" {
		if err := e.Sessions.RefuseBlank("LAMINA_OUTPUT"); err != nil {
			return err
		}
	}
	return e.Sessions.CheckDurations()
}

// IsOn reports whether an environment variable turns something on: it is neither empty, 0, false, no nor off.
func (e *Env) IsOn(name string) bool { return term.IsOn(e.Getenv(name)) }

// color returns when colour is used: flag, setting, default. The environment decides on auto, and overrides the setting.
func (e *Env) color() string {
	if _, when := term.ColorVariable(e.Getenv); e.Flags.Color != "" || when != "" {
		return cmp.Or(e.Flags.Color, "auto")
	}
	return cmp.Or(e.stored(session.SettingColor), "auto")
}

// stored returns the value of a setting; "" if there is none, or if IgnoreSettings is set.
func (e *Env) stored(name string) string {
	if e.IgnoreSettings {
		return ""
	}
	return e.Sessions.StoredSetting(name)
}

// format returns the output format: flag, environment, setting, default.
func (e *Env) format() (output.Format, error) {
	name, source := e.Flags.Output, "--output"
	if name == "" {
		name, source = strings.TrimSpace(e.Getenv("LAMINA_OUTPUT")), "LAMINA_OUTPUT"
	}
	if e.Flags.JSON {
		if e.Flags.Output != "" && e.Flags.Output != string(output.JSON) {
			return "", fail.Usage("", "--json and --output %s contradict each other", e.Flags.Output)
		}
		return output.JSON, nil
	}
	if name == "" {
		name = e.stored(session.SettingOutput)
	}
	if name == "" {
		return output.Auto, nil
	}
	format, err := output.ParseFormat(name)
	if err != nil {
		return "", fail.Usage("", "%v; to choose an output of an app, use --only; to save a response, --download", OneOf(source, name, "text", "json", "ndjson", "auto"))
	}
	return format, nil
}

// ErrorsAsJSON reports whether errors are printed as JSON. It also works where the command line could not be parsed.
func (e *Env) ErrorsAsJSON() bool {
	format, err := output.ParseFormat(cmp.Or(e.Flags.Output, typedFormat(e.Args)))
	if err != nil {
		format = output.Format(cmp.Or(e.Getenv("LAMINA_OUTPUT"), e.stored(session.SettingOutput)))
	}
	if e.Flags.JSON || e.Flags.JQ != "" || format != output.Text && typedJSON(e.Args) {
		format = output.JSON
	}
	switch format {
	case output.JSON, output.NDJSON:
		return true
	case output.Text:
		return false
	}
	return !e.Streams.OutTTY && !e.Streams.ErrTTY
}

// typedJSON reports whether a command line has --json.
func typedJSON(args []string) bool {
	for _, arg := range args {
		if arg == "--json" || arg == "--" {
			return arg == "--json"
		}
	}
	return false
}

// typedFormat returns the value of --output on a command line, "" if it is absent.
func typedFormat(args []string) (format string) {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, value, isJoined := strings.Cut(arg, "=")
		switch {
		case isJoined && (name == "--output" || name == "-o"):
			format = value
		case (arg == "--output" || arg == "-o") && i+1 < len(args):
			format = args[i+1]
		case !isJoined && len(arg) > 2 && strings.HasPrefix(arg, "-o"):
			format = arg[2:]
		}
	}
	return format
}

// Command returns a command that the user may type next, with the selectors of this command line. Every printed command that concerns
// an account comes from it, or from the hint of an error.
func (e *Env) Command(args ...string) string { return e.Sessions.FailContext().Next(args...) }

// Print writes data of this program, as opposed to a response of a service: as JSON below the member data, or as the text that the
// function writes.
func (e *Env) Print(data any, text func(*output.Page)) error {
	return e.printEnvelope(output.Envelope, data, text)
}

// PrintWithOldFields is Print for the commands that earlier versions let write the fields of data without the member data. Scripts read
// them there, so they are repeated for one release.
func (e *Env) PrintWithOldFields(data any, text func(*output.Page)) error {
	return e.printEnvelope(output.EnvelopeWithOldFields, data, text)
}

func (e *Env) printEnvelope(envelope func(any) (json.RawMessage, error), data any, text func(*output.Page)) error {
	raw, err := envelope(data)
	if err != nil {
		return err
	}
	return e.Printer.Data(raw, text)
}

// Help writes a page of text, whatever the output format is, through the user's pager if it is longer than the screen.
func (e *Env) Help(write func(*output.Page)) error {
	p, err := output.New(e.Streams, output.Options{Format: output.Text})
	if err != nil {
		return err
	}
	text := p.PageText(write)
	if pager := e.Streams.Pager(e.Getenv, e.IsBlank); pager != nil && e.HasUser() && !e.Streams.Fits(text) {
		if e.Streams.Page(text, pager, e.Sessions.ChildEnviron()) == nil {
			return nil
		}
	}
	return e.Raw(text)
}

// Raw writes text to stdout as it is.
func (e *Env) Raw(text string) error {
	_, err := io.WriteString(e.Streams.Out, text)
	return err
}

// Say writes a message to stderr, unless --quiet is set.
func (e *Env) Say(format string, args ...any) { e.Printer.Say(format, args...) }

// Note writes a message to stderr that begins with "note:", unless --quiet is set.
func (e *Env) Note(format string, args ...any) {
	e.Printer.Say("%s %s", e.Styles().Busy("note:"), fmt.Sprintf(format, args...))
}

// Styles returns the styles of messages on stderr.
func (e *Env) Styles() output.Styles { return e.Printer.ErrStyles() }

// IsAccessible reports whether all output must be plain lines, as screen readers need them.
func (e *Env) IsAccessible() bool { return e.IsOn("ACCESSIBLE") }

// Progress starts a progress line on stderr.
func (e *Env) Progress() *output.Progress { return e.Printer.Progress(e.IsAccessible()) }

// Debugging reports whether --debug is on.
func (e *Env) Debugging() bool { return e.Flags.Debug || e.IsOn("LAMINA_DEBUG") }

// Patience is how long waiting survives a service that fails; 0 means the default.
func (e *Env) Patience() time.Duration { return e.Duration("LAMINA_PATIENCE", 0) }

// Duration returns the duration in an environment variable, or a default.
func (e *Env) Duration(name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(e.Getenv(name)); err == nil && d > 0 {
		return d
	}
	return otherwise
}

// UserAgent is the value of the User-Agent header of requests.
func (e *Env) UserAgent() string { return "lamina/" + e.Build.Version + " (" + Platform() + ")" }
