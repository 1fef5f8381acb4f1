package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/uselamina/lamina/internal/api/loose"
)

// A Channel is one item of GET /v1/publishing/channels: a connected account of a social network.
type Channel struct {
	ID           loose.Text `json:"id"`
	Platform     loose.Text `json:"platform"`
	AccountName  loose.Text `json:"accountName"`
	AccountType  loose.Text `json:"accountType"`
	Username     loose.Text `json:"username"`
	HasInstagram loose.Bool `json:"hasInstagram"`
	CreatedAt    loose.Time `json:"createdAt"`
}

// A Publish is the body of POST /v1/publishing/publish. At least one of ImageURL, VideoURL and Caption is set.
type Publish struct {
	AccountIDs []string `json:"accountIds"`
	ImageURL   string   `json:"imageUrl,omitempty"`
	VideoURL   string   `json:"videoUrl,omitempty"`
	Caption    string   `json:"caption,omitempty"`
}

// A Published is the response of POST /v1/publishing/publish. The documentation has no summary.
type Published struct {
	Results []PublishResult `json:"results"`
}

// A PublishResult is the outcome for one channel. Status is success or error; the documentation has published.
type PublishResult struct {
	AccountID   loose.Text `json:"accountId"`
	Platform    loose.Text `json:"platform"`
	AccountName loose.Text `json:"accountName"`
	Status      loose.Text `json:"status"`
	PostURL     loose.Text `json:"postUrl"`
	Error       loose.Text `json:"error"`
}

// Failed reports whether the channel did not take the post.
func (r PublishResult) Failed() bool {
	return r.Error != "" || r.Status != "success" && r.Status != "published"
}

// A TransferAsset is the body of POST /v1/publishing/transfer-asset. MediaType is image, video or audio.
type TransferAsset struct {
	SourceURL string `json:"sourceUrl"`
	MediaType string `json:"mediaType"`
	Filename  string `json:"filename,omitempty"`
}

// A TransferredAsset is the response of POST /v1/publishing/transfer-asset. The documentation has only URL.
type TransferredAsset struct {
	CDNURL   loose.Text `json:"cdnUrl"`
	URL      loose.Text `json:"url"`
	AssetID  loose.Text `json:"assetId"`
	Filename loose.Text `json:"filename"`
}

// A Publication is one item of GET /v1/publishing/history. Status is published, failed or pending.
type Publication struct {
	ID          loose.Text `json:"id"`
	Platform    loose.Text `json:"platform"`
	ContentType loose.Text `json:"contentType"`
	ContentURL  loose.Text `json:"contentUrl"`
	Caption     loose.Text `json:"caption"`
	PostURL     loose.Text `json:"postUrl"`
	Status      loose.Text `json:"status"`
	Error       loose.Text `json:"error"`
	PublishedAt loose.Time `json:"publishedAt"`
	CreatedAt   loose.Time `json:"createdAt"`
}

// A HistoryFilter selects publications. The zero value of a field selects all.
type HistoryFilter struct {
	Status   string
	Platform string
	Limit    int // at most 100; 0 means the default of the service, 25
}

// Channels returns the channels to which the workspace can publish.
func (c *Client) Channels(ctx context.Context) (*Reply[[]Channel], error) {
	return call[[]Channel](ctx, c, Call{Method: http.MethodGet, Path: "/v1/publishing/channels"})
}

// Publish posts to channels. The request is repeated only if it certainly posted nothing.
func (c *Client) Publish(ctx context.Context, req Publish) (*Reply[Published], error) {
	return call[Published](ctx, c, Call{Method: http.MethodPost, Path: "/v1/publishing/publish", Body: req})
}

// TransferAsset copies the file at a URL to the CDN of the service. It may be repeated: at worst there are two copies.
func (c *Client) TransferAsset(ctx context.Context, req TransferAsset) (*Reply[TransferredAsset], error) {
	return call[TransferredAsset](ctx, c, Call{
		Method: http.MethodPost, Path: "/v1/publishing/transfer-asset", Body: req, Repeatable: true,
	})
}

// PublishingHistory returns what was published, newest first.
func (c *Client) PublishingHistory(ctx context.Context, f HistoryFilter) (*Reply[[]Publication], error) {
	query := url.Values{}
	setText(query, "status", f.Status)
	setText(query, "platform", f.Platform)
	setNumber(query, "limit", f.Limit)
	return call[[]Publication](ctx, c, Call{Method: http.MethodGet, Path: "/v1/publishing/history", Query: query})
}
