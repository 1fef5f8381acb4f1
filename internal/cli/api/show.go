package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// maxValue bounds one JSON value that is printed, in bytes. Larger responses can be saved with --download.
const maxValue = 32 << 20

// The kinds of a body, by which it is printed.
type kind int

const (
	kindOther  kind = iota // a text, or bytes
	kindJSON               // one JSON value
	kindLines              // a JSON value on each line
	kindEvents             // server-sent events
)

// kindOf returns the kind of a body by its media type. start is the beginning of the body, for services that send JSON without a type.
func kindOf(header http.Header, start []byte) kind {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case media == "text/event-stream":
		return kindEvents
	case strings.HasSuffix(media, "ndjson"), strings.HasSuffix(media, "jsonlines"), strings.HasSuffix(media, "jsonl"), strings.HasSuffix(media, "/stream+json"):
		return kindLines
	case media == "application/json", strings.HasSuffix(media, "+json"), media == "" && len(start) > 0 && bytes.ContainsRune([]byte("{["), rune(start[0])):
		return kindJSON
	}
	return kindOther
}

// show prints or saves a response, and returns the error of a refusal.
func (c *caller) show(doc *api.Document) error {
	if c.include {
		c.showHeader(doc)
	}
	if doc.Refusal != nil {
		if err := c.showRefusal(doc); err != nil {
			return err
		}
		return doc.Refusal
	}
	if c.download != "" {
		return c.save(doc)
	}
	body := bufio.NewReaderSize(doc.Body, 64<<10)
	start, err := body.Peek(1)
	if errors.Is(err, io.EOF) {
		c.env.Say("%s answered %d without a body.", c.session.Provider.Title, doc.Status)
		return nil
	}
	if err != nil {
		return err
	}
	switch kindOf(doc.Header, start) {
	case kindJSON:
		return c.showJSON(body)
	case kindLines:
		if c.filters() {
			return c.showLines(body, c.line)
		}
	case kindEvents:
		if c.filters() || c.isFormatNamed() {
			return c.showEvents(body)
		}
	}
	if c.filters() && kindOf(doc.Header, start) == kindOther {
		return c.notFiltered(doc)
	}
	return c.showText(doc, body)
}

// filters reports whether a jq program is applied.
func (c *caller) filters() bool { return c.env.Flags.JQ != "" }

// isFormatNamed reports whether the user named JSON or NDJSON as the output format.
func (c *caller) isFormatNamed() bool {
	return c.env.Flags.JSON || c.env.Flags.Output != "" && c.env.Printer.Machine()
}

// showHeader writes the status and the headers of a response to stderr, without those that may hold a secret.
func (c *caller) showHeader(doc *api.Document) {
	p := c.env.Printer
	p.Verbatim("%d %s", doc.Status, http.StatusText(doc.Status))
	for _, name := range session.DebugHeaders {
		if value := doc.Header.Get(name); value != "" {
			p.Verbatim("%s: %s", name, value)
		}
	}
}

// showRefusal prints the body of a refusal without a filter and without the secrets of this process, which the body may repeat.
func (c *caller) showRefusal(doc *api.Document) error {
	raw, err := io.ReadAll(doc.Body)
	if err != nil || len(bytes.TrimSpace(raw)) == 0 {
		return err
	}
	if clean := c.env.Sessions.Secrets.JSON(raw); json.Valid(clean) {
		return c.env.Printer.Unfiltered().Data(clean, func(p *output.Page) { p.JSON(clean) })
	}
	if !utf8.Valid(raw) {
		return nil // a picture is no reason
	}
	clean := c.env.Sessions.Secrets.Text(strings.TrimRight(string(raw), "\n")) + "\n"
	if c.env.Streams.OutTTY {
		return c.env.Printer.Text(clean)
	}
	return c.env.Raw(clean)
}

// showJSON prints one JSON value.
func (c *caller) showJSON(body io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(body, maxValue+1))
	switch {
	case err != nil:
		return err
	case len(raw) > maxValue:
		return &fail.Error{
			Code: fail.Unexpected, Message: "the response is larger than 32 MiB, which is too much to print", Hint: c.env.Command("api", c.path, "--download", "FILE"),
		}
	case json.Valid(raw):
		return c.env.Printer.Data(raw, func(p *output.Page) { p.JSON(raw) })
	case c.filters():
		return &fail.Error{Code: fail.FilterFailed, Message: "the response is not valid JSON, so --jq cannot filter it"}
	}
	return c.write(raw)
}

// showLines calls show with each line that is not blank, when it arrives.
func (c *caller) showLines(body io.Reader, show func(line []byte) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), maxValue)
	for lines.Scan() {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if err := show(line); err != nil {
				return err
			}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &fail.Error{Code: fail.Unexpected, Message: "a line of the response is larger than 32 MiB"}
	}
	return lines.Err()
}

// line prints a JSON value as a line, or what the jq program makes of it. A text that is no JSON is printed as a JSON string.
func (c *caller) line(raw []byte) error {
	if !json.Valid(raw) {
		text, err := json.Marshal(string(raw))
		if err != nil {
			return err
		}
		raw = text
	}
	return c.env.Printer.Line(raw)
}

// showEvents prints the data of each server-sent event as a line.
func (c *caller) showEvents(body io.Reader) error {
	var data [][]byte
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), maxValue)
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		switch value, isData := bytes.CutPrefix(line, []byte("data:")); {
		case isData:
			data = append(data, bytes.Clone(bytes.TrimPrefix(value, []byte(" "))))
		case len(line) == 0 && len(data) > 0:
			if err := c.line(bytes.Join(data, []byte("\n"))); err != nil {
				return err
			}
			data = nil
		}
	}
	return lines.Err()
}

// showText prints a body as it comes. On a terminal it is made safe, and refused if it is no text.
func (c *caller) showText(doc *api.Document, body *bufio.Reader) error {
	if !c.env.Streams.OutTTY {
		_, err := io.Copy(c.env.Streams.Out, body)
		return err
	}
	if start, _ := body.Peek(512); !isText(start) {
		return &fail.Error{
			Code: fail.BinaryOutput, Hint: c.env.Command("api", c.path, "--download", "FILE"),
			Message: "the response is " + mediaOf(doc) + ", which a terminal cannot show",
		}
	}
	for {
		line, err := body.ReadSlice('\n')
		if werr := c.write(line); werr != nil {
			return werr
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// write writes a text to stdout, safe for a terminal if stdout is one.
func (c *caller) write(text []byte) error {
	if c.env.Streams.OutTTY {
		return c.env.Printer.Text(string(text))
	}
	return c.env.Raw(string(text))
}

// isText reports whether the beginning of a body is a text. It may end within a character.
func isText(start []byte) bool {
	for len(start) > 0 {
		r, size := utf8.DecodeRune(start)
		if r == 0 || r == utf8.RuneError && size == 1 && utf8.FullRune(start) {
			return false
		}
		start = start[size:]
	}
	return true
}

// notFiltered returns the error for a jq program and a response that is not JSON.
func (c *caller) notFiltered(doc *api.Document) error {
	return &fail.Error{
		Code: fail.FilterFailed, Hint: c.env.Command("api", c.path),
		Message: "the response is " + mediaOf(doc) + ", not JSON, so --jq cannot filter it",
	}
}

// mediaOf returns the media type of a response in words.
func mediaOf(doc *api.Document) string {
	if media, _, err := mime.ParseMediaType(doc.Header.Get("Content-Type")); err == nil {
		return media
	}
	return "of an unknown media type"
}
