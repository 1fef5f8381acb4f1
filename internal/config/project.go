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

	"github.com/pelletier/go-toml/v2"

	"github.com/uselamina/lamina/internal/config/internal/disk"
	"github.com/uselamina/lamina/internal/textfile"
)

// ProjectFile is the name of a project config.
const ProjectFile = ".lamina.toml"

// maxProject is the largest project config, in bytes. A usual one has three lines.
const maxProject = 64 << 10

// A Project is the project config of a folder and its subfolders. It chooses among the profiles of this user, and refuses
// credentials of other accounts. It never makes lamina send a credential to an address. An empty field has no effect.
type Project struct {
	Path      string // the file
	Profile   string
	BaseURL   string // as in the file
	Workspace string // its id
}

// ProjectError means that a project config cannot be used. It quotes nothing of the file, which may hold a secret by mistake.
type ProjectError struct {
	Path   string
	Line   int // from 1; 0 means the whole file
	Detail string
}

// Error describes the problem.
func (e *ProjectError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s cannot be used: %s", e.Path, e.Detail)
	}
	return fmt.Sprintf("%s cannot be used: line %d %s", e.Path, e.Line, e.Detail)
}

// FindProject returns the project config of a folder: the nearest .lamina.toml in the folder or above it. The search ends at
// the home folder, or at the root of the file system if the folder is outside of the home folder. The result is nil if there
// is none.
//
// A file that belongs to neither this user nor root, or that every user may write, is an error, as for git's safe.directory.
// Ignoring it would silently disable the checks of a project. Errors: *ProjectError.
func FindProject(folder, home string) (*Project, error) {
	for folder = filepath.Clean(folder); ; folder = filepath.Dir(folder) {
		path := filepath.Join(folder, ProjectFile)
		info, err := os.Lstat(path)
		if err == nil {
			return readProject(path, info)
		}
		if folder == filepath.Dir(folder) || home != "" && folder == filepath.Clean(home) {
			return nil, nil //nolint:nilnil // the absence of a project config is no error
		}
	}
}

func readProject(path string, link fs.FileInfo) (*Project, error) {
	refuse := func(detail string) (*Project, error) { return nil, &ProjectError{Path: path, Detail: detail} }
	const otherUser = "it belongs to another user; change its owner (chown), remove it, or work in another folder"
	if !disk.IsTrusted(link) {
		return refuse(otherUser)
	}
	info, err := os.Stat(path) // before the file is opened, because opening a named pipe would block
	if err != nil {
		return refuse(cause(err).Error())
	}
	switch {
	case !info.Mode().IsRegular():
		return refuse("it is not a regular file")
	case !disk.IsTrusted(info):
		return refuse(otherUser)
	case disk.HasPermissionBits && info.Mode().Perm()&0o002 != 0:
		return refuse("every user of this machine may change it; remove that permission (chmod o-w)")
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
	text, err := textfile.Decode(raw)
	if invalid := (*textfile.Error)(nil); errors.As(err, &invalid) {
		return nil, &ProjectError{Path: path, Line: invalid.Line, Detail: invalid.Detail}
	}
	project, err := parseProject(text)
	if refused := (*ProjectError)(nil); errors.As(err, &refused) {
		refused.Path = path
		return nil, refused
	}
	project.Path = path
	return project, nil
}

// parseProject parses a project config: a TOML document whose only keys are profile, base_url and workspace, with strings as
// values. Unlike a struct, the map matches keys exactly.
func parseProject(raw []byte) (*Project, error) {
	values := map[string]string{}
	if err := toml.Unmarshal(raw, &values); err != nil {
		return nil, syntaxError(raw, err)
	}
	var problems []*ProjectError
	for key, value := range values {
		if detail := checkProjectValue(key, value); detail != "" {
			problems = append(problems, &ProjectError{Line: lineOf(raw, key), Detail: detail})
		}
	}
	if len(problems) > 0 {
		return nil, slices.MinFunc(problems, func(a, b *ProjectError) int { return a.Line - b.Line })
	}
	return &Project{Profile: values["profile"], BaseURL: values["base_url"], Workspace: values["workspace"]}, nil
}

// syntaxError converts an error of the TOML parser, without its message, which may quote the file.
func syntaxError(raw []byte, err error) *ProjectError {
	var located *toml.DecodeError
	if !errors.As(err, &located) {
		return &ProjectError{Detail: "it is not valid TOML"}
	}
	row, _ := located.Position()
	lines := strings.Split(string(raw), "\n")
	key, value, _ := strings.Cut(lines[min(row, len(lines))-1], "=")
	if looksSecret(key, strings.TrimLeft(value, " \t\"'")) {
		return &ProjectError{Line: row, Detail: secretDetail}
	}
	if strings.Contains(located.Error(), "already defined") {
		return &ProjectError{Line: row, Detail: "sets a key that a line above it sets: remove one of the two"}
	}
	return &ProjectError{Line: row, Detail: `is not valid: write profile = "NAME", base_url = "URL" or workspace = "ID"`}
}

const secretDetail = "looks like a secret, which a project config must not hold: remove it, and revoke it if others have seen this file"

// checkProjectValue describes what is wrong with a value, and returns "" if nothing is.
func checkProjectValue(key, value string) (detail string) {
	switch {
	case looksSecret(key, value):
		return secretDetail
	case key != "profile" && key != "base_url" && key != "workspace":
		return "sets an unknown key: the keys are profile, base_url and workspace"
	case value == "":
		return "is empty"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "has a value with a control character"
	case key == "profile" && !isProfileName(value):
		return "is not a profile name: a name has letters, digits, dots, dashes and underscores"
	}
	return ""
}

// lineOf returns the number of the line that sets a key, and 0 if it is not found.
func lineOf(raw []byte, key string) int {
	n := 0
	for line := range strings.Lines(string(raw)) {
		n++
		name, _, isSetting := strings.Cut(line, "=")
		if isSetting && strings.Trim(name, " \t\"'") == key {
			return n
		}
	}
	return 0
}

func looksSecret(key, value string) bool {
	key = strings.ToLower(key)
	return strings.HasPrefix(value, "lma_") ||
		slices.ContainsFunc([]string{"key", "token", "secret", "password", "credential"}, func(word string) bool {
			return strings.Contains(key, word)
		})
}
