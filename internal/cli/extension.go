package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/child"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

// extensionPrefix begins the names of programs that are commands: lamina-NAME on PATH is lamina NAME.
const extensionPrefix = "lamina-"

// isExtensionName reports whether a word can be the name of an extension: letters, digits, dashes and underscores.
func isExtensionName(word string) bool {
	isOther := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	return word != "" && word[0] != '-' && word[0] != '_' && !strings.ContainsFunc(word, isOther)
}

// pathFolders returns the folders of PATH. A relative one is left out, because the folder of a cloned repository must not add commands.
func pathFolders(env *cmdutil.Env) []string {
	return slices.DeleteFunc(filepath.SplitList(env.Getenv("PATH")), func(folder string) bool { return !filepath.IsAbs(folder) })
}

// findExtension returns the path of the program of an extension; "" if there is none. On Windows it has one of the endings of PATHEXT.
func findExtension(env *cmdutil.Env, name string) string {
	if !isExtensionName(name) {
		return ""
	}
	for _, folder := range pathFolders(env) {
		if path, err := exec.LookPath(filepath.Join(folder, extensionPrefix+name)); err == nil {
			return path
		}
	}
	return ""
}

// An extension is a program that is a command.
type extension struct{ name, path string }

// listExtensions returns the extensions on PATH that no command of this program hides, by name.
func listExtensions(env *cmdutil.Env, root *cobra.Command) []extension {
	var found []extension
	for _, folder := range pathFolders(env) {
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			name, ok := strings.CutPrefix(entry.Name(), extensionPrefix)
			if runtime.GOOS == "windows" {
				name = strings.TrimSuffix(name, filepath.Ext(name))
			}
			isKnown := slices.ContainsFunc(found, func(x extension) bool { return x.name == name })
			if !ok || isKnown || !isExtensionName(name) || isCommand(root, name) {
				continue
			}
			if path, err := exec.LookPath(filepath.Join(folder, extensionPrefix+name)); err == nil {
				found = append(found, extension{name, path})
			}
		}
	}
	slices.SortFunc(found, func(a, b extension) int { return strings.Compare(a.name, b.name) })
	return found
}

// isCommand reports whether a word is a command of this program, or an alias of one.
func isCommand(root *cobra.Command, word string) bool {
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == word || c.HasAlias(word) })
}

// runExtension runs the extension that a command line begins with, in place of this process. It reports false if there is none. PATH is
// read only if the first word is no command.
func (p *program) runExtension(args []string) (status int, found bool, err error) {
	if len(args) == 2 && args[0] == "help" {
		args = []string{args[1], "--help"}
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || isCommand(p.root, args[0]) {
		return 0, false, nil
	}
	path := findExtension(p.env, args[0])
	if path == "" {
		return 0, false, nil
	}
	status, err = child.Replace(os.Environ(), path, args[1:]...)
	return status, true, err
}

// writeExtensions adds the extensions to the help of the root.
func writeExtensions(page *output.Page, env *cmdutil.Env, root *cobra.Command) {
	var pairs []string
	for _, x := range listExtensions(env, root) {
		pairs = append(pairs, "  "+x.name, x.path)
	}
	if len(pairs) > 0 {
		page.Line("\n%s", page.Bold("Extensions"))
		page.Fields(pairs...)
	}
}

// completeExtensions completes the names of extensions, as the first word.
func completeExtensions(env *cmdutil.Env) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault // the arguments of an extension: files
		}
		var lines []string
		for _, x := range listExtensions(env, cmd.Root()) {
			lines = append(lines, x.name+"\textension "+x.path)
		}
		return lines, cobra.ShellCompDirectiveNoFileComp
	}
}
