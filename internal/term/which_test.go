package term

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestWhichBrowser(t *testing.T) {
	t.Parallel()
	installed := map[string]string{"firefox": "/bin/firefox", "www-browser": "/bin/www-browser", "open": "/usr/bin/open",
		"wslview": "/bin/wslview", "/opt/My Browser/start": "/opt/My Browser/start"}
	find := func(name string) (string, error) {
		if path := installed[name]; path != "" {
			return path, nil
		}
		return "", exec.ErrNotFound
	}
	tests := []struct {
		name   string
		env    string // BROWSER, or a setting
		system string
		want   string // empty: an error
	}{
		{"first known program", "", "linux", "/bin/www-browser"},
		{"macOS", "", "darwin", "/usr/bin/open"},
		{"Windows", "", "windows", "the default browser of Windows"},
		{"BROWSER with arguments", "firefox --new-window", "linux", "/bin/firefox"},
		{"BROWSER not installed", "chromium", "linux", ""},
		{"first installed program of a list", "chromium --x:firefox '--title=a:b':open", "linux", "/bin/firefox"},
		{"nothing of a list installed", "chromium:opera", "linux", ""},
		{"path with spaces", "/opt/My Browser/start", "linux", "/opt/My Browser/start"},
		{"quoted path", "'/opt/My Browser/start' --x", "linux", "/opt/My Browser/start"},
		{"WSL", "WSL_DISTRO_NAME=Ubuntu", "linux", "/bin/wslview"},
		{"Termux without its program", "TERMUX_VERSION=0.118", "linux", "/bin/www-browser"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			setting := tt.env
			if !strings.Contains(setting, "=") || strings.Contains(setting, "--") {
				setting = "BROWSER=" + setting
			}
			got, err := whichBrowser(env(setting), tt.system, find)
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
