package doctor

import (
	"os"
	"testing"
)

func TestCheckLoopback(t *testing.T) {
	t.Parallel()
	e := examine(t, newSessions(t))
	expect(t, checkLoopback4(t.Context(), e), OK, "127.0.0.1")
	if got := checkLoopback6(t.Context(), e); got.Status != OK && got.Status != Skipped {
		t.Errorf("got %s %q, want ok, or skip without IPv6", got.Status, got.Text)
	}
}

func TestCheckBrowser(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, browser string
		status        Status
		text          string
	}{
		{"none", "none", Warning, "BROWSER is set to none"},
		{"missing", "no-such-browser", Warning, "no-such-browser is not found"},
		{"found", program, OK, program},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := checkBrowser(t.Context(), examine(t, newSessions(t, "BROWSER="+tt.browser)))
			expect(t, got, tt.status, tt.text)
			if want := "lamina login --device"; got.Status == Warning && got.Fix != want {
				t.Errorf("got the fix %q, want %q", got.Fix, want)
			}
		})
	}
}
