package posters

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
)

// faults controls the local platform: https://github.com/uselamina/lamina/blob/main/docs/dev.md#planned-faults
func faults(t *testing.T, method, plan string) {
	t.Helper()
	base := os.Getenv("LAMINA_BASE_URL")
	if base == "" {
		t.Skip("run these tests with: lamina dev -- go test ./...")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+"/dev/faults", strings.NewReader(plan))
	if err != nil {
		t.Fatal(err)
	}
	if plan != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("got %s for the plan %s", resp.Status, plan)
	}
}

func TestMakesAPNG(t *testing.T) {
	faults(t, "DELETE", "")
	picture, err := Make(t.Context(), "Hello", "Bold")
	if err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("got %d bytes and %v, want a PNG", len(picture), err)
	}
}

func TestSaysWhichInputIsWrong(t *testing.T) {
	faults(t, "DELETE", "")
	_, err := Make(t.Context(), "Hello", "Loud")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Code != "VALIDATION_ERROR" || refused.Details[0].Field != "style" {
		t.Errorf("got %v, want a refusal of style", err)
	}
}

func TestSurvivesAServiceThatFailsOnce(t *testing.T) {
	faults(t, "DELETE", "")
	faults(t, "POST", `{"path": "/v1/runs/*", "status": 503}`)
	if picture, err := Make(t.Context(), "Patience", "Bold"); err != nil || len(picture) < 1000 {
		t.Errorf("got %d bytes and %v, want a picture", len(picture), err)
	}
}

func TestStartsNoSecondRunWhenTheServiceFails(t *testing.T) {
	faults(t, "DELETE", "")
	faults(t, "POST", `{"path": "/v1/apps/*", "method": "POST", "status": 503}`)
	if _, err := Make(t.Context(), "Once", "Bold"); err == nil {
		t.Error("got a poster, want the failure")
	}
}
