// Package posters makes posters with Lamina.
package posters

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// A RefusedError is a refusal of the service.
type RefusedError struct {
	Status  int
	Message string `json:"error"`
	Code    string `json:"code"`
	Details []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"details"`
}

func (e *RefusedError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Message) }

// call sends a request to the API and decodes its data. A request that only reads is repeated when the service is busy or fails.
func call(ctx context.Context, method, path string, body, into any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		wait, err := send(ctx, method, path, sent, into)
		if err == nil || wait < 0 || method != http.MethodGet || attempt == 3 {
			return err
		}
		time.Sleep(cmp.Or(wait, time.Duration(attempt)*time.Second))
	}
}

// send sends one request. After a failure, wait is the time that the service asks for, 0 for none, or below 0 if a repetition is useless.
func send(ctx context.Context, method, path string, body []byte, into any) (wait time.Duration, err error) {
	base := cmp.Or(os.Getenv("LAMINA_BASE_URL"), "https://app.uselamina.ai")
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", os.Getenv("LAMINA_API_KEY"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return -1, json.NewDecoder(resp.Body).Decode(&struct{ Data any }{into})
	}
	refused := &RefusedError{Status: resp.StatusCode}
	_ = json.NewDecoder(resp.Body).Decode(refused) // a proxy may send something else
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < 500 {
		return -1, refused
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return time.Duration(seconds) * time.Second, refused
}

// Make makes a poster and returns the bytes of the picture.
func Make(ctx context.Context, text, style string) ([]byte, error) {
	var apps []struct{ AppID string }
	if err := call(ctx, http.MethodGet, "/v1/apps?search=poster", nil, &apps); err != nil {
		return nil, err
	}
	var run struct {
		RunID, Status, ErrorMessage string
		Outputs                     []struct{ Value string }
	}
	inputs := map[string]any{"inputs": map[string]string{"text": text, "style": style}}
	if err := call(ctx, http.MethodPost, "/v1/apps/"+apps[0].AppID+"/runs", inputs, &run); err != nil {
		return nil, err
	}
	for run.Status == "queued" || run.Status == "running" {
		if err := call(ctx, http.MethodGet, "/v1/runs/"+run.RunID+"/wait?timeout=60", nil, &run); err != nil {
			return nil, err
		}
	}
	if run.Status != "completed" {
		return nil, fmt.Errorf("run %s: %s", run.RunID, run.ErrorMessage)
	}
	return download(ctx, run.Outputs[0].Value)
}

func download(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
