package term

import (
	"errors"
	"os/exec"
	"testing"
)

func TestWhichBrowser(t *testing.T) {
	t.Parallel()
	installed := map[string]string{"firefox": "/bin/firefox", "www-browser": "/bin/www-browser", "open": "/usr/bin/open"}
	find := func(name string) (string, error) {
		if path := installed[name]; path != "" {
			return path, nil
		}
		return "", exec.ErrNotFound
	}
	tests := []struct {
		name    string
		browser string // BROWSER
		system  string
		want    string // empty: an error
	}{
		{"first known program", "", "linux", "/bin/www-browser"},
		{"macOS", "", "darwin", "/usr/bin/open"},
		{"Windows", "", "windows", "the default browser of Windows"},
		{"BROWSER with arguments", "firefox --new-window", "linux", "/bin/firefox"},
		{"BROWSER not installed", "chromium", "linux", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := whichBrowser(env("BROWSER="+tt.browser), tt.system, find)
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	none := func(string) (string, error) { return "", exec.ErrNotFound }
	if _, err := whichBrowser(env(), "linux", none); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
