package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// TestHelpAndReferenceAgree compares the help of each command, as a terminal without a width shows it, with the reference line by
// line.
func TestHelpAndReferenceAgree(t *testing.T) {
	t.Parallel()
	root := Tree()
	for _, cmd := range commands(root) {
		if !cmd.HasParent() {
			continue
		}
		var page strings.Builder
		noun := cmd
		for noun.Parent() != root {
			noun = noun.Parent()
		}
		page.Write(Reference(root)[noun.Name()+".md"])
		documented := referenceLines(page.String(), cmd)
		for _, line := range helpLines(t, cmd, 1<<20) {
			if !slices.Contains(documented, line) {
				t.Errorf("%s: the reference lacks the line %q of the help", cmd.CommandPath(), line)
			}
		}
	}
}

// helpLines returns the lines of the help of a command, without white space and titles, for a terminal of a width.
func helpLines(t *testing.T, cmd *cobra.Command, width int) (lines []string) {
	t.Helper()
	for line := range strings.Lines(helpText(t, cmd, width)) {
		line = strings.Join(strings.Fields(line), "")
		if line != "" && !slices.Contains([]string{"Usage", "Examples", "Flags", "Commands", "Aliases"}, line) && !strings.HasPrefix(line, "Globalflags") && !strings.HasPrefix(line, "Moreaboutacommand") {
			lines = append(lines, line)
		}
	}
	return lines
}

func helpText(t *testing.T, cmd *cobra.Command, width int) string {
	t.Helper()
	streams, out, _ := term.Test("")
	streams.OutTTY, streams.Width = true, func() int { return width }
	env := &cmdutil.Env{Streams: streams, Getenv: func(string) string { return "" }}
	if err := env.Help(func(p *output.Page) { writeHelp(p, cmd, nil) }); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// referenceLines returns the lines of a command's part of a page of the reference, as the help has them.
func referenceLines(page string, cmd *cobra.Command) (lines []string) {
	heading := regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(cmd.CommandPath()) + `$`).FindStringIndex(page)
	link := regexp.MustCompile(`\[` + "`" + regexp.QuoteMeta(cmd.CommandPath()) + ` (\S+)` + "`" + `\]\([^)]*\)`)
	for line := range strings.Lines(page[heading[1]:]) {
		line = link.ReplaceAllString(strings.TrimSpace(line), "$1")
		if row, isRow := strings.CutPrefix(line, "| "); isRow {
			line = strings.NewReplacer("` | ", "", " | ", "", "`", "", " |", "", `\|`, "|").Replace(row)
		}
		if names, isAlias := strings.CutPrefix(line, "Also: "); isAlias {
			line = strings.ReplaceAll(names, "`", "")
		}
		if item, isItem := strings.CutPrefix(line, "- `"); isItem {
			line = strings.Replace(item, "`: ", "", 1)
		}
		lines = append(lines, strings.Join(strings.Fields(line), ""))
	}
	for _, c := range cmd.Commands() { // below their own headings
		lines = append(lines, strings.Join(strings.Fields(c.Name()+c.Short), ""))
	}
	return lines
}

// TestHelpFits: no line of help is wider than the terminal, except a single word, a quoted one, and code, which is to be copied.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	for _, width := range []int{120, 80, 60, 40} {
		for _, cmd := range commands(Tree()) {
			var code []string
			for _, s := range sections(cmd) {
				for _, b := range s.prose {
					code = append(code, b.Code...)
				}
			}
			for line := range strings.Lines(helpText(t, cmd, width)) {
				line = strings.TrimRight(line, "\n")
				trimmed := strings.TrimSpace(line)
				isTerm := strings.HasPrefix(trimmed, "-") || len(strings.Fields(trimmed)) == 1 || strings.ContainsAny(trimmed, `'"`)
				if len([]rune(line)) > width && !slices.Contains(code, trimmed) && !isTerm && !strings.HasPrefix(trimmed, "More about") {
					t.Errorf("%s at %d columns: %q is too wide", cmd.CommandPath(), width, line)
				}
			}
		}
	}
}

// TestHelpKeepsCode: the hook can be copied at every width.
func TestHelpKeepsCode(t *testing.T) {
	t.Parallel()
	root := Tree()
	for _, tt := range []struct{ path, want string }{
		{"auth scan", "\n\n#!/bin/sh\nexec lamina auth scan --staged\n\n"},
		{"completion", "\n# fish\nlamina completion fish | source\n"},
		{"auth move", "keyring  in the same file, encrypted with a key in the OS keyring\n"},
	} {
		cmd, _, err := root.Find(strings.Fields(tt.path))
		if err != nil {
			t.Fatal(err)
		}
		if got := helpText(t, cmd, 80); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q in it", tt.path, got, tt.want)
		}
	}
}

// TestEverythingIsCompleted: each flag and each argument of each command has a completion, or is said to have none.
func TestEverythingIsCompleted(t *testing.T) {
	t.Parallel()
	root := Tree()
	for _, missing := range complete.Complete(root) {
		t.Errorf("%s has no completion: register a function, or add the name to the tables of internal/cli/complete", missing)
	}
	checkTooMany(t, root)
	root.AddCommand(&cobra.Command{Use: "x UNKNOWN", Run: func(*cobra.Command, []string) {}})
	if got := complete.Complete(root); !slices.Equal(got, []string{"lamina x UNKNOWN"}) {
		t.Errorf("got %q, want the unknown argument", got)
	}
}

// checkTooMany checks that no command offers anything, file names included, for an argument that it does not take.
func checkTooMany(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	for _, c := range cmd.Commands() {
		checkTooMany(t, c)
	}
	if !cmd.Runnable() || cmd.HasSubCommands() || strings.Contains(cmd.Use, "…") || cmd.Hidden {
		return
	}
	args := slices.Repeat([]string{"x"}, len(strings.Fields(cmd.Use))-1)
	if offered, directive := cmd.ValidArgsFunction(cmd, args, ""); len(offered) > 0 || directive&cobra.ShellCompDirectiveNoFileComp == 0 {
		t.Errorf("%s: got %q and the directive %d for one argument too many, want nothing and no files", cmd.CommandPath(), offered, directive)
	}
}
