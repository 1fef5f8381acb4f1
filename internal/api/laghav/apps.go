package laghav

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// An App is an application. Each key belongs to one, and the service reports figures for each.
type App struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	CallsToday int     `json:"calls_today"`
	Compressed float64 `json:"compression_avg"` // saved tokens in percent
	Quality    float64 `json:"quality_avg"`     // 0 to 100
	SavedToday float64 `json:"saved_usd_today"`
	Status     string  `json:"status"`
}

// Apps returns the applications, and the response as JSON.
func (c *Client) Apps(ctx context.Context) ([]App, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/applications"}
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	var body struct {
		Applications *[]App `json:"applications"`
	}
	if err := resp.Decode(call, &body); err != nil {
		return nil, nil, err
	}
	if body.Applications == nil {
		return nil, nil, resp.Unexpected(call, "the response is not a list of applications", loose.ErrShape)
	}
	return *body.Applications, resp.Raw, nil
}

// MakeApp creates an application with a key. ID and Name of the result are those of the application.
func (c *Client) MakeApp(ctx context.Context, name string) (NewKey, json.RawMessage, error) {
	return c.create(ctx, api.Call{Method: http.MethodPost, Path: "/api/applications", Body: map[string]string{"name": name}}, "application", "data")
}
