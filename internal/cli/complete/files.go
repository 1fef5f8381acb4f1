package complete

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
)

// URLs offers the names of files as @FILE, for a flag that takes a URL or a file.
func URLs(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if path, isFile := strings.CutPrefix(typed, "@"); isFile {
		return filesBehind("@", path)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// filesBehind offers the files and folders whose paths begin with typed, each behind a prefix such as photo=@.
func filesBehind(prefix, typed string) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp
	folder, begin := filepath.Split(typed)
	entries, err := os.ReadDir(cmp.Or(folder, "."))
	if err != nil {
		return nil, directive
	}
	var lines []string
	for _, e := range entries {
		name := e.Name()
		isHidden := strings.HasPrefix(name, ".") && begin == ""
		if isHidden || !strings.HasPrefix(name, begin) || strings.ContainsFunc(name, unicode.IsControl) {
			continue
		}
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.IsDir() {
			name += "/"
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		lines = append(lines, prefix+folder+name)
	}
	return lines, directive
}
