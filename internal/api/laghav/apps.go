package laghav

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// An App is an application. Each key belongs to one, and Laghav keeps figures for each.
type App struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	CallsToday int     `json:"calls_today"`
	Compressed float64 `json:"compression_avg"` // saved tokens, in percent
	Quality    float64 `json:"quality_avg"`     // 0 to 100
	SavedToday float64 `json:"saved_usd_today"`
	Status     string  `json:"status"`
}

// Apps lists the applications. It also returns the response as JSON.
func (c *Client) Apps(ctx context.Context) ([]App, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/applications"}
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	list, err := loose.List(resp.Raw, "applications", "data", "items")
	if err != nil {
		return nil, nil, resp.Unexpected(call, "the response is not a list of applications", err)
	}
	return loose.Items[App](list), resp.Raw, nil
}

// SeveralAppsError means that a call needs an application, names none, and that the account does not have exactly one.
type SeveralAppsError struct {
	IDs []string // of all applications; empty if there is none
}

// Error returns the number of applications.
func (e *SeveralAppsError) Error() string {
	return fmt.Sprintf("there are %d applications, and none is named", len(e.IDs))
}

// FindApp returns the id of the application to use: id, or that of the only application if id is empty. Errors: those of Apps,
// and *SeveralAppsError.
func (c *Client) FindApp(ctx context.Context, id string) (string, error) {
	if id != "" {
		return id, nil
	}
	apps, _, err := c.Apps(ctx)
	if err != nil {
		return "", err
	}
	if len(apps) == 1 {
		return apps[0].ID, nil
	}
	several := &SeveralAppsError{}
	for _, a := range apps {
		several.IDs = append(several.IDs, a.ID)
	}
	return "", several
}

// CreateApp creates an application, which gets a key. The ID and the Name of the result are those of the application. The call is
// not repeated, because a lost response loses the key; api.MayHaveRun reports that.
func (c *Client) CreateApp(ctx context.Context, name string) (NewKey, json.RawMessage, error) {
	return c.createKey(ctx, api.Call{Method: http.MethodPost, Path: "/api/applications", Body: map[string]string{"name": name}}, "application", "data")
}
