package config

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
)

func TestParseProject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		text string
		want Project
		line int    // of the error
		err  string // a part of the error
	}{
		{name: "empty"},
		{name: "comments", text: "# nothing\n\n  # at all"},
		{name: "profile", text: "profile = \"work\"", want: Project{Profile: "work"}},
		{
			name: "single quotes, comments, CRLF", text: "profile='work'# mine\r\nworkspace\t=\t\"ws_1\"  # ours\r\n",
			want: Project{Profile: "work", Workspace: "ws_1"},
		},
		{name: "number sign in a value", text: "base_url = \"https://a.example/#x\"\n", want: Project{BaseURL: "https://a.example/#x"}},
		{name: "quoted key", text: "\"profile\" = \"work\"", want: Project{Profile: "work"}},
		{name: "multi-line string", text: "profile = \"\"\"work\"\"\"", want: Project{Profile: "work"}},
		{name: "escape", text: "profile = \"a\\u0062\"", want: Project{Profile: "ab"}},
		{name: "value without quotes", text: "profile = work", line: 1, err: "is not valid"},
		{name: "open quote", text: "\nprofile = \"work", line: 2, err: "is not valid"},
		{name: "text after the value", text: "profile = \"work\" x", line: 1, err: "is not valid"},
		{name: "key without a value", text: "# a\nprofile", line: 2, err: "is not valid"},
		{name: "number", text: "profile = 5", line: 1, err: "is not valid"},
		{name: "array", text: "#\nworkspace = [\"ws\"]", line: 2, err: "is not valid"},
		{name: "table", text: "[table]\nprofile = \"work\"", line: 1, err: "is not valid"},
		{name: "dotted key", text: "profile.name = \"work\"", line: 1, err: "is not valid"},
		{name: "key set twice", text: "profile = \"a\"\nprofile = \"b\"", line: 2, err: "sets a key that a line above it sets"},
		{name: "not UTF-8", text: "workspace = \"\xff\"", line: 1, err: "is not valid"},
		{name: "control character", text: "workspace = \"a\x1b[2Jb\"", line: 1, err: "is not valid"},
		{name: "escaped control character", text: "\nworkspace = \"a\\u001b[2Jb\"", line: 2, err: "control character"},
		{name: "empty value", text: "profile = \"\"", line: 1, err: "is empty"},
		{name: "not a profile name", text: "profile = \"../x\"", line: 1, err: "is not a profile name"},
		{name: "unknown key", text: "profile = \"a\"\ncolour = \"red\"", line: 2, err: "unknown key"},
		{name: "key in upper case", text: "Profile = \"a\"", line: 1, err: "unknown key"},
		{name: "first of two problems", text: "workspace = \"\"\nprofile = \"\"\ncolour = \"red\"", line: 1, err: "is empty"},
		{name: "API key", text: "#\napi_key = \"abc\"", line: 2, err: "looks like a secret"},
		{name: "token", text: "accessToken = \"abc\"", line: 1, err: "looks like a secret"},
		{name: "secret", text: "CLIENT_SECRET = 'abc'", line: 1, err: "looks like a secret"},
		{name: "secret without quotes", text: "token = abc", line: 1, err: "looks like a secret"},
		{name: "Lamina key", text: "workspace = \"lma_abc\"", line: 1, err: "looks like a secret"},
		{name: "Lamina key without quotes", text: "#\nworkspace = lma_abc", line: 2, err: "looks like a secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseProject([]byte(test.text))
			var refused *ProjectError
			switch {
			case test.err == "" && (err != nil || *got != test.want):
				t.Errorf("parseProject(%q) = %v, %v, want %v", test.text, got, err, test.want)
			case test.err != "" && (!errors.As(err, &refused) || refused.Line != test.line || !strings.Contains(err.Error(), test.err)):
				t.Errorf("parseProject(%q): got error %v, want line %d, %q", test.text, err, test.line, test.err)
			case err != nil && (strings.Contains(err.Error(), "abc") || strings.Contains(err.Error(), "\x1b")):
				t.Errorf("parseProject(%q): the error quotes the file: %v", test.text, err)
			}
		})
	}
}

func FuzzParseProject(f *testing.F) {
	f.Add("profile = \"work\" # x\nbase_url='https://a.example'\nworkspace = \"ws\"\n")
	f.Add("api_key = \"x\"\n[a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseProject([]byte(text))
		var refused *ProjectError
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("parseProject(%q): got error %T, want *ProjectError", text, err)
		}
		if err != nil {
			return
		}
		if got.Profile != "" && !isProfileName(got.Profile) || strings.ContainsFunc(got.BaseURL+got.Workspace, unicode.IsControl) {
			t.Errorf("parseProject(%q) = %v", text, got)
		}
		for _, value := range []string{got.Profile, got.BaseURL, got.Workspace} {
			if strings.HasPrefix(value, "lma_") {
				t.Errorf("parseProject(%q) = %v", text, got)
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
		project, err := FindProject(folder, home)
		if err != nil {
			t.Fatal(err)
		}
		if project == nil {
			return ""
		}
		return project.Path
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

func TestUntrustedProjects(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	t.Parallel()
	const text = `profile = "x"`
	const nobody = 65534
	write := func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	tests := []struct {
		name      string
		create    func(path string) error
		needsRoot bool
		err       string
	}{
		{name: "writable by every user", err: "chmod", create: func(path string) error {
			return errors.Join(write(path), os.Chmod(path, 0o602))
		}},
		{name: "folder", err: "regular file", create: func(path string) error { return os.Mkdir(path, 0o700) }},
		{name: "named pipe", err: "regular file", create: func(path string) error {
			return exec.Command("mkfifo", path).Run()
		}},
		{name: "dangling link", err: "no such file", create: func(path string) error { return os.Symlink("nowhere", path) }},
		{name: "too large", err: "larger", create: func(path string) error {
			return os.WriteFile(path, make([]byte, maxProject+1), 0o600)
		}},
		{name: "another user's file", needsRoot: true, err: "another user", create: func(path string) error {
			return errors.Join(write(path), os.Chown(path, nobody, nobody))
		}},
		{name: "another user's link", needsRoot: true, err: "another user", create: func(path string) error {
			return errors.Join(write(path+".ours"), os.Symlink(path+".ours", path), os.Lchown(path, nobody, nobody))
		}},
		{name: "link to another user's file", needsRoot: true, err: "another user", create: func(path string) error {
			return errors.Join(write(path+".theirs"), os.Chown(path+".theirs", nobody, nobody), os.Symlink(path+".theirs", path))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.needsRoot && os.Geteuid() != 0 {
				t.Skip("only root can change the owner of a file")
			}
			t.Parallel()
			folder := t.TempDir()
			if err := test.create(filepath.Join(folder, ProjectFile)); err != nil {
				t.Fatal(err)
			}
			_, err := FindProject(folder, folder)
			var refused *ProjectError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want an error with %q", err, test.err)
			}
		})
	}
}
