package api

import (
	"encoding/json"
	"testing"
)

// TestCreditRange: a cost is known only if the service sends a number.
func TestCreditRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw     string
		want    float64
		isKnown bool
	}{
		{`{"estimatedCredits":{"expected":2,"min":1,"max":3}}`, 3, true},
		{`{"estimatedCredits":{"expected":2}}`, 2, true},
		{`{"estimatedCredits":{"max":0}}`, 0, true},
		{`{"estimatedCredits":4.5}`, 4.5, true},
		{`{"estimatedCredits":null}`, 0, false},
		{`{"estimatedCredits":{}}`, 0, false},
		{`{"estimatedCredits":{"min":1,"expected":null,"max":null}}`, 0, false},
		{`{"estimatedCredits":"many"}`, 0, false},
		{`{"estimatedCredits":"4.5"}`, 4.5, true},
		{`{"estimatedCredits":{"expected":2,"max":"22000000"}}`, 22000000, true},
		{`{"estimatedCredits":{"expected":2,"max":{"credits":5}}}`, 2, false},
		{`{"estimatedCredits":"NaN"}`, 0, false},
		{`{"estimatedCredits":"Inf"}`, 0, false},
		{`{"estimatedCredits":-1}`, -1, false},
		{`{}`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			var e CostEstimate
			if err := json.Unmarshal([]byte(tt.raw), &e); err != nil {
				t.Fatal(err)
			}
			if got, isKnown := e.EstimatedCredits.Most(); got != tt.want || isKnown != tt.isKnown {
				t.Errorf("got %g, %t, want %g, %t", got, isKnown, tt.want, tt.isKnown)
			}
		})
	}
}

// TestLocalFileIsNeverSent: the name of a file cannot reach the service in place of a URL.
func TestLocalFileIsNeverSent(t *testing.T) {
	t.Parallel()
	app := App{Parameters: []Parameter{{ID: "1", Key: "photo", Type: "url", Accept: []string{"image"}}, {ID: "2", Key: "text", Type: "text"}}}
	inputs, problems := app.CheckInputs(map[string]any{"photo": "@me.jpg", "text": "@me"})
	if len(problems) > 0 || inputs["text"] != "@me" {
		t.Fatalf("got %v and the problems %v, want the text as it is", inputs, problems)
	}
	if file, isFile := inputs["photo"].(LocalFile); !isFile || file.Path != "me.jpg" || len(file.Accept) != 1 {
		t.Errorf("got %#v, want the file me.jpg", inputs["photo"])
	}
	if raw, err := json.Marshal(inputs); err == nil {
		t.Errorf("got %s, want an error", raw)
	}
}
