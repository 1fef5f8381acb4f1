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
	for _, tt := range []struct {
		env    []string
		system string
		want   string
	}{
		{nil, "linux", "/bin/www-browser"},
		{nil, "darwin", "/usr/bin/open"},
		{nil, "windows", "the default browser of Windows"},
		{[]string{"BROWSER=firefox --new-window"}, "linux", "/bin/firefox"},
		{[]string{"BROWSER=chromium"}, "linux", ""},
	} {
		got, err := whichBrowser(env(tt.env...), tt.system, find)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%+v: got %q, %v", tt, got, err)
		}
	}
	none := func(string) (string, error) { return "", exec.ErrNotFound }
	if _, err := whichBrowser(env(), "linux", none); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
