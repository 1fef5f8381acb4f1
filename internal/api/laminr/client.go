// Package laminr is the client of Laminr's files. The addresses of packages and results are not documented.
package laminr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// A Client calls the API.
type Client struct {
	API *api.Client
	// Storage puts bytes to presigned addresses, which are of another host. It must add no credential; nil means a plain
	// client.
	Storage *http.Client
	// Patience is how long an upload may stand still; 0 means one minute.
	Patience time.Duration
}

// The address of files: Laminr's documentation has both, the first where files are listed, the second where they are made.
const (
	shortPath = "/v1/files"
	longPath  = "/api/v1/files"
)

// do sends a call to the first of some addresses that the service knows. One that it does not know did nothing.
func (c *Client) do(ctx context.Context, call api.Call, paths ...string) (*api.Answer, api.Call, error) {
	var first error
	for _, path := range paths {
		call.Path = path
		answer, err := c.API.Do(ctx, call)
		if !isNotThere(err) {
			return answer, call, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, call, first
}

// isNotThere reports whether a service, or what stands before it, does not know an address or the method there.
func isNotThere(err error) bool {
	var refused *api.Error
	var unexpected *api.UnexpectedError
	status := 0
	switch {
	case errors.As(err, &refused):
		status = refused.Status
	case errors.As(err, &unexpected):
		status = unexpected.Status
	}
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed
}

// A File is one that was uploaded. What is not told is empty: the shape of the list is not documented.
type File struct {
	URI         string
	Name        string
	ContentType string
	Size        int64 // bytes; -1 if it is not told
	CreatedAt   string
}

// Files are those of the tenant.
type Files struct {
	Items []File
	Raw   json.RawMessage // the answer as it came
}

// Files lists the tenant's files.
func (c *Client) Files(ctx context.Context) (*Files, error) {
	answer, call, err := c.do(ctx, api.Call{Method: http.MethodGet}, shortPath, longPath)
	if err != nil {
		return nil, err
	}
	items, err := readFiles(answer.Raw)
	if err != nil {
		return nil, answer.Unexpected(call, "the answer is no list of files", err)
	}
	return &Files{Items: items, Raw: answer.Raw}, nil
}

var errShape = errors.New("there is no list in it")

// readFiles reads a list, bare or in an object, with names of fields as such services have them.
func readFiles(raw json.RawMessage) ([]File, error) {
	var items []map[string]json.RawMessage
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &items) != nil || items == nil {
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
		found := false
		for _, name := range []string{"files", "data", "items", "results"} {
			items = nil
			if found = json.Unmarshal(object[name], &items) == nil && items != nil; found {
				break
			}
		}
		if !found {
			return nil, errShape
		}
	}
	files := []File{}
	for _, item := range items {
		files = append(files, File{
			URI: text(item, "uri", "id", "file_id", "key"), Name: text(item, "file_name", "fileName", "filename", "name"),
			ContentType: text(item, "content_type", "contentType", "mime_type", "type"), Size: size(item),
			CreatedAt: text(item, "created_at", "createdAt", "uploaded_at", "uploadedAt"),
		})
	}
	return files, nil
}

// text is the first string under some names.
func text(item map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(item[name], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

func size(item map[string]json.RawMessage) int64 {
	for _, name := range []string{"size", "file_size", "size_bytes", "bytes"} {
		var n *int64
		if json.Unmarshal(item[name], &n) == nil && n != nil && *n >= 0 {
			return *n
		}
	}
	return -1
}

// A Ticket is where the bytes of a file go, and what the file is called from then on.
type Ticket struct {
	UploadURL string // presigned: whoever knows it can put the bytes
	URI       string
}

// Ticket asks for the right to upload a file.
func (c *Client) Ticket(ctx context.Context, name string) (*Ticket, error) {
	call := api.Call{Method: http.MethodPost, Body: map[string]string{"file_name": name}}
	answer, call, err := c.do(ctx, call, longPath, shortPath)
	if err != nil {
		return nil, err
	}
	t, err := readTicket(answer.Raw)
	if err != nil {
		return nil, answer.Unexpected(call, "the answer names no address for the upload", err)
	}
	return t, nil
}

// readTicket reads a ticket, bare or in data.
func readTicket(raw json.RawMessage) (*Ticket, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(object["data"], &inner) == nil && inner != nil {
		object = inner
	}
	t := &Ticket{UploadURL: text(object, "upload_url", "uploadUrl"), URI: text(object, "uri")}
	if err := checkUploadURL(t.UploadURL); err != nil {
		return nil, fmt.Errorf("upload_url: %w", err)
	}
	if t.URI == "" {
		return nil, errors.New("uri is missing")
	}
	return t, nil
}
