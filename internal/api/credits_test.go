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
