// Package output prints what commands produce: data on stdout as text, JSON or NDJSON, messages and progress on stderr.
// Everything from outside this program is made safe for a terminal when it is written.
package output

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/uselamina/lamina/internal/term"
)

// A Format is the form of data on stdout.
type Format string

// The formats. Auto is text on a terminal and JSON elsewhere.
const (
	Auto   Format = "auto"
	Text   Format = "text"
	JSON   Format = "json"
	NDJSON Format = "ndjson"
)

// ParseFormat returns the format with the given name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Auto, Text, JSON, NDJSON:
		return f, nil
	}
	return "", fmt.Errorf("unknown output format %q: use text, json, ndjson or auto", name)
}

// A Printer writes the data and messages of a command. New returns one.
type Printer struct {
	streams *term.Streams
	format  Format
	filter  *gojq.Code // nil: none
	ctx     context.Context
	quiet   bool
	out     Styles
	err     Styles
	log     *messages
}

// Options are the settings of a Printer.
type Options struct {
	Format Format
	JQ     string // a jq program; implies JSON
	Quiet  bool   // no progress, and of the messages only warnings and errors
	// Context ends the jq program; nil means that it runs until it ends by itself.
	Context context.Context
}

// New returns a printer for streams. It returns a *FilterError if the jq program does not compile.
func New(streams *term.Streams, opts Options) (*Printer, error) {
	p := &Printer{
		streams: streams, format: opts.Format, quiet: opts.Quiet,
		out: Styles{color: streams.OutColor, w: streams.Out}, err: Styles{color: streams.ErrColor, w: streams.Err},
		log: &messages{w: streams.Err}, ctx: opts.Context,
	}
	if p.ctx == nil {
		p.ctx = context.Background()
	}
	if p.format == "" || p.format == Auto {
		p.format = JSON
		if streams.OutTTY {
			p.format = Text
		}
	}
	if opts.JQ != "" {
		code, err := compile(opts.JQ)
		if err != nil {
			return nil, err
		}
		p.filter = code
		if p.format == Text {
			p.format = JSON
		}
	}
	return p, nil
}

// Machine reports whether the data on stdout is JSON or NDJSON.
func (p *Printer) Machine() bool { return p.format != Text }

// Lines reports whether each item of a list must be written with Line.
func (p *Printer) Lines() bool { return p.format == NDJSON }

// Data writes one value to stdout: raw, which must be JSON, or the page that text writes if the format is Text.
func (p *Printer) Data(raw json.RawMessage, text func(*Page)) error {
	if !p.Machine() {
		_, err := io.WriteString(p.streams.Out, p.PageText(text))
		return err
	}
	return p.json(raw)
}

// PageText returns the text that write adds to a page for stdout.
func (p *Printer) PageText(write func(*Page)) string {
	page := &Page{Styles: p.out, width: p.streams.Width}
	if !p.streams.OutTTY && !p.streams.HasColumns {
		page.width = func() int { return math.MaxInt32 } // a file has no width
	}
	write(page)
	return page.String()
}

func (p *Printer) json(raw json.RawMessage) error {
	if p.filter != nil {
		return p.runFilter(raw)
	}
	buf := new(bytes.Buffer)
	switch p.format {
	case NDJSON:
		if err := json.Compact(buf, raw); err != nil {
			return err
		}
		buf.WriteByte('\n')
	default:
		if err := indent(buf, raw); err != nil {
			return err
		}
		buf.WriteByte('\n')
	}
	text := buf.Bytes()
	if p.streams.OutTTY {
		text = EscapeControls(text)
	}
	_, err := p.streams.Out.Write(text)
	return err
}

// Unfiltered returns the printer without its jq program.
func (p *Printer) Unfiltered() *Printer {
	q := *p
	q.filter = nil
	return &q
}

// Say writes a message to stderr as Warn does, unless the option Quiet is set.
func (p *Printer) Say(format string, args ...any) {
	if !p.quiet {
		p.Warn(format, args...)
	}
}

// Warn writes a message to stderr. The format is of this program; arguments that are not Styled are cleaned and cannot start
// another line. On a terminal, long lines are broken between words and continue at the indent of the first line.
func (p *Printer) Warn(format string, args ...any) {
	text := sprintf(format, args...)
	if p.streams.ErrTTY {
		text = wrap(text, p.streams.Width(), len(text)-len(strings.TrimLeft(text, " ")))
	}
	p.log.write(text)
}

// Verbatim writes a message to stderr as Warn does, but never breaks a line: it is for commands and URLs to copy.
func (p *Printer) Verbatim(format string, args ...any) {
	p.log.write(sprintf(format, args...))
}

// Hint writes to stderr what to do after an error. A command is never broken; a sentence is broken between words.
func (p *Printer) Hint(hint string) {
	write := p.Warn
	for _, first := range []string{"lamina ", "export ", "git "} {
		if strings.HasPrefix(hint, first) {
			write = p.Verbatim
		}
	}
	write("%s %s", p.err.Faint("try:"), p.err.Command(hint))
}

// ErrStyles returns the styles of messages.
func (p *Printer) ErrStyles() Styles { return p.err }

// Line writes one value of a stream as a line of JSON, or the results of the jq program for it.
func (p *Printer) Line(raw json.RawMessage) error {
	q := *p
	q.format = NDJSON
	return q.json(raw)
}
