package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// printPages sends a call for each page of a list, and prints all items as one array, or as lines with --stream.
func (c *caller) printPages(ctx context.Context, call api.Call) error {
	call, err := splitQuery(call)
	if err != nil {
		return err
	}
	var first *page
	items := []json.RawMessage{}
	for {
		raw, err := c.fetchPage(ctx, call, first == nil)
		if err != nil {
			return err
		}
		p, err := readPage(raw)
		if err != nil {
			return &fail.Error{Code: fail.Unexpected, Message: fmt.Sprintf("the response to GET %s has no list, so --paginate cannot be used", call.Path), Err: err}
		}
		if first == nil {
			first = p
			if !p.position.isKnown() {
				c.env.Note("the response does not say whether there are more pages; this is the first one")
			}
		}
		if !c.stream {
			items = append(items, p.items...)
		}
		for i := 0; c.stream && i < len(p.items); i++ {
			if err := c.env.Printer.Line(p.items[i]); err != nil {
				return err
			}
		}
		next, isMore, err := p.next(call.Query)
		if err != nil {
			return &fail.Error{Code: fail.Unexpected, Message: fmt.Sprintf("GET %s: %v", call.Path, err)}
		}
		if !isMore {
			break
		}
		call.Query = next
	}
	if c.stream {
		return nil
	}
	raw, err := first.with(items)
	if err != nil {
		return err
	}
	return c.env.Printer.Data(raw, func(p *output.Page) { p.JSON(raw) })
}

// splitQuery moves the query of a call's path to its other fields.
func splitQuery(call api.Call) (api.Call, error) {
	path, text, _ := strings.Cut(call.Path, "?")
	query, err := url.ParseQuery(text)
	if err != nil {
		return call, fail.Usage("", "the query of %s is not valid", call.Path)
	}
	for name, values := range call.Query {
		query[name] = append(query[name], values...)
	}
	call.Path, call.Query = path, query
	return call, nil
}

// fetchPage returns the body of one page. The body of a refusal is printed if no page was printed before.
func (c *caller) fetchPage(ctx context.Context, call api.Call, isFirst bool) ([]byte, error) {
	doc, err := c.fetch(ctx, call)
	if err != nil {
		return nil, err
	}
	defer doc.Body.Close()
	if doc.Refusal != nil && (isFirst || !c.stream) {
		return nil, c.show(doc)
	}
	if doc.Refusal != nil {
		return nil, doc.Refusal
	}
	if c.include {
		c.showHeader(doc)
	}
	return c.readValue(doc.Body)
}

// A page is one page of a list.
type page struct {
	raw      []byte
	path     []string // the fields that lead to the list; none if the body is the list
	items    []json.RawMessage
	position position
}

// A position says where in a list a page is. Services spell it in several ways.
type position struct {
	Total      loose.Number `json:"total"`
	Limit      loose.Number `json:"limit"`
	Offset     loose.Number `json:"offset"`
	HasMore    loose.Bool   `json:"hasMore"`
	HasMore2   loose.Bool   `json:"has_more"`
	Cursor     loose.Text   `json:"cursor"`
	NextCursor loose.Text   `json:"nextCursor"`
	Next2      loose.Text   `json:"next_cursor"`
}

// isKnown reports whether the page says anything about further pages.
func (p position) isKnown() bool {
	return p.Total.IsSet || p.more().IsSet || p.cursor() != ""
}

func (p position) cursor() string   { return string(cmp.Or(p.NextCursor, p.Next2, p.Cursor)) }
func (p position) more() loose.Bool { return cmp.Or(p.HasMore, p.HasMore2) }

// readPage finds the list of a body: the body itself, its member data, or the only list in one of them.
func readPage(raw []byte) (*page, error) {
	p := &page{raw: raw}
	if json.Unmarshal(raw, &p.items) == nil && p.items != nil {
		return p, nil
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	var data map[string]json.RawMessage
	_ = json.Unmarshal(body["data"], &data) // may be the list
	for _, holder := range []json.RawMessage{raw, body["data"], body["pagination"], data["pagination"]} {
		_ = json.Unmarshal(holder, &p.position)
	}
	switch value, isThere := body["data"]; {
	case isThere && string(value) == "null":
		p.path, p.items = []string{"data"}, []json.RawMessage{}
	case json.Unmarshal(value, &p.items) == nil && p.items != nil:
		p.path = []string{"data"}
	case data != nil:
		p.find(data, "data")
	default:
		p.find(body)
	}
	if p.path == nil {
		return nil, loose.ErrShape
	}
	return p, nil
}

// find sets the list of a page to the only list among the fields of an object.
func (p *page) find(object map[string]json.RawMessage, above ...string) {
	for name, value := range object {
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil || items == nil {
			continue
		}
		if p.path != nil {
			p.path, p.items = nil, nil
			return
		}
		p.path, p.items = slices.Concat(above, []string{name}), items
	}
}

// next returns the query of the page after this one, which query was sent for, and whether there is one.
func (p *page) next(query url.Values) (url.Values, bool, error) {
	next := url.Values{}
	for name, values := range query {
		next[name] = values
	}
	if more := p.position.more(); len(p.items) == 0 || more.IsSet && !more.Value || !p.position.isKnown() {
		return nil, false, nil
	}
	if cursor := p.position.cursor(); cursor != "" {
		if cursor == query.Get("cursor") {
			return nil, false, fmt.Errorf("the service sends the cursor %q again", cursor)
		}
		next.Set("cursor", cursor)
		return next, true, nil
	}
	sent, _ := strconv.ParseInt(query.Get("offset"), 10, 64)
	offset, isSet := p.position.Offset.Count()
	if isSet && offset < sent {
		return nil, false, fmt.Errorf("the service ignores the offset %d", sent)
	}
	end := max(offset, sent) + int64(len(p.items))
	if total, isSet := p.position.Total.Count(); isSet && end >= total && !p.position.more().Value {
		return nil, false, nil
	}
	next.Set("offset", strconv.FormatInt(end, 10))
	return next, true, nil
}

// positionFields are the fields of a body that say where its page is. They do not hold for all pages.
var positionFields = []string{"pagination", "total", "limit", "offset", "hasMore", "has_more", "cursor", "nextCursor", "next_cursor"}

// with returns the body of this page with other items, and without the fields that say where the page is.
func (p *page) with(items []json.RawMessage) (json.RawMessage, error) {
	return replaceList(p.raw, p.path, items)
}

func replaceList(raw json.RawMessage, path []string, items []json.RawMessage) (json.RawMessage, error) {
	if len(path) == 0 {
		return json.Marshal(items)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	for _, name := range positionFields {
		delete(object, name)
	}
	inner, err := replaceList(object[path[0]], path[1:], items)
	if err != nil {
		return nil, err
	}
	object[path[0]] = inner
	return json.Marshal(object)
}
