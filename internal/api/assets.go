package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/uselamina/lamina/internal/api/loose"
)

// An Asset is one item of GET /v1/assets: what a run made, or an uploaded file.
type Asset struct {
	ID          loose.Text `json:"id"`
	RunID       loose.Text `json:"runId"` // empty for an upload
	NodeLabel   loose.Text `json:"nodeLabel"`
	OutputType  loose.Text `json:"outputType"`
	SourceURL   loose.Text `json:"sourceUrl"`
	CDNURL      loose.Text `json:"cdnUrl"`
	TextContent loose.Text `json:"textContent"`
	Status      loose.Text `json:"status"`
	CreatedAt   loose.Time `json:"createdAt"`
}

// An AssetFilter selects assets. The zero value of a field selects all.
type AssetFilter struct {
	RunID      string
	OutputType string
	Limit      int // at most 100; 0 means the default of the service, 25
	Offset     int
}

// ListAssets returns one page of assets, newest first.
func (c *Client) ListAssets(ctx context.Context, f AssetFilter) (*Reply[[]Asset], error) {
	query := url.Values{}
	setText(query, "runId", f.RunID)
	setText(query, "outputType", f.OutputType)
	setNumber(query, "limit", f.Limit)
	setNumber(query, "offset", f.Offset)
	return call[[]Asset](ctx, c, Call{Method: http.MethodGet, Path: "/v1/assets", Query: query})
}

// setText sets a parameter of a query, unless the value is empty.
func setText(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// setNumber sets a parameter of a query, unless the value is 0.
func setNumber(query url.Values, name string, value int) {
	if value != 0 {
		query.Set(name, strconv.Itoa(value))
	}
}

// UploadURLs returns a presigned URL for each file, in the order of the files. It costs nothing, so it may be repeated.
func (c *Client) UploadURLs(ctx context.Context, files []UploadFile) ([]Upload, error) {
	req := Call{Method: http.MethodPost, Path: "/v1/assets/upload-urls", Body: UploadFiles{Files: files}, Repeatable: true}
	reply, err := call[UploadURLs](ctx, c, req)
	if err != nil {
		return nil, err
	}
	got := reply.Data.Uploads
	for i := range files {
		if len(got) != len(files) || got[i].UploadURL == "" || got[i].AssetURL == "" {
			return nil, &UnexpectedError{
				Method: req.Method, Path: req.Path, Status: http.StatusOK, Err: errors.New("an upload lacks its addresses"),
				Reason: "the response has no addresses for each file",
			}
		}
	}
	return got, nil
}
