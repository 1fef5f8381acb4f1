package laghav

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// An App is an application: keys belong to one, and figures are told for each.
type App struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	CallsToday int     `json:"calls_today"`
	Compressed float64 `json:"compression_avg"` // percent that was saved
	Quality    float64 `json:"quality_avg"`     // 0 to 100
	SavedToday float64 `json:"saved_usd_today"`
	Status     string  `json:"status"`
}

// Apps lists the applications, and returns the answer as it came.
func (c *Client) Apps(ctx context.Context) ([]App, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/applications"}
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	var body struct {
		Applications *[]App `json:"applications"`
	}
	if err := answer.Decode(call, &body); err != nil {
		return nil, nil, err
	}
	if body.Applications == nil {
		return nil, nil, answer.Unexpected(call, "the answer is no list of applications", loose.ErrShape)
	}
	return *body.Applications, answer.Raw, nil
}

// MakeApp makes an application, and with it a key. ID and Name of what is returned are the application's.
func (c *Client) MakeApp(ctx context.Context, name string) (NewKey, json.RawMessage, error) {
	return c.make(ctx, api.Call{Method: http.MethodPost, Path: "/api/applications", Body: map[string]string{"name": name}}, "application", "data")
}
