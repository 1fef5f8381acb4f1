package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// TestWaitForManyRuns: `runs wait` of 50 runs that go on at the same time sends fewer requests than the service permits in a minute,
// however long the wait is: the platform counts them.
func TestWaitForManyRuns(t *testing.T) {
	t.Parallel()
	const runs, limit = 50, 100
	dev := newDev(t)
	call := func(method, path, body string) []byte {
		req, err := http.NewRequest(method, dev.BaseURL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", dev.APIKey)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s %s: got %s %s, %v", method, path, resp.Status, raw, err)
		}
		return raw
	}
	var apps struct {
		Data []struct{ AppID, Name string }
	}
	if err := json.Unmarshal(call("GET", "/v1/apps", ""), &apps); err != nil {
		t.Fatal(err)
	}
	countdown := ""
	for _, app := range apps.Data {
		if app.Name == "Countdown" {
			countdown = app.AppID
		}
	}
	var ids []string
	for range runs {
		var started struct{ Data struct{ RunID string } }
		if err := json.Unmarshal(call("POST", "/v1/apps/"+countdown+"/runs", `{"inputs":{"seconds":"0"}}`), &started); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, started.Data.RunID)
	}
	for _, format := range []string{"json", "text"} {
		call("DELETE", "/dev/requests", "")
		cmd := exec.Command("lamina", append([]string{"runs", "wait", "--quiet", "-o", format}, ids...)...)
		cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir(), "LAMINA_BASE_URL="+dev.BaseURL, "LAMINA_API_KEY="+dev.APIKey)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("got %v: %s", err, out)
		}
		var log struct {
			Data []struct{ Method, Path, Client string }
		}
		if err := json.Unmarshal(call("GET", "/dev/requests", ""), &log); err != nil {
			t.Fatal(err)
		}
		sent, all := 0, fmt.Sprint(log.Data)
		for _, r := range log.Data {
			if strings.HasPrefix(r.Path, "/v1/") {
				sent++
			}
		}
		t.Logf("%s: %d requests for %d runs", format, sent, runs)
		if sent >= limit {
			t.Errorf("%s: got %d requests, want fewer than %d", format, sent, limit)
		}
		for _, id := range ids {
			if !strings.Contains(all, id) || !strings.Contains(string(out), id) {
				t.Errorf("%s: got no request for the run %s, or not its state", format, id)
			}
		}
	}
}
