// Package laminr is the client of Laminr's files. Laminr's endpoints for packages and results are not documented.
package laminr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// A Client calls the API.
type Client struct {
	API *api.Client
	// Storage sends files to presigned URLs, which are of another host. It must not add credentials; nil means a plain client.
	Storage *http.Client
	// Patience is the longest time of an upload without progress; 0 means one minute.
	Patience time.Duration
}

// The paths of files. Laminr's documentation has both: the first for the list of files, the second for uploads.
const (
	shortPath = "/v1/files"
	longPath  = "/api/v1/files"
)

// do sends a call to the first of some paths that exists. A path that does not exist has no effect.
func (c *Client) do(ctx context.Context, call api.Call, paths ...string) (*api.Response, api.Call, error) {
	var first error
	for _, path := range paths {
		call.Path = path
		resp, err := c.API.Do(ctx, call)
		if !isMissing(err) {
			return resp, call, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, call, first
}

// isMissing reports whether the service, or a gateway, does not know the path or the method.
func isMissing(err error) bool {
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

// A File is an uploaded file. All fields may be empty, because the list is not documented.
type File struct {
	URI         string
	Name        string
	ContentType string
	Size        int64 // bytes; -1 if unknown
	CreatedAt   string
}

// Files are the files of the tenant.
type Files struct {
	Items []File
	Raw   json.RawMessage // the response
}

// Files returns the files of the tenant.
func (c *Client) Files(ctx context.Context) (*Files, error) {
	resp, call, err := c.do(ctx, api.Call{Method: http.MethodGet}, shortPath, longPath)
	if err != nil {
		return nil, err
	}
	items, err := readFiles(resp.Raw)
	if err != nil {
		return nil, resp.Unexpected(call, "the response is not a list of files", err)
	}
	return &Files{Items: items, Raw: resp.Raw}, nil
}

// wireFile is a file in a list, with every field name that such services use.
type wireFile struct {
	URI    string `json:"uri"`
	ID     string `json:"id"`
	FileID string `json:"file_id"`
	Key    string `json:"key"`

	FileName      string `json:"file_name"`
	FileNameCamel string `json:"fileName"`
	Name          string `json:"name"`

	ContentType      string `json:"content_type"`
	ContentTypeCamel string `json:"contentType"`
	MIMEType         string `json:"mime_type"`
	Type             string `json:"type"`

	Size      loose.Number `json:"size"`
	FileSize  loose.Number `json:"file_size"`
	SizeBytes loose.Number `json:"size_bytes"`
	Bytes     loose.Number `json:"bytes"`

	CreatedAt       string `json:"created_at"`
	CreatedAtCamel  string `json:"createdAt"`
	UploadedAt      string `json:"uploaded_at"`
	UploadedAtCamel string `json:"uploadedAt"`
}

func (w wireFile) file() File {
	size := int64(-1)
	for _, n := range []loose.Number{w.Size, w.FileSize, w.SizeBytes, w.Bytes} {
		if count, ok := n.Count(); ok {
			size = count
			break
		}
	}
	return File{
		URI: cmp.Or(w.URI, w.ID, w.FileID, w.Key), Name: cmp.Or(w.FileName, w.FileNameCamel, w.Name),
		ContentType: cmp.Or(w.ContentType, w.ContentTypeCamel, w.MIMEType, w.Type), Size: size,
		CreatedAt: cmp.Or(w.CreatedAt, w.CreatedAtCamel, w.UploadedAt, w.UploadedAtCamel),
	}
}

// readFiles reads a list of files, bare or in an object.
func readFiles(raw json.RawMessage) ([]File, error) {
	list, err := loose.List(raw, "files", "data", "items", "results")
	if err != nil {
		return nil, err
	}
	files := []File{}
	for _, item := range loose.Items[wireFile](list) {
		files = append(files, item.file())
	}
	return files, nil
}

// A Ticket is the permission to upload a file.
type Ticket struct {
	UploadURL string // presigned, and therefore secret
	URI       string // of the file after the upload
}

// Ticket requests the permission to upload a file with the given name.
func (c *Client) Ticket(ctx context.Context, name string) (*Ticket, error) {
	call := api.Call{Method: http.MethodPost, Body: map[string]string{"file_name": name}}
	resp, call, err := c.do(ctx, call, longPath, shortPath)
	if err != nil {
		return nil, err
	}
	t, err := readTicket(resp.Raw)
	if err != nil {
		return nil, resp.Unexpected(call, "the response has no URL for the upload", err)
	}
	return t, nil
}

// readTicket reads a ticket, bare or in data.
func readTicket(raw json.RawMessage) (*Ticket, error) {
	object, err := loose.Object(raw, "data")
	if err != nil {
		return nil, err
	}
	var w struct {
		UploadURL      string `json:"upload_url"`
		UploadURLCamel string `json:"uploadUrl"`
		URI            string `json:"uri"`
	}
	if err := loose.Unmarshal(object, &w); err != nil {
		return nil, err
	}
	t := &Ticket{UploadURL: cmp.Or(w.UploadURL, w.UploadURLCamel), URI: w.URI}
	if err := checkUploadURL(t.UploadURL); err != nil {
		return nil, fmt.Errorf("upload_url: %w", err)
	}
	if t.URI == "" {
		return nil, errors.New("uri is missing")
	}
	return t, nil
}
