// Package output is how commands speak: data on stdout as text, JSON or NDJSON, talk and progress on stderr. No
// command prints by itself.
package output

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/uselamina/lamina/internal/term"
)

// A Format is how data is written.
type Format string

// The formats. Auto is text on a terminal and JSON elsewhere.
const (
	Auto   Format = "auto"
	Text   Format = "text"
	JSON   Format = "json"
	NDJSON Format = "ndjson"
)

// ParseFormat reads a format by its name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Auto, Text, JSON, NDJSON:
		return f, nil
	}
	return "", fmt.Errorf("unknown output format %q: use text, json, ndjson or auto", name)
}

// A Printer writes what a command has to say. Make one with New.
type Printer struct {
	streams *term.Streams
	format  Format
	filter  *gojq.Code // nil: none
	ctx     context.Context
	quiet   bool
	out     Styles
	err     Styles
	talk    *talk
}

// Options choose how a Printer writes.
type Options struct {
	Format Format
	JQ     string // a jq program; implies JSON
	Quiet  bool   // no talk, no progress
	// Context ends a jq program that does not end by itself; nil means never.
	Context context.Context
}

// New returns a printer on streams. It fails only on a jq program that does not compile.
func New(streams *term.Streams, opts Options) (*Printer, error) {
	p := &Printer{
		streams: streams, format: opts.Format, quiet: opts.Quiet,
		out: Styles{color: streams.OutColor, w: streams.Out}, err: Styles{color: streams.ErrColor, w: streams.Err},
		talk: &talk{w: streams.Err}, ctx: opts.Context,
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

// Machine reports whether stdout is for a program.
func (p *Printer) Machine() bool { return p.format != Text }

// Lines reports whether what is in a list is to be written with Line, each on a line of its own.
func (p *Printer) Lines() bool { return p.format == NDJSON }

// Data writes one value: raw, which must be JSON, to a machine; what text writes to a person.
func (p *Printer) Data(raw json.RawMessage, text func(*Page)) error {
	if !p.Machine() {
		page := &Page{Styles: p.out, width: p.streams.Width}
		if !p.streams.OutTTY {
			page.width = func() int { return math.MaxInt32 } // nothing is cut in a file
		}
		text(page)
		_, err := io.WriteString(p.streams.Out, page.String())
		return err
	}
	return p.json(raw)
}

// Value is Data for a value of our own.
func (p *Printer) Value(v any, text func(*Page)) error {
	buf := new(bytes.Buffer)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // addresses stay readable
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("could not encode the answer: %w", err)
	}
	return p.Data(buf.Bytes(), text)
}

func (p *Printer) json(raw json.RawMessage) error {
	buf := new(bytes.Buffer)
	switch {
	case p.filter != nil:
		if err := p.runFilter(buf, raw); err != nil {
			return err
		}
	case p.format == NDJSON:
		if err := json.Compact(buf, raw); err != nil {
			return err
		}
		buf.WriteByte('\n')
	default:
		if err := json.Indent(buf, bytes.TrimSpace(raw), "", "  "); err != nil {
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

// A FilterError is a jq program that does not compile, or that fails on the data.
type FilterError struct {
	Err    error
	OnData bool // it compiled
}

// Error says what jq said.
func (e *FilterError) Error() string { return "jq: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FilterError) Unwrap() error { return e.Err }

func compile(program string) (*gojq.Code, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, &FilterError{Err: err}
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, &FilterError{Err: err}
	}
	return code, nil
}

// runFilter writes what the jq program makes of raw: strings as they are, everything else as JSON, each on a line.
func (p *Printer) runFilter(w *bytes.Buffer, raw json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var input any
	if err := dec.Decode(&input); err != nil {
		return err
	}
	results := p.filter.RunWithContext(p.ctx, input)
	for {
		v, ok := results.Next()
		if !ok {
			return nil
		}
		switch v := v.(type) {
		case error:
			var halt *gojq.HaltError
			if errors.As(v, &halt) && halt.Value() == nil {
				return nil
			}
			if p.ctx.Err() != nil {
				return context.Cause(p.ctx)
			}
			return &FilterError{Err: v, OnData: true}
		case string:
			if p.streams.OutTTY {
				v = term.Clean(v)
			}
			w.WriteString(v)
		default:
			text, err := gojq.Marshal(v)
			if err != nil {
				return &FilterError{Err: err, OnData: true}
			}
			w.Write(text)
		}
		w.WriteByte('\n')
	}
}

// Say writes a line of talk to stderr, unless the person asked for quiet.
func (p *Printer) Say(format string, args ...any) {
	if !p.quiet {
		p.Warn(format, args...)
	}
}

// Warn writes a sentence to stderr in any case. On a terminal it is broken between words, with what follows below the
// first one.
func (p *Printer) Warn(format string, args ...any) {
	text := sprintf(format, args...)
	if p.streams.ErrTTY {
		text = wrap(text, p.streams.Width(), len(text)-len(strings.TrimLeft(text, " ")))
	}
	p.talk.say(text)
}

// Verbatim writes a line to stderr in any case, and leaves it whole: a command or an address that is to be copied.
func (p *Printer) Verbatim(format string, args ...any) {
	p.talk.say(sprintf(format, args...))
}

// ErrStyles returns the styles of stderr, for talk.
func (p *Printer) ErrStyles() Styles { return p.err }

// Line writes one value of a stream as a line of JSON (or what the jq program makes of it).
func (p *Printer) Line(raw json.RawMessage) error {
	q := *p
	q.format = NDJSON
	return q.json(raw)
}
