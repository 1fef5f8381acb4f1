package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ProjectFile is the file that pins a folder.
const ProjectFile = ".lamina.toml"

// maxProject is in bytes; a pin has three lines.
const maxProject = 64 << 10

// A Project ties a folder, and those below it, to an account. It only narrows: it chooses among the profiles of this user and
// refuses what does not match, but never sends anything anywhere. An empty field says nothing.
type Project struct {
	Path      string // the file
	Profile   string
	BaseURL   string // as written
	Workspace string // its id
}

// ProjectError refuses a pin. Nothing of the file is quoted.
type ProjectError struct {
	Path   string
	Line   int // from 1; 0 for the whole file
	Detail string
}

// Error names the file and the line.
func (e *ProjectError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s cannot be used: %s", e.Path, e.Detail)
	}
	return fmt.Sprintf("%s cannot be used: line %d %s", e.Path, e.Line, e.Detail)
}

// FindProject returns the pin of a folder: the nearest .lamina.toml in it or above, up to the home folder, or up to the root
// of the file system for a folder outside of home. It is nil when there is none.
//
// As with git's safe.directory, a file that belongs to neither this user nor root, or that everyone may write, is not
// read but refused: passing over it silently would lift the guard that somebody relies on. Errors: *ProjectError.
func FindProject(folder, home string) (*Project, error) {
	for folder = filepath.Clean(folder); ; folder = filepath.Dir(folder) {
		path := filepath.Join(folder, ProjectFile)
		info, err := os.Lstat(path)
		if err == nil {
			return readProject(path, info)
		}
		if folder == filepath.Dir(folder) || home != "" && folder == filepath.Clean(home) {
			return nil, nil //nolint:nilnil // no pin is no error
		}
	}
}

func readProject(path string, link fs.FileInfo) (*Project, error) {
	refuse := func(detail string) (*Project, error) { return nil, &ProjectError{Path: path, Detail: detail} }
	const wayOut = "; make it yours (chown) or remove it, or work in another folder"
	if !ownedByFriend(link) {
		return refuse("it belongs to another user" + wayOut)
	}
	info, err := os.Stat(path) // before it is opened, because opening a named pipe would hang
	if err != nil {
		return refuse(cause(err).Error())
	}
	switch {
	case !info.Mode().IsRegular():
		return refuse("it is not a regular file")
	case !ownedByFriend(info):
		return refuse("it belongs to another user" + wayOut)
	case chmodMatters && info.Mode().Perm()&0o002 != 0:
		return refuse("every user of this machine may change it; take that away with chmod o-w")
	}
	f, err := os.Open(path)
	if err != nil {
		return refuse(cause(err).Error())
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxProject+1))
	switch {
	case err != nil:
		return refuse(cause(err).Error())
	case len(raw) > maxProject:
		return refuse(fmt.Sprintf("it is larger than %d bytes", maxProject))
	}
	pin, err := parseProject(string(raw))
	if refused := (*ProjectError)(nil); errors.As(err, &refused) {
		refused.Path = path
		return nil, refused
	}
	pin.Path = path
	return pin, nil
}

// parseProject reads the part of TOML that a pin needs: comments, and three keys whose values are strings on one line,
// without escapes. Whatever else TOML has would be an unknown key anyway.
func parseProject(text string) (*Project, error) {
	if !utf8.ValidString(text) {
		return nil, &ProjectError{Detail: "it is not UTF-8 text"}
	}
	pin := &Project{}
	fields := map[string]*string{"profile": &pin.Profile, "base_url": &pin.BaseURL, "workspace": &pin.Workspace}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, detail := parseProjectLine(line)
		if detail == "" {
			detail = setProjectField(fields, key, value)
		}
		if detail != "" {
			return nil, &ProjectError{Line: n, Detail: detail}
		}
	}
	return pin, nil
}

// parseProjectLine returns what is wrong with a line, or "".
func parseProjectLine(line string) (key, value, detail string) {
	const want = `is not understood: write profile = "NAME", base_url = "URL" or workspace = "ID"`
	key, rest, found := strings.Cut(line, "=")
	key, rest = strings.TrimSpace(key), strings.TrimSpace(rest)
	if looksSecret(key, rest) {
		return "", "", "looks like a secret, and a pin holds none: remove it, and revoke it if others have seen this file"
	}
	if !found || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return "", "", want
	}
	value, after, closed := strings.Cut(rest[1:], rest[:1])
	after = strings.TrimSpace(after)
	switch {
	case !closed, after != "" && after[0] != '#':
		return "", "", want
	case strings.ContainsRune(value, '\\') || strings.ContainsFunc(value, unicode.IsControl):
		return "", "", "has a value with a backslash or a control character"
	}
	return key, value, ""
}

func setProjectField(fields map[string]*string, key, value string) (detail string) {
	field, known := fields[key]
	switch {
	case !known:
		return "sets something that a pin does not have: it has profile, base_url and workspace"
	case value == "":
		return "is empty"
	case *field != "":
		return "sets " + key + " a second time"
	case key == "profile" && !isProfileName(value):
		return "names no profile: a name is letters, digits, dots, dashes and underscores"
	}
	*field = value
	return ""
}

func looksSecret(key, value string) bool {
	key = strings.ToLower(key)
	return strings.HasPrefix(strings.TrimLeft(value, `"'`), "lma_") ||
		slices.ContainsFunc([]string{"key", "token", "secret", "password", "credential"}, func(word string) bool {
			return strings.Contains(key, word)
		})
}
