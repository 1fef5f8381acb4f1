package config

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestParsePin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want Project
		line int    // of the error
		says string // in the error
	}{
		{text: ""},
		{text: "# nothing\n\n  # at all"},
		{text: "profile = \"work\"", want: Project{Profile: "work"}},
		{text: "profile='work'# mine\r\nworkspace\t=\t\"ws_1\"  # ours\r\n", want: Project{Profile: "work", Workspace: "ws_1"}},
		{text: "base_url = \"https://a.example/#x\"\n", want: Project{BaseURL: "https://a.example/#x"}},
		{text: "profile = work", line: 1, says: "not understood"},
		{text: "\nprofile = \"work", line: 2, says: "not understood"},
		{text: "profile = \"work\" x", line: 1, says: "not understood"},
		{text: "profile = \"\"\"work\"\"\"", line: 1, says: "not understood"},
		{text: "profile", line: 1, says: "not understood"},
		{text: "profile = \"", line: 1, says: "not understood"},
		{text: "[table]\nprofile = \"work\"", line: 1, says: "not understood"},
		{text: "profile = \"\"", line: 1, says: "is empty"},
		{text: "profile = \"../x\"", line: 1, says: "names no profile"},
		{text: "profile = \"a\\u0062\"", line: 1, says: "backslash"},
		{text: "workspace = \"a\x1b[2Jb\"", line: 1, says: "control character"},
		{text: "profile = \"a\"\nprofile = \"b\"", line: 2, says: "a second time"},
		{text: "colour = \"red\"", line: 1, says: "does not have"},
		{text: "#\napi_key = \"abc\"", line: 2, says: "looks like a secret"},
		{text: "accessToken = \"abc\"", line: 1, says: "looks like a secret"},
		{text: "CLIENT_SECRET = 'abc'", line: 1, says: "looks like a secret"},
		{text: "workspace = \"lma_abc\"", line: 1, says: "looks like a secret"},
		{text: "workspace = \"\xff\"", says: "UTF-8"},
	} {
		pin, err := parseProject(test.text)
		var refused *ProjectError
		switch {
		case test.says == "" && (err != nil || *pin != test.want):
			t.Errorf("%q: %v, %v; want %v", test.text, pin, err, test.want)
		case test.says != "" && (!errors.As(err, &refused) || refused.Line != test.line || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%q: %v; want line %d, %q", test.text, err, test.line, test.says)
		case err != nil && (strings.Contains(err.Error(), "abc") || strings.Contains(err.Error(), "\x1b")):
			t.Errorf("%q is quoted: %v", test.text, err)
		}
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add("profile = \"work\" # x\nbase_url='https://a.example'\nworkspace = \"ws\"\n")
	f.Add("api_key = \"x\"\n[a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		pin, err := parseProject(text)
		if err != nil {
			return
		}
		if pin.Profile != "" && !isProfileName(pin.Profile) || strings.ContainsAny(pin.BaseURL+pin.Workspace, "\x00\x1b\r\n\\") {
			t.Errorf("%q was read as %v", text, pin)
		}
		for _, value := range []string{pin.Profile, pin.BaseURL, pin.Workspace} {
			if !strings.Contains(text, value) || strings.HasPrefix(value, "lma_") {
				t.Errorf("%q was read as %q", text, value)
			}
		}
	})
}

func TestFindProject(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	deep := filepath.Join(home, "a", "b", "c")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	find := func(folder, home string) string {
		t.Helper()
		pin, err := FindProject(folder, home)
		if err != nil {
			t.Fatal(err)
		}
		if pin == nil {
			return ""
		}
		return pin.Path
	}
	put := func(folder, profile string) string {
		t.Helper()
		path := filepath.Join(folder, ProjectFile)
		if err := os.WriteFile(path, []byte(`profile = "`+profile+`"`), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got := find(deep, home); got != "" {
		t.Errorf("found %s where there is none", got)
	}
	atHome := put(home, "home")
	if got := find(deep, home); got != atHome {
		t.Errorf("found %q, want that of the home folder", got)
	}
	if got := find(deep, filepath.Join(home, "a")); got != "" {
		t.Errorf("found %s above the home folder", got)
	}
	if got := find(deep, "/elsewhere"); got != atHome {
		t.Errorf("outside of the home folder: %q", got)
	}
	nearer := put(filepath.Join(home, "a"), "near")
	if got := find(deep, home); got != nearer {
		t.Errorf("found %q, want the nearest", got)
	}
}

func TestUntrustedPinsAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	t.Parallel()
	for name, test := range map[string]struct {
		make func(path string) error
		root bool
		says string
	}{
		"writable by everyone": {says: "chmod", make: func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(`profile = "x"`), 0o600), os.Chmod(path, 0o602))
		}},
		"a folder": {says: "regular file", make: func(path string) error { return os.Mkdir(path, 0o700) }},
		"a pipe": {says: "regular file", make: func(path string) error {
			return exec.Command("mkfifo", path).Run() // opening it would hang
		}},
		"a link that leads nowhere": {says: "no such file", make: func(path string) error {
			return os.Symlink("nowhere", path)
		}},
		"huge": {says: "larger", make: func(path string) error {
			return os.WriteFile(path, make([]byte, maxProject+1), 0o600)
		}},
		"of another user": {root: true, says: "another user", make: func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(`profile = "x"`), 0o600), os.Chown(path, 65534, 65534))
		}},
		"a link of another user": {root: true, says: "another user", make: func(path string) error {
			target := path + ".ours"
			return errors.Join(os.WriteFile(target, []byte(`profile = "x"`), 0o600), os.Symlink(target, path), os.Lchown(path, 65534, 65534))
		}},
		"a link to another user's": {root: true, says: "another user", make: func(path string) error {
			target := path + ".theirs"
			return errors.Join(os.WriteFile(target, []byte(`profile = "x"`), 0o600), os.Chown(target, 65534, 65534), os.Symlink(target, path))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.root && os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			t.Parallel()
			folder := t.TempDir()
			if err := test.make(filepath.Join(folder, ProjectFile)); err != nil {
				t.Fatal(err)
			}
			_, err := FindProject(folder, folder)
			var refused *ProjectError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}
