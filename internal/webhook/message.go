package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
)

// ErrNoHeaders means that a text has no header.
var ErrNoHeaders = errors.New("it has no header of the form NAME: VALUE")

// ParseMessage splits a saved request into its headers and its body: lines of headers, perhaps below a request line, an empty line, and
// the body as it was sent.
func ParseMessage(raw []byte) (header http.Header, body []byte, err error) {
	at, end := bytes.Index(raw, []byte("\n\n")), 2
	if crlf := bytes.Index(raw, []byte("\r\n\r\n")); crlf >= 0 && (at < 0 || crlf < at) {
		at, end = crlf, 4
	}
	if at < 0 {
		return nil, nil, errors.New("it has no empty line between the headers and the body")
	}
	header, err = ParseHeader(raw[:at])
	return header, raw[at+end:], err
}

// ParseHeader parses saved headers: lines of the form NAME: VALUE, perhaps below a request line, or a JSON object whose values are texts
// or lists of texts, in which case programs may have changed the case of the names.
func ParseHeader(raw []byte) (http.Header, error) {
	if raw = bytes.TrimSpace(raw); bytes.HasPrefix(raw, []byte("{")) {
		return parseJSONHeader(raw)
	}
	header := http.Header{}
	for n, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimRight(line, "\r")
		name, value, isHeader := strings.Cut(line, ":")
		switch {
		case strings.TrimSpace(line) == "" || n == 0 && (strings.HasPrefix(line, "POST ") || strings.HasPrefix(line, "HTTP/")):
		case !isHeader || name == "" || strings.ContainsAny(name, " \t"):
			return nil, fmt.Errorf("line %d is not a header of the form NAME: VALUE", n+1)
		default:
			header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
		}
	}
	if len(header) == 0 {
		return nil, ErrNoHeaders
	}
	return header, nil
}

func parseJSONHeader(raw []byte) (http.Header, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, field := range fields {
		var one string
		var several []string
		switch {
		case json.Unmarshal(field, &one) == nil:
			header.Add(name, one)
		case json.Unmarshal(field, &several) == nil:
			for _, value := range several {
				header.Add(name, value)
			}
		}
	}
	if len(header) == 0 {
		return nil, ErrNoHeaders
	}
	return header, nil
}
