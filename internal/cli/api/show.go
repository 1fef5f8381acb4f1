package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
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
	if c.download != "" && c.download != toStdout {
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
	if c.download == toStdout {
		return c.showText(doc, body)
	}
	switch kindOf(doc.Header, start) {
	case kindJSON:
		return c.showJSON(body)
	case kindLines:
		if c.filters() {
			return c.showLines(body)
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

// showHeader writes the status and the headers of a response to stderr.
func (c *caller) showHeader(doc *api.Document) {
	p := c.env.Printer
	p.Verbatim("%s", strings.TrimSpace(fmt.Sprintf("%d %s", doc.Status, http.StatusText(doc.Status))))
	header := c.publicHeader(doc)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			p.Verbatim("%s: %s", name, value)
		}
	}
}

// publicHeader returns the headers of a response without cookies and without the secrets of this process, which they may repeat.
func (c *caller) publicHeader(doc *api.Document) http.Header {
	header := doc.Header.Clone()
	header.Del("Set-Cookie")
	for _, values := range header {
		for i := range values {
			values[i] = c.env.Sessions.Secrets.Text(values[i])
		}
	}
	return header
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
	raw, err := c.readValue(body)
	switch {
	case err != nil:
		return err
	case json.Valid(raw):
		return c.env.Printer.Data(raw, func(p *output.Page) { p.JSON(raw) })
	case c.filters():
		return &fail.Error{Code: fail.FilterFailed, Message: "the response is not valid JSON, so --jq cannot filter it"}
	}
	return c.write(raw)
}

// readValue reads a body that holds one JSON value.
func (c *caller) readValue(body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxValue+1))
	if err == nil && len(raw) > maxValue {
		err = &fail.Error{
			Code: fail.Unexpected, Message: "the response is larger than 32 MiB, which is too much to print", Hint: c.env.Command("api", c.path, "--download", "FILE"),
		}
	}
	return raw, err
}

// eachLine calls show with each line, when it arrives.
func eachLine(body io.Reader, show func(line []byte) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), maxValue)
	for lines.Scan() {
		if err := show(lines.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return errLongLine
	}
	return lines.Err()
}

var errLongLine = &fail.Error{Code: fail.Unexpected, Message: "a line or an event of the response is larger than 32 MiB"}

// showLines prints each line that is not blank.
func (c *caller) showLines(body io.Reader) error {
	return eachLine(body, func(line []byte) error {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			return nil
		}
		return c.line(line)
	})
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
	var data []byte // each line of it ends with a line break
	end := func() error {
		text, isThere := bytes.CutSuffix(data, []byte("\n"))
		if data = nil; !isThere {
			return nil
		}
		return c.line(text)
	}
	err := eachLine(body, func(line []byte) error {
		value, isData := bytes.CutPrefix(line, []byte("data:"))
		switch {
		case len(line) == 0:
			return end()
		case len(data)+len(value) > maxValue:
			return errLongLine
		case isData:
			data = append(append(data, bytes.TrimPrefix(value, []byte(" "))...), '\n')
		}
		return nil
	})
	if err != nil {
		return err
	}
	return end() // some servers leave out the empty line after the last event
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
