package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// Tree returns the command tree for those who document it.
func Tree() *cobra.Command {
	streams, _, _ := term.Test("")
	return newRoot(&Env{Streams: streams, Getenv: func(string) string { return "" }})
}

// WriteReference writes the help of every command below root into one Markdown file for each noun in folder.
func WriteReference(root *cobra.Command, folder string) error {
	for name, text := range Reference(root) {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil { //nolint:gosec // public documents
			return err
		}
	}
	return nil
}

// Reference returns the Markdown files of WriteReference by their names.
func Reference(root *cobra.Command) map[string][]byte {
	files := map[string][]byte{}
	index := &bytes.Buffer{}
	writeReference(index, root, 1)
	_, _ = io.WriteString(index, "\n## Commands\n\n")
	for _, noun := range root.Commands() {
		if !noun.IsAvailableCommand() {
			continue
		}
		page := &bytes.Buffer{}
		writeReference(page, noun, 1)
		for _, verb := range noun.Commands() {
			if verb.IsAvailableCommand() {
				_, _ = io.WriteString(page, "\n")
				writeReference(page, verb, 2)
			}
		}
		files[noun.Name()+".md"] = page.Bytes()
		_, _ = io.WriteString(index, "- ["+noun.CommandPath()+"]("+noun.Name()+".md): "+noun.Short+"\n")
	}
	files["README.md"] = index.Bytes()
	return files
}

func writeReference(w io.Writer, cmd *cobra.Command, level int) {
	streams, out, _ := term.Test("")
	p, _ := output.New(streams, output.Options{Format: output.Text}) // cannot fail without a jq program
	_ = p.Data(nil, func(page *output.Page) { writeHelp(page, cmd) })
	_, _ = io.WriteString(w, strings.Repeat("#", level)+" "+cmd.CommandPath()+"\n\n```text\n"+strings.TrimSpace(out.String())+"\n```\n")
}
