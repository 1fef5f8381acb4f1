package cli

import (
	"bufio"
	"context"
	"io"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// An Env is everything that commands may touch.
type Env struct {
	Streams *term.Streams
	Getenv  func(string) string
	Now     func() time.Time
	Build   Build
	// OpenBrowser shows a URL to the person.
	OpenBrowser func(url string) error
	// Folder is the working folder, which may be pinned to an account; nil means that no pin matters.
	Folder func() (string, error)

	args     []string // the command line; nil where there is none, as for the reference
	flags    flags
	want     *provider.Provider // the service that the command is of, where it is of one
	printer  *output.Printer
	session  *session        // made by the first command that needs it
	kept     *config.Store   // made by the first command that needs it
	pin      *config.Project // of the folder, once pinned
	pinned   bool
	approver bool // OpenBrowser approves by itself: no person is needed
	lines    *bufio.Reader
	stop     func() // ends the heeding of signals
}

// begin prepares what every command needs, from the flags that are the same everywhere.
func (e *Env) begin(ctx context.Context) error {
	format, err := e.format()
	if err != nil {
		return err
	}
	for _, name := range []string{"LAMINA_REQUEST_TIMEOUT", "LAMINA_PATIENCE"} {
		if text := e.Getenv(name); text != "" && e.duration(name, 0) == 0 {
			return usage("export "+name+"=30s", "%s wants a length of time such as 30s or 4m, not %q", name, text)
		}
	}
	switch e.flags.color {
	case "auto", "always", "never":
		e.Streams.SetColor(e.flags.color, e.Getenv)
	default:
		return usage("", "--color must be auto, always or never, not %q", e.flags.color)
	}
	e.printer, err = output.New(e.Streams, output.Options{Format: format, JQ: e.flags.jq, Quiet: e.flags.quiet, Context: ctx})
	return err
}

// format chooses the output format: flag, environment, default.
func (e *Env) format() (output.Format, error) {
	name, from := e.flags.output, "--output"
	if name == "" {
		name, from = e.Getenv("LAMINA_OUTPUT"), "LAMINA_OUTPUT"
	}
	if e.flags.json {
		if e.flags.output != "" && e.flags.output != string(output.JSON) {
			return "", usage("", "--json and --output %s contradict each other", e.flags.output)
		}
		return output.JSON, nil
	}
	if name == "" {
		return output.Auto, nil
	}
	format, err := output.ParseFormat(name)
	if err != nil {
		return "", usage("", "%s: %v; to choose an output of an app, use --only", from, err)
	}
	return format, nil
}

// print writes a value of our own.
func (e *Env) print(v any, text func(*output.Page)) error { return e.printer.Value(v, text) }

// say writes a line of talk.
func (e *Env) say(format string, args ...any) { e.printer.Say(format, args...) }

// styles are those of talk.
func (e *Env) styles() output.Styles { return e.printer.ErrStyles() }

// mayPrompt reports whether a person is there to be asked.
func (e *Env) mayPrompt() bool { return e.Streams.Prompts && !e.flags.noInput && e.Getenv("CI") == "" }

// patience is how long waiting survives a service that fails.
func (e *Env) patience() time.Duration { return e.duration("LAMINA_PATIENCE", 0) }

// duration reads a length of time from the environment.
func (e *Env) duration(name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(e.Getenv(name)); err == nil && d > 0 {
		return d
	}
	return otherwise
}

// readLine reads a line of stdin, unless ctx ends first.
func (e *Env) readLine(ctx context.Context) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := e.nextLine()
		read <- result{line, err}
	}()
	select {
	case r := <-read:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (e *Env) nextLine() (string, error) {
	if e.lines == nil {
		e.lines = bufio.NewReader(io.LimitReader(e.Streams.In, 1<<20))
	}
	line, err := e.lines.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// raw writes text to stdout as it is.
func (e *Env) raw(text string) error {
	_, err := io.WriteString(e.Streams.Out, text)
	return err
}
