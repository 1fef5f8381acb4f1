package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// madeBy heads every page of the reference.
const madeBy = "<!-- Made by: go run ./internal/docgen -markdown docs/reference. Change the commands, not this page. -->\n\n"

// Tree returns the command tree for the reference, the man pages and the completion scripts.
func Tree() *cobra.Command {
	streams, _, _ := term.Test("")
	env := &cmdutil.Env{Streams: streams, Getenv: func(string) string { return "" }, Now: time.Now}
	env.Sessions = newSessions(env)
	return (&program{env: env}).newRoot(builders())
}

// WriteReference writes the pages of Reference into folder.
func WriteReference(root *cobra.Command, folder string) error {
	for name, text := range Reference(root) {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil { //nolint:gosec // public documents
			return err
		}
	}
	return nil
}

// Reference returns Markdown pages by their file names: one for each noun below root, and README.md, which lists them
// and holds the flags that every command has.
func Reference(root *cobra.Command) map[string][]byte {
	pages := map[string][]byte{"README.md": referenceIndex(root)}
	for _, noun := range root.Commands() {
		if !noun.IsAvailableCommand() {
			continue
		}
		page := bytes.NewBufferString(madeBy)
		writeReference(page, noun, "#")
		for _, verb := range noun.Commands() {
			if !verb.IsAvailableCommand() {
				continue
			}
			page.WriteString("\n")
			writeReference(page, verb, "##")
			for _, part := range verb.Commands() {
				page.WriteString("\n")
				writeReference(page, part, "###")
			}
		}
		page.WriteString("\nEvery command also takes [these flags](README.md#flags-of-every-command).\n")
		pages[noun.Name()+".md"] = page.Bytes()
	}
	return pages
}

func referenceIndex(root *cobra.Command) []byte {
	page := bytes.NewBufferString(madeBy)
	writeReference(page, root, "#")
	for _, group := range root.Groups() {
		fmt.Fprintf(page, "\n## %s\n\n| command | what it does |\n|---|---|\n", group.Title)
		for _, noun := range root.Commands() {
			if noun.GroupID == group.ID && noun.IsAvailableCommand() {
				fmt.Fprintf(page, "| [`%s`](%s.md) | %s |\n", noun.CommandPath(), noun.Name(), cell(noun.Short))
			}
		}
	}
	page.WriteString("\n## Flags of every command\n")
	writeFlagTable(page, flagList(root.PersistentFlags()))
	return page.Bytes()
}

// writeReference writes the reference of one command below a heading of the given level: the sections of its help. The root and the
// second level list no commands, because these follow.
func writeReference(page *bytes.Buffer, cmd *cobra.Command, heading string) {
	fmt.Fprintf(page, "%s %s\n\n", heading, cmd.CommandPath())
	for _, s := range sections(cmd) {
		switch {
		case s.title == "":
			writeProse(page, s.prose)
		case s.title == "Aliases":
			fmt.Fprintf(page, "\nAlso: `%s`\n", strings.Join(cmd.Aliases, "`, `"))
		case len(s.lines) > 0:
			language := map[string]string{"Usage": "text", "Examples": "sh"}[s.title]
			fmt.Fprintf(page, "\n```%s\n%s\n```\n", language, strings.Join(s.lines, "\n"))
		case s.isFlags:
			writeFlagTable(page, s.list)
		case heading != "##" && cmd.HasParent() && len(s.list) > 0:
			page.WriteString("\n| command | what it does |\n|---|---|\n")
			for _, c := range s.list {
				path := cmd.CommandPath() + " " + c[0]
				fmt.Fprintf(page, "| [`%s`](#%s) | %s |\n", path, strings.ReplaceAll(path, " ", "-"), cell(c[1]))
			}
		}
	}
}

// writeProse writes paragraphs, lists and code.
func writeProse(page *bytes.Buffer, blocks []output.Block) {
	for i, b := range blocks {
		if i > 0 {
			page.WriteString("\n")
		}
		switch {
		case len(b.Code) > 0:
			fmt.Fprintf(page, "```text\n%s\n```\n", strings.Join(b.Code, "\n"))
		case b.Paragraph != "":
			page.WriteString(b.Lines() + "\n")
		}
		for _, item := range b.List {
			if item[0] != "-" {
				item[1] = "`" + item[0] + "`: " + item[1]
			}
			page.WriteString("- " + item[1] + "\n")
		}
	}
}

func writeFlagTable(page *bytes.Buffer, list [][2]string) {
	header := "\n| flag | meaning |\n|---|---|\n"
	for _, f := range list {
		fmt.Fprintf(page, "%s| `%s` | %s |\n", header, strings.TrimSpace(f[0]), cell(f[1]))
		header = ""
	}
}

// cell escapes a text for a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
