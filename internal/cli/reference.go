package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// madeBy heads every page of the reference.
const madeBy = "<!-- Made by: go run ./internal/docgen -markdown docs/reference. Change the commands, not this page. -->\n\n"

// Tree returns the command tree for the reference, the man pages and the completion scripts.
func Tree() *cobra.Command {
	streams, _, _ := term.Test("")
	env := &cmdutil.Env{Streams: streams, Getenv: func(string) string { return "" }, Now: time.Now}
	env.Sessions = newSessions(env)
	return (&program{env: env}).newRoot()
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
	writeFlagTable(page, root.PersistentFlags())
	return page.Bytes()
}

// writeReference writes the reference of one command below a heading of the given level.
func writeReference(page *bytes.Buffer, cmd *cobra.Command, heading string) {
	fmt.Fprintf(page, "%s %s\n\n", heading, cmd.CommandPath())
	writeProse(page, cmp.Or(cmd.Long, cmd.Short+"."))
	fmt.Fprintf(page, "\n```text\n%s\n```\n", usageLine(cmd))
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(page, "\nAlso: `%s`\n", strings.Join(cmd.Aliases, "`, `"))
	}
	if cmd.Example != "" {
		fmt.Fprintf(page, "\n```sh\n%s\n```\n", cmd.Example)
	}
	if heading != "##" && cmd.HasParent() && cmd.HasAvailableSubCommands() {
		page.WriteString("\n| command | what it does |\n|---|---|\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(page, "| [`%s`](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), cell(c.Short))
			}
		}
	}
	writeFlagTable(page, cmd.LocalNonPersistentFlags())
}

// writeProse writes paragraphs. An indented paragraph is kept as it is.
func writeProse(page *bytes.Buffer, text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			page.WriteString("\n")
		}
		if strings.HasPrefix(paragraph, "  ") {
			paragraph = "```text\n" + strings.ReplaceAll(paragraph[2:], "\n  ", "\n") + "\n```"
		}
		page.WriteString(paragraph + "\n")
	}
}

func writeFlagTable(page *bytes.Buffer, set *pflag.FlagSet) {
	header := "\n| flag | meaning |\n|---|---|\n"
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		fmt.Fprintf(page, "%s| `%s` | %s |\n", header, strings.TrimSpace(flagName(f)), cell(flagUsage(f)))
		header = ""
	})
}

// cell escapes a text for a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
